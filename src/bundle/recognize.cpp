#include "secgan/bundle/recognize.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "bundle/comparison.hpp"
#include "bundle/state_dict.hpp"
#include "core/counted.hpp"
#include "core/format.hpp"
#include "io/json.hpp"
#include "nn/parameter_budget.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/random.hpp"
#include "secgan/models/backbone.hpp"
#include "secgan/nn/state.hpp"

namespace secgan {
namespace {

/// face-parsing's networks, under the names that both dialects have here.
std::optional<ParserConfig> recognize_parser(const StateShapes& state, ParserConfig base) {
  if (!state.has("fpn.backbone.conv1.weight")) return std::nullopt;
  const bool deep = state.has("fpn.backbone.layer1.2.conv1.weight");
  base.options.network = deep ? ParserNetwork::kBisenetResnet34 : ParserNetwork::kBisenetResnet18;
  base.classes = state.extent("conv_out.conv.weight", 0);
  return base;
}

std::optional<ResNetOptions> recognize_resnet(const StateShapes& state) {
  if (!state.has("layer1.0.conv1.weight") || !state.has("layer4.0.conv1.weight")) return std::nullopt;
  ResNetOptions options{.depth = ResNetDepth::k18, .classes = state.extent("fc.weight", 0)};
  if (state.has("layer3.5.conv1.weight")) options.depth = state.has("layer1.0.conv3.weight") ? ResNetDepth::k50 : ResNetDepth::k34;
  return options;
}

int64_t value_count(const NamedTensors& state) {
  int64_t values = 0;
  for (const auto& [name, tensor] : state) {
    if (__builtin_add_overflow(values, tensor.numel(), &values)) return std::numeric_limits<int64_t>::max();
  }
  return values;
}

NamedTensors state_of(const AnyConfig& config) {
  const SeedGuard untouched(0);  // networks begin with random weights, the process's random state is not theirs
  const auto state = []<class Config>(const Config& c) {
    if constexpr (std::is_same_v<Config, GeneratorConfig>) {
      // No shape of a generator depends on the side, which the caller may have got wrong: one that every depth divides.
      GeneratorConfig of_any_side = c;
      of_any_side.spec.image_size = 256;
      return module_state(*make_generator(of_any_side));
    } else if constexpr (std::is_same_v<Config, DiscriminatorConfig>) {
      return module_state(*make_discriminator(c));
    } else if constexpr (std::is_same_v<Config, ParserConfig>) {
      return module_state(*make_parser(c));
    } else if constexpr (std::is_same_v<Config, InceptionV3Options>) {
      return module_state(*InceptionV3(c));
    } else {
      return module_state(*ResNet(c));
    }
  };
  return std::visit(state, config);
}

bool is_training_head(std::string_view name) { return name.starts_with("projection_head.") || name.starts_with("prototypes."); }

/// From the whole state that these options imply; nullopt where they imply none, or another one altogether.
std::optional<Comparison> difference_from(const AnyConfig& config, const StateView& view) {
  // A file's parser may lack its auxiliary heads.
  constexpr int64_t kDispensableValues = 4'000'000;
  const int64_t values = value_count(view.tensors);
  const ParameterBudget budget(values < std::numeric_limits<int64_t>::max() - kDispensableValues ? values + kDispensableValues : values);
  try {
    const NamedTensors wanted = state_of(config);
    Comparison difference = compare(wanted, view, std::holds_alternative<ResNetOptions>(config) ? is_training_head : ignore_none);
    // A network of which some entries are damaged is still told; half of another one is not.
    const bool near = difference.wrong <= std::max<int64_t>(4, std::ssize(wanted) / 10) && 2 * difference.fitting.size() > wanted.size();
    return near ? std::optional(std::move(difference)) : std::nullopt;
  } catch (const InvalidArgument&) {
    return std::nullopt;  // options that no network has
  }
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

std::optional<Recognized> recognize_nearly(const StateView& given, const AnyConfig* base) {
  StateView view = given;
  rename_entries(view);
  const StateShapes shapes(view.tensors);
  const auto base_of = [base]<class Config>(const Config& otherwise) {
    const Config* const chosen = base != nullptr ? std::get_if<Config>(base) : nullptr;
    return chosen != nullptr ? *chosen : otherwise;
  };
  // Names and a few shapes make a guess; whether it is one only the whole state tells.
  std::vector<AnyConfig> guesses;
  const auto guess = [&](const auto& config) {
    if (config) guesses.emplace_back(*config);
  };
  guess(recognize_generator(shapes, base_of(GeneratorConfig{})));
  guess(recognize_discriminator(shapes, base_of(DiscriminatorConfig{})));
  guess(recognize_parser(shapes, base_of(ParserConfig{})));
  if (shapes.has("Mixed_7c.branch_pool.conv.weight")) guesses.emplace_back(InceptionV3Options{.classes = shapes.extent("fc.weight", 0)});
  guess(recognize_resnet(shapes));
  std::optional<Recognized> best;
  for (AnyConfig& config : guesses) {
    auto difference = difference_from(config, view);
    if (difference && (!best || difference->wrong < best->difference.wrong)) best = Recognized{std::move(config), std::move(*difference)};
  }
  return best;
}

std::optional<AnyConfig> recognize(const NamedTensors& state, const AnyConfig* base) {
  auto found = recognize_nearly({"", state, {}}, base);
  return found && found->difference.wrong == 0 ? std::optional(std::move(found->config)) : std::nullopt;
}

std::string describe(const AnyConfig& config) {
  if (const auto* generator = std::get_if<GeneratorConfig>(&config)) {
    const NetworkSpec& spec = generator->spec;
    return fmt::format("generator '{}'{} of {}", generator->options.backbone(),
                       spec.output == OutputActivation::kAttention ? " with attention" : "", counted(spec.attributes, "attribute"));
  }
  if (const auto* discriminator = std::get_if<DiscriminatorConfig>(&config)) {
    return fmt::format("discriminator '{}' of {} for {} px", discriminator->options.backbone(),
                       counted(discriminator->spec.attributes, "attribute"), discriminator->spec.image_size);
  }
  const auto classified = [](const std::string& network, int64_t classes) {
    return classes > 0 ? fmt::format("{} of {}", network, counted(classes, "class", "classes")) : network + " without a classifier";
  };
  if (const auto* inception = std::get_if<InceptionV3Options>(&config)) return classified("network 'inception-v3'", inception->classes);
  if (const auto* resnet = std::get_if<ResNetOptions>(&config)) {
    return classified(fmt::format("network 'resnet-{}'", name_of(kResNetDepths, resnet->depth)), resnet->classes);
  }
  const auto& parser = std::get<ParserConfig>(config);
  return fmt::format("parser '{}' of {}", name_of(kParserNetworks, parser.options.network), counted(parser.classes, "class", "classes"));
}

std::string differences(const AnyConfig& found, const AnyConfig& expected) {
  std::string out;
  if (found.index() == expected.index()) collect_differences(json_of(found), json_of(expected), "", out);
  return out;
}

}  // namespace secgan
