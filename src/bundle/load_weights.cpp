#include "secgan/bundle/load_weights.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "bundle/state_dict.hpp"
#include "core/format.hpp"
#include "secgan/bundle/recognize.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/torch_file.hpp"
#include "secgan/nn/state.hpp"
#include "secgan/parsing/bisenet.hpp"

namespace secgan {
namespace {

/// zllrunning's names of a parser and pytorch-fid's of an Inception v3 become ours; others stay.
NamedTensors renamed(NamedTensors tensors) {
  for (auto& [name, tensor] : tensors) {
    if (name.starts_with("cp.") || name.starts_with("ffm.") || name.starts_with("conv_out")) {
      name = bisenet_name_from_zllrunning(name);
    } else if (name.starts_with("blocks.")) {
      name = inception_name_from_wrapper(name);
    }
  }
  return tensors;
}

/// Entries that take no part in computing: counters that old files lack, the classifier of yakhyo's parser.
bool may_be_missing(std::string_view name) { return name.ends_with("num_batches_tracked") || name.starts_with("fpn.backbone.fc."); }

using Ignored = bool (*)(std::string_view name);
bool ignore_none(std::string_view) { return false; }
/// What SwAV trains its features with.
bool is_swav_head(std::string_view name) { return name.starts_with("projection_head.") || name.starts_with("prototypes."); }

/// How a file's entries differ from a module's.
struct Comparison {
  NamedTensors fitting;  ///< pairs to copy: the module's tensor is looked up by name
  int64_t wrong = 0;
  std::string first;  ///< the first difference in words
};

Comparison compare(const NamedTensors& wanted, const NamedTensors& given, Ignored ignored) {
  Comparison out;
  const auto wrong = [&](const std::string& what) {
    if (out.wrong++ == 0) out.first = what;
  };
  std::unordered_map<std::string_view, at::Tensor> by_name;
  for (const auto& [name, tensor] : given) by_name.emplace(name, tensor);
  std::unordered_set<std::string_view> known;
  for (const auto& [name, target] : wanted) {
    known.insert(name);
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      if (!may_be_missing(name)) wrong(fmt::format("'{}' is missing", name));
    } else if (found->second.sizes() != target.sizes()) {
      wrong(fmt::format("'{}' has shape [{}], the network [{}]", name, fmt::join(found->second.sizes(), ", "),
                        fmt::join(target.sizes(), ", ")));
    } else {
      out.fitting.emplace_back(name, found->second);
    }
  }
  for (const auto& [name, tensor] : given) {
    if (!known.contains(name) && !may_be_missing(name) && !ignored(name))
      wrong(fmt::format("'{}' belongs to no layer of the network", name));
  }
  return out;
}

void load(torch::nn::Module& module, const std::string& file, std::vector<StateDict> dicts, const AnyConfig* config, Ignored ignored) {
  const NamedTensors state = module_state(module);
  std::optional<Comparison> best;
  std::optional<StateDict> closest;
  for (StateDict& dict : dicts) {
    dict.tensors = renamed(std::move(dict.tensors));
    Comparison comparison = compare(state, dict.tensors, ignored);
    if (!best || comparison.wrong < best->wrong) {
      best = std::move(comparison);
      closest = std::move(dict);
    }
  }
  if (!best) throw Error(fmt::format("{}: no tensors by name in it", file));
  if (best->wrong == 0) {
    std::unordered_map<std::string_view, at::Tensor> by_name;
    for (const auto& [name, tensor] : best->fitting) by_name.emplace(name, tensor);
    at::NoGradGuard no_grad;
    for (const auto& [name, target] : state) {
      if (const auto found = by_name.find(name); found != by_name.end()) at::Tensor(target).copy_(found->second);
    }
    return;
  }
  std::string message = fmt::format("{}: {}", file, best->first);
  if (best->wrong > 1) message += fmt::format(" ({} entries differ)", best->wrong);
  if (const auto seems = recognize(closest->tensors, config)) {
    message += fmt::format("; the file seems to hold a {}", describe(*seems));
    if (config != nullptr) {
      const std::string advice = differences(*seems, *config);
      if (!advice.empty()) message += fmt::format("; options that would fit: {}", advice);
    }
  }
  throw Error(message);
}

void load(torch::nn::Module& module, const std::filesystem::path& file, Ignored ignored = ignore_none) {
  load(module, file.string(), load_state_dicts(file), nullptr, ignored);
}

/// A network whose config is what advice compares with; a custom one has none.
template <class Holder>
void load_configured(Holder& network, const std::string& file, std::vector<StateDict> dicts) {
  if constexpr (requires { network->custom(); }) {
    if (network->custom()) return load(*network, file, std::move(dicts), nullptr, ignore_none);
  }
  const AnyConfig config = network->config();
  load(*network, file, std::move(dicts), &config, ignore_none);
}

void require_weights(const std::filesystem::path& file, std::string_view origin) {
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) return;
  throw FileNotFound(fmt::format("'{}' is missing; nothing is downloaded: the weights are {}", file.string(), origin));
}

}  // namespace

void load_state_dict(Generator& generator, const StateDict& dict, const std::string& file) { load_configured(generator, file, {dict}); }
void load_state_dict(Parser& parser, const StateDict& dict, const std::string& file) { load_configured(parser, file, {dict}); }

void load_weights(Generator& generator, const std::filesystem::path& file) {
  load_configured(generator, file.string(), load_state_dicts(file));
}
void load_weights(Discriminator& discriminator, const std::filesystem::path& file) {
  load_configured(discriminator, file.string(), load_state_dicts(file));
}
void load_weights(Parser& parser, const std::filesystem::path& file) { load_configured(parser, file.string(), load_state_dicts(file)); }

void load_weights(InceptionV3& network, const std::filesystem::path& file) { load(*network, file); }

void load_weights(ResNet& network, const std::filesystem::path& file) { load(*network, file, is_swav_head); }

InceptionV3 read_inception_v3(const std::filesystem::path& file) {
  require_weights(file, kInceptionWeightsOrigin);
  const std::vector<StateDict> dicts = load_state_dicts(file);
  const auto has_classifier = [](const StateDict& dict) {
    return std::ranges::any_of(dict.tensors, [](const auto& entry) { return entry.first == "fc.weight"; });
  };
  InceptionV3Options options;
  if (std::ranges::none_of(dicts, has_classifier)) options.classes = 0;
  InceptionV3 network(options);
  load(*network, file.string(), dicts, nullptr, ignore_none);
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

void load_weights(torch::nn::Module& module, const std::filesystem::path& file) { load(module, file); }

}  // namespace secgan
