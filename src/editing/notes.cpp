#include "editing/notes.hpp"

#include <algorithm>
#include <cmath>

#include "core/format.hpp"

namespace secgan {
namespace {

constexpr double kFarthestStrength = 2;     // papers show edits up to here; 1 is what training used
constexpr double kFewestPixels = 0.5;       // of the networks' side
constexpr double kMostSqueezed = 1.1;       // the longer side of a crop, of the shorter one
constexpr double kAlikePsnr = 18;           // dB; faces like those of the training come to 23 and more
constexpr double kDrawnConfidence = 0.945;  // of a parser of drawn faces: theirs are above 0.95, portraits below 0.94

}  // namespace

std::vector<std::string> notes_on_pictures(int64_t pictures) {
  if (pictures <= 1) return {};
  return {fmt::format("the file holds {} pictures: the first is taken", pictures)};
}

std::vector<std::string> notes_on_strengths(const std::vector<AttributeEdit>& edits) {
  std::vector<std::string> out;
  for (const auto& [name, strength] : edits) {
    if (std::abs(strength) <= kFarthestStrength) continue;
    out.push_back(fmt::format("strength {:g} of {} is far from the 1 that training used: beyond {:g} edits fall apart", strength, name,
                              kFarthestStrength));
  }
  return out;
}

std::vector<std::string> notes_on_nothing(const std::vector<AttributeEdit>& edits, const NamedValues& difference, bool given) {
  std::vector<std::string> out;
  for (const auto& [name, strength] : edits) {
    const auto asked = std::ranges::find(difference, name, [](const auto& named) { return named.first; });
    if (strength == 0 || asked->second != 0) continue;
    out.push_back(fmt::format("{} {} in the photo {}, {}: {} it changes nothing", name, strength > 0 ? "is" : "is not",
                              strength > 0 ? "already" : "anyway",
                              given ? "as source says" : "as the classifier sees it (what is given by source holds instead)",
                              strength > 0 ? "adding" : "removing"));
  }
  return out;
}

std::vector<std::string> notes_on_size(const Rect& crop, int64_t image_size) {
  std::vector<std::string> out;
  if (const auto [low, high] = std::minmax(crop.width, crop.height); static_cast<double>(high) > kMostSqueezed * static_cast<double>(low)) {
    out.push_back(fmt::format("the networks see the crop's {} x {} pixels squeezed to a square, as no face was that they were trained on",
                              crop.width, crop.height));
  }
  if (static_cast<double>(std::max(crop.width, crop.height)) >= kFewestPixels * static_cast<double>(image_size)) return out;
  out.push_back(fmt::format("the photo gives the networks {} x {} pixels, they take {} x {}: the edit is as blurred as that", crop.width,
                            crop.height, image_size, image_size));
  return out;
}

std::vector<std::string> notes_on_likeness(const Likeness& likeness, const BundleInfo& info) {
  const bool rebuilt = !likeness.psnr || *likeness.psnr >= kAlikePsnr;
  const bool known = info.trained_on != kDrawnFaces || !likeness.confidence || *likeness.confidence >= kDrawnConfidence;
  if (rebuilt && known) return {};
  // A network that was trained for a moment rebuilds nothing.
  return {fmt::format(
      "the photo is unlike those that the bundle was trained on{}, or the bundle saw too little of them: expect little of the edit",
      info.trained_on.empty() ? "" : fmt::format(" ({})", info.trained_on))};
}

}  // namespace secgan
