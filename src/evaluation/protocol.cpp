#include "secgan/evaluation/protocol.hpp"

#include <filesystem>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/io/settings.hpp"

namespace secgan {
namespace {

/// STGAN's evaluation as its authors' scripts run it: official test photos, CelebA's attribute list of AttGAN, their
/// crop, and the strength that the paper's metrics need (`--test_int 2`, a difference of 1.5).
EvaluationProtocol stgan_paper() {
  EvaluationProtocol protocol;
  protocol.name = "stgan-paper";
  protocol.crop = "box:3,26,170,170";
  protocol.attributes = {"Bald",           "Bangs",      "Black_Hair", "Blond_Hair",          "Brown_Hair",
                         "Bushy_Eyebrows", "Eyeglasses", "Male",       "Mouth_Slightly_Open", "Mustache",
                         "No_Beard",       "Pale_Skin",  "Young"};
  protocol.conflicts = ConflictRules::kStgan;
  protocol.strength = 1.5;
  return protocol;
}

}  // namespace

void EvaluationProtocol::check() const {
  if (!crop.empty()) parse_crop(crop);
  if (!attributes.empty()) AttributeSchema{attributes};
}

const std::vector<std::string>& protocol_names() {
  static const std::vector<std::string> names{"secgan", "stgan-paper"};
  return names;
}

EvaluationProtocol open_protocol(const std::string& name_or_file) {
  if (name_or_file == "secgan") return {};
  if (name_or_file == "stgan-paper") return stgan_paper();
  if (!std::filesystem::exists(name_or_file)) {
    throw InvalidArgument(
        fmt::format("protocol '{}' is unknown, and there is no such file; known: {}", name_or_file, fmt::join(protocol_names(), ", ")));
  }
  try {
    return load_settings<EvaluationProtocol>(name_or_file);
  } catch (const InvalidArgument& error) {
    throw Error(error.what());
  }
}

}  // namespace secgan
