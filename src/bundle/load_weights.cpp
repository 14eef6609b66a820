#include "secgan/bundle/load_weights.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bundle/state_dict.hpp"
#include "bundle/state_views.hpp"
#include "core/format.hpp"
#include "secgan/bundle/recognize.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/torch_file.hpp"
#include "secgan/nn/state.hpp"

namespace secgan {
namespace {

/// What SwAV trains its features with.
bool is_swav_head(std::string_view name) { return name.starts_with("projection_head.") || name.starts_with("prototypes."); }

/// The entries as the network will hold them. A value beyond the network's type becomes infinite there.
NamedTensors converted(const Comparison& comparison, const NamedTensors& state) {
  std::unordered_map<std::string_view, at::Tensor> targets;
  for (const auto& [name, target] : state) targets.emplace(name, target);
  NamedTensors out;
  for (const auto& [name, tensor] : comparison.fitting) out.emplace_back(name, tensor.to(targets.at(name).options()));
  return out;
}

void assign(const NamedTensors& state, const Comparison& comparison, const std::string& file) {
  const NamedTensors values = converted(comparison, state);
  require_finite(values, file);
  std::unordered_map<std::string_view, at::Tensor> by_name;
  for (const auto& [name, tensor] : values) by_name.emplace(name, tensor);
  at::NoGradGuard no_grad;
  for (const auto& [name, target] : state) {
    if (const auto found = by_name.find(name); found != by_name.end()) at::Tensor(target).copy_(found->second);
  }
}

/// What is wrong, and what the file seems to hold instead.
/// @param closest  the views that come closest, which are looked at in this order
std::string refusal(const std::string& file, const Comparison& best, const std::vector<const StateView*>& closest,
                    const std::vector<StateDict>& dicts, const AnyConfig* config) {
  std::string message = fmt::format("{}: {}", file, best.first);
  if (best.wrong > 1) message += fmt::format(" ({} entries differ)", best.wrong);
  std::optional<Recognized> seems;
  for (size_t i = 0; i < closest.size() && !seems; ++i) seems = recognize_nearly(*closest[i], config);
  if (!seems) return message + first_names(dicts);
  message += fmt::format("; the file seems to hold a {}", describe(seems->config));
  if (config != nullptr) {
    const std::string advice = differences(seems->config, *config);
    if (!advice.empty()) message += fmt::format("; options that would fit: {}", advice);
  }
  return message;
}

/// @return the note of choose()
std::string load(torch::nn::Module& module, const std::string& file, const std::vector<StateDict>& dicts, std::string_view entry,
                 const AnyConfig* config, IgnoredEntry ignored = ignore_none) {
  const NamedTensors state = module_state(module);
  // A state has all that computes; a prefix with fewer tensors than half of it has no such state below it.
  std::vector<StateView> views = only_entry(state_views(dicts, state.size() / 4 + 1), entry, file);
  std::vector<Comparison> comparisons;
  for (StateView& view : views) {
    rename_entries(view);
    if (auto named = with_dots(view.tensors, state)) view.tensors = std::move(*named);
    comparisons.push_back(compare(state, view, ignored));
  }
  if (views.empty()) throw Error(fmt::format("{}: no tensors by name in it", file));
  std::vector<const StateView*> fitting;
  for (size_t i = 0; i < views.size(); ++i) {
    if (comparisons[i].wrong == 0 && !comparisons[i].fitting.empty()) fitting.push_back(&views[i]);
  }
  const auto place = [&](const StateView& view) { return static_cast<size_t>(&view - views.data()); };
  if (!fitting.empty()) {
    std::string note;
    const StateView& chosen = choose(fitting, file, note);
    assign(state, comparisons[place(chosen)], file);
    if (note.empty() && !is_averaged(chosen.entry)) note = note_of_partial_average(views, state, file);
    return note;
  }
  // The most that fits, whole dictionaries first.
  std::vector<const StateView*> closest;
  for (const StateView& view : views) closest.push_back(&view);
  std::ranges::stable_sort(closest, {}, [&](const StateView* view) {
    const Comparison& comparison = comparisons[place(*view)];
    return std::tuple(-std::ssize(comparison.fitting), !view->whole, comparison.wrong);
  });
  constexpr size_t kLookedAt = 16;
  if (closest.size() > kLookedAt) closest.resize(kLookedAt);
  throw Error(refusal(file, comparisons[place(*closest.front())], closest, dicts, config));
}

std::string load(torch::nn::Module& module, const std::filesystem::path& file, std::string_view entry, IgnoredEntry ignored = ignore_none) {
  return load(module, file.string(), load_state_dicts(file), entry, nullptr, ignored);
}

/// A network whose config is what advice compares with; a custom one has none.
template <class Holder>
std::string load_configured(Holder& network, const std::filesystem::path& file, std::string_view entry) {
  const std::vector<StateDict> dicts = load_state_dicts(file);
  if constexpr (requires { network->custom(); }) {
    if (network->custom()) return load(*network, file.string(), dicts, entry, nullptr);
  }
  const AnyConfig config = network->config();
  return load(*network, file.string(), dicts, entry, &config);
}

template <class Holder>
void load_view(Holder& network, const StateView& view, const std::string& file) {
  const NamedTensors state = module_state(*network);
  const Comparison comparison = compare(state, view);
  if (comparison.wrong == 0) return assign(state, comparison, file);
  const AnyConfig config = network->config();
  throw Error(refusal(file, comparison, {&view}, {}, &config));
}

void require_weights(const std::filesystem::path& file, std::string_view origin) {
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) return;
  throw FileNotFound(fmt::format("'{}' is missing; nothing is downloaded: the weights are {}", file.string(), origin));
}

}  // namespace

void load_state_view(Generator& generator, const StateView& view, const std::string& file) { load_view(generator, view, file); }
void load_state_view(Parser& parser, const StateView& view, const std::string& file) { load_view(parser, view, file); }

std::string load_weights(Generator& generator, const std::filesystem::path& file, std::string_view entry) {
  return load_configured(generator, file, entry);
}
std::string load_weights(Discriminator& discriminator, const std::filesystem::path& file, std::string_view entry) {
  return load_configured(discriminator, file, entry);
}
std::string load_weights(Parser& parser, const std::filesystem::path& file, std::string_view entry) {
  return load_configured(parser, file, entry);
}

std::string load_weights(InceptionV3& network, const std::filesystem::path& file, std::string_view entry) {
  return load(*network, file, entry);
}

std::string load_weights(ResNet& network, const std::filesystem::path& file, std::string_view entry) {
  return load(*network, file, entry, is_swav_head);
}

InceptionV3 read_inception_v3(const std::filesystem::path& file) {
  require_weights(file, kInceptionWeightsOrigin);
  const std::vector<StateDict> dicts = load_state_dicts(file);
  const auto has_classifier = [](const StateDict& dict) {
    return std::ranges::any_of(dict.tensors,
                               [](const auto& entry) { return entry.first == "fc.weight" || entry.first.ends_with(".fc.weight"); });
  };
  InceptionV3Options options;
  if (std::ranges::none_of(dicts, has_classifier)) options.classes = 0;
  InceptionV3 network(options);
  load(*network, file.string(), dicts, {}, nullptr);
  network->eval();
  return network;
}

ResNet read_swav_resnet50(const std::filesystem::path& file) {
  require_weights(file, kSwavWeightsOrigin);
  ResNet network(kSwavResNet50);
  load_weights(network, file);
  network->eval();
  return network;
}

std::string load_weights(torch::nn::Module& module, const std::filesystem::path& file, std::string_view entry) {
  return load(module, file, entry);
}

}  // namespace secgan
