#include "secgan/models/presets.hpp"

#include <array>
#include <utility>

#include "secgan/core/names.hpp"

namespace secgan {
namespace {

struct Preset {
  Backbone backbone;
  bool official = false;
};

constexpr std::array<std::pair<std::string_view, Preset>, 4> kPresets{{{"attgan", {Backbone::kAttGan}},
                                                                       {"stgan", {Backbone::kStgan}},
                                                                       {"stargan", {Backbone::kStarGan}},
                                                                       {"stgan-official", {Backbone::kStgan, true}}}};

template <class Options>
Options preset(std::string_view name) {
  const Preset found = parse_name(kPresets, name, "backbone");
  Options options;
  options.backbone = found.backbone;
  if (found.official) options.stgan = options.stgan.official();
  return options;
}

}  // namespace

std::vector<std::string_view> preset_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : kPresets) names.push_back(name);
  return names;
}

GeneratorOptions generator_preset(std::string_view name) { return preset<GeneratorOptions>(name); }
DiscriminatorOptions discriminator_preset(std::string_view name) { return preset<DiscriminatorOptions>(name); }

}  // namespace secgan
