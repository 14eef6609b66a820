#include "secgan/bundle/recognize.hpp"

#include "core/format.hpp"
#include "io/json.hpp"
#include "secgan/models/backbone.hpp"

namespace secgan {
namespace {

/// face-parsing's networks, in either dialect.
std::optional<ParserConfig> recognize_parser(const StateShapes& state, ParserConfig base) {
  for (const std::string backbone : {"cp.resnet", "fpn.backbone"}) {
    if (!state.has(backbone + ".conv1.weight")) continue;
    const bool deep = state.has(backbone + ".layer1.2.conv1.weight");
    base.options.network = deep ? ParserNetwork::kBisenetResnet34 : ParserNetwork::kBisenetResnet18;
    base.classes = state.extent(state.has("conv_out.conv_out.weight") ? "conv_out.conv_out.weight" : "conv_out.conv.weight", 0);
    return base;
  }
  return std::nullopt;
}

std::optional<ResNetOptions> recognize_resnet(const StateShapes& state) {
  if (!state.has("layer1.0.conv1.weight") || !state.has("layer4.0.conv1.weight")) return std::nullopt;
  ResNetOptions options{.depth = ResNetDepth::k18, .classes = state.extent("fc.weight", 0)};
  if (state.has("layer3.5.conv1.weight")) options.depth = state.has("layer1.0.conv3.weight") ? ResNetDepth::k50 : ResNetDepth::k34;
  return options;
}

nlohmann::ordered_json json_of(const AnyConfig& options) {
  return std::visit([](const auto& o) { return detail::to_json(o); }, options);
}

void collect_differences(const nlohmann::ordered_json& found, const nlohmann::ordered_json& expected, const std::string& path,
                         std::string& out) {
  for (const auto& [key, value] : found.items()) {
    if (!expected.contains(key)) continue;
    const std::string name = path.empty() ? key : path + "." + key;
    if (value.is_object()) {
      collect_differences(value, expected[key], name, out);
    } else if (value != expected[key]) {
      const auto text = [](const nlohmann::ordered_json& v) { return v.is_string() ? v.get<std::string>() : v.dump(); };
      out += fmt::format("{}{} = {} (here {})", out.empty() ? "" : ", ", name, text(value), text(expected[key]));
    }
  }
}

}  // namespace

std::optional<AnyConfig> recognize(const NamedTensors& state, const AnyConfig* base) {
  const StateShapes shapes(state);
  const auto base_of = [base]<class Config>(const Config& otherwise) {
    const Config* const given = base != nullptr ? std::get_if<Config>(base) : nullptr;
    return given != nullptr ? *given : otherwise;
  };
  if (auto generator = recognize_generator(shapes, base_of(GeneratorConfig{}))) return *generator;
  if (auto discriminator = recognize_discriminator(shapes, base_of(DiscriminatorConfig{}))) return *discriminator;
  if (auto parser = recognize_parser(shapes, base_of(ParserConfig{}))) return *parser;
  if (shapes.has("Mixed_7c.branch_pool.conv.weight")) return InceptionV3Options{.classes = shapes.extent("fc.weight", 0)};
  if (auto resnet = recognize_resnet(shapes)) return *resnet;
  return std::nullopt;
}

std::string describe(const AnyConfig& config) {
  if (const auto* generator = std::get_if<GeneratorConfig>(&config)) {
    return fmt::format("generator '{}' of {} attributes", generator->options.backbone(), generator->spec.attributes);
  }
  if (const auto* discriminator = std::get_if<DiscriminatorConfig>(&config)) {
    return fmt::format("discriminator '{}' of {} attributes for {} px", discriminator->options.backbone(), discriminator->spec.attributes,
                       discriminator->spec.image_size);
  }
  const auto classified = [](const std::string& network, int64_t classes) {
    return classes > 0 ? fmt::format("{} of {} classes", network, classes) : network + " without a classifier";
  };
  if (const auto* inception = std::get_if<InceptionV3Options>(&config)) return classified("network 'inception-v3'", inception->classes);
  if (const auto* resnet = std::get_if<ResNetOptions>(&config)) {
    return classified(fmt::format("network 'resnet-{}'", name_of(kResNetDepths, resnet->depth)), resnet->classes);
  }
  const auto& parser = std::get<ParserConfig>(config);
  return fmt::format("parser '{}' of {} classes", name_of(kParserNetworks, parser.options.network), parser.classes);
}

std::string differences(const AnyConfig& found, const AnyConfig& expected) {
  std::string out;
  if (found.index() == expected.index()) collect_differences(json_of(found), json_of(expected), "", out);
  return out;
}

}  // namespace secgan
