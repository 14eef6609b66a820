#include "secgan/models/backbone.hpp"

#include <algorithm>
#include <deque>

#include "core/format.hpp"
#include "models/builtin.hpp"  // IWYU pragma: keep: for backbones.def
#include "secgan/core/error.hpp"

namespace secgan {

namespace {

/// A deque: references stay good when one is added.
std::deque<Backbone>& table() {
  static std::deque<Backbone> backbones{
#define SECGAN_BACKBONE(name) name##_backbone(),
#include "models/backbones.def"
#undef SECGAN_BACKBONE
  };
  return backbones;
}

template <NetworkRole role>
const auto& kind_of(const Backbone& backbone) {
  if constexpr (role == NetworkRole::kGenerator) {
    return backbone.generator;
  } else {
    return backbone.discriminator;
  }
}

/// Where a name of preset_names() leads.
struct Found {
  const Backbone* backbone;
  const BackbonePreset* preset;  // null: as published
};

Found find(std::string_view name) {
  for (const Backbone& backbone : table()) {
    if (backbone.name == name) return {&backbone, nullptr};
    for (const BackbonePreset& preset : backbone.presets) {
      if (preset.name == name) return {&backbone, &preset};
    }
  }
  throw InvalidArgument(fmt::format("backbone '{}' is unknown; known: {}", name, fmt::join(preset_names(), ", ")));
}

template <NetworkRole role>
std::optional<NetworkConfig<role>> recognize(const StateShapes& state, const NetworkConfig<role>& base) {
  for (const Backbone& backbone : table()) {
    const auto& kind = kind_of<role>(backbone);
    NetworkSpec spec = base.spec;
    const NetworkOptions<role> options = base.options.backbone() == backbone.name ? base.options : NetworkOptions<role>(backbone.name);
    std::any held = options.held();
    if (!kind.recognize(state, spec, held)) continue;
    return NetworkConfig<role>{spec, NetworkOptions<role>::holding(backbone.name, std::move(held))};
  }
  return std::nullopt;
}

template <NetworkRole role>
auto make(const NetworkSpec& spec, const NetworkOptions<role>& options) {
  validate(spec);
  validate(options);
  return kind_of<role>(backbone(options.backbone())).make(spec, options.held());
}

}  // namespace

std::vector<std::string> backbone_names() {
  std::vector<std::string> names;
  for (const Backbone& backbone : table()) names.push_back(backbone.name);
  return names;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names = backbone_names();
  for (const Backbone& backbone : table()) {
    for (const BackbonePreset& preset : backbone.presets) names.push_back(preset.name);
  }
  return names;
}

const Backbone& backbone(std::string_view name) {
  const auto& all = table();
  const auto found = std::ranges::find_if(all, [&](const Backbone& entry) { return entry.name == name; });
  if (found == all.end())
    throw InvalidArgument(fmt::format("backbone '{}' is unknown; known: {}", name, fmt::join(backbone_names(), ", ")));
  return *found;
}

void add_backbone(Backbone backbone) {
  const std::vector<std::string> taken = preset_names();
  const auto check = [&](const std::string& name) {
    if (name.empty()) throw InvalidArgument("a backbone's name is empty");
    if (std::ranges::find(taken, name) != taken.end()) throw InvalidArgument(fmt::format("backbone '{}' is there already", name));
  };
  check(backbone.name);
  for (const BackbonePreset& preset : backbone.presets) check(preset.name);
  table().push_back(std::move(backbone));
}

std::optional<GeneratorConfig> recognize_generator(const StateShapes& state, const GeneratorConfig& base) { return recognize(state, base); }

std::optional<DiscriminatorConfig> recognize_discriminator(const StateShapes& state, const DiscriminatorConfig& base) {
  return recognize(state, base);
}

Generator make_generator(const NetworkSpec& spec, const GeneratorOptions& options) { return make(spec, options); }

Discriminator make_discriminator(const NetworkSpec& spec, const DiscriminatorOptions& options) { return make(spec, options); }

template <NetworkRole role>
NetworkOptions<role>::NetworkOptions() : NetworkOptions(table().front().name) {}

template <NetworkRole role>
NetworkOptions<role>::NetworkOptions(std::string_view name) {
  choose(name);
}

template <NetworkRole role>
NetworkOptions<role> NetworkOptions<role>::small(std::string_view backbone, int64_t width) {
  NetworkOptions options;
  options.small_width_ = width;
  options.choose(backbone);
  return options;
}

template <NetworkRole role>
NetworkOptions<role> NetworkOptions<role>::holding(std::string backbone, std::any options) {
  NetworkOptions out;
  out.backbone_ = std::move(backbone);
  out.options_ = std::move(options);
  return out;
}

template <NetworkRole role>
void NetworkOptions<role>::choose(std::string_view name) {
  const auto [backbone, preset] = find(name);
  backbone_ = backbone->name;
  if (preset != nullptr) {
    options_ = role == NetworkRole::kGenerator ? preset->generator : preset->discriminator;
  } else {
    const auto& kind = kind_of<role>(*backbone);
    options_ = small_width_ > 0 ? kind.small(small_width_) : kind.published;
  }
}

template <NetworkRole role>
Record NetworkOptions<role>::backbone_record() {
  return kind_of<role>(secgan::backbone(backbone_)).record(options_);
}

template <NetworkRole role>
Record NetworkOptions<role>::record() {
  Record record;
  record.type = role == NetworkRole::kGenerator ? "GeneratorOptions" : "DiscriminatorOptions";
  record.fields = [this] {
    const auto choose_other = [this](std::string_view name) {
      if (name != backbone_) choose(name);
    };
    const EnumRef name{backbone_names(), [this] { return backbone_; }, choose_other};
    return std::vector<FieldRef>{{"backbone", "which networks; the options below are the backbone's", {}, {}, name},
                                 {backbone_, "options of the backbone", {}, {}, backbone_record()}};
  };
  return record;
}

template <NetworkRole role>
Record NetworkConfig<role>::record() {
  Record record;
  record.type = role == NetworkRole::kGenerator ? "GeneratorConfig" : "DiscriminatorConfig";
  record.fields = [this] {
    // The backbone's name, what follows from the data, the backbone's options.
    std::vector<FieldRef> fields = options.record().fields();
    for (FieldRef& field : record_of(spec).fields()) {
      if (role == NetworkRole::kGenerator || field.name != "output") fields.insert(fields.end() - 1, std::move(field));
    }
    return fields;
  };
  return record;
}

template class NetworkOptions<NetworkRole::kGenerator>;
template class NetworkOptions<NetworkRole::kDiscriminator>;
template struct NetworkConfig<NetworkRole::kGenerator>;
template struct NetworkConfig<NetworkRole::kDiscriminator>;

}  // namespace secgan
