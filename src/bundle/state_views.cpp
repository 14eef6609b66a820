#include "bundle/state_views.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "core/format.hpp"
#include "core/some_of.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

/// Modules that hold one other and hand everything on: DataParallel, torch.compile, FSDP, activation checkpoints, DeepSpeed.
constexpr std::array<std::string_view, 5> kWrappers{"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
                                                    "_forward_module"};
constexpr size_t kDeepestPrefix = 8;

std::string unwrapped(std::string_view name) {
  std::string out;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    const std::string_view word = name.substr(begin, end - begin);
    // The last word is a tensor's own name.
    if (end == name.size() || std::ranges::find(kWrappers, word) == kWrappers.end()) {
      if (!out.empty()) out += '.';
      out += word;
    }
    begin = end + 1;
  }
  return out;
}

/// nullopt where nothing changes, or two names become one.
std::optional<StateDict> unwrapped(const StateDict& dict) {
  StateDict out{dict.path, {}, {}};
  bool changed = false;
  std::unordered_set<std::string> seen;
  const auto add = [&](const std::string& name) {
    const std::string shorter = unwrapped(name);
    changed = changed || shorter != name;
    return seen.insert(shorter).second ? shorter : std::string();
  };
  for (const auto& [name, tensor] : dict.tensors) {
    std::string shorter = add(name);
    if (shorter.empty()) return std::nullopt;
    out.tensors.emplace_back(std::move(shorter), tensor);
  }
  for (const auto& [name, why] : dict.unread) out.unread.push_back({unwrapped(name), why});
  return changed ? std::optional(std::move(out)) : std::nullopt;
}

/// The dictionary without what stands below a prefix and, without it, among the rest: a second network of the same kind beside the first.
/// @return nullopt where there is none
std::optional<StateView> without_copies(const StateDict& dict) {
  std::unordered_set<std::string_view> names;
  for (const auto& [name, tensor] : dict.tensors) names.insert(name);
  std::unordered_map<std::string_view, std::pair<size_t, size_t>> below;  // of a first word: tensors, and those that stand without it, too
  const auto first_word = [](std::string_view name) { return name.substr(0, std::min(name.find('.'), name.size())); };
  for (const std::string_view name : names) {
    const std::string_view word = first_word(name);
    if (word.size() == name.size()) continue;
    auto& [all, repeated] = below[word];
    ++all;
    if (names.contains(name.substr(word.size() + 1))) ++repeated;
  }
  std::erase_if(below, [](const auto& one) { return 2 * one.second.second < one.second.first; });
  if (below.empty()) return std::nullopt;
  StateView rest{dict.path, {}, {}};
  for (const auto& entry : dict.tensors) {
    if (!below.contains(first_word(entry.first))) rest.tensors.push_back(entry);
  }
  for (const auto& entry : dict.unread) {
    if (!below.contains(first_word(entry.name))) rest.unread.push_back(entry);
  }
  return rest;
}

void append_views(const StateDict& dict, size_t least, std::vector<StateView>& out) {
  out.push_back({dict.path, dict.tensors, dict.unread});
  if (std::optional<StateView> rest = without_copies(dict)) out.push_back(std::move(*rest));
  // Of each prefix how many tensors it has: most have too few, and are not copied.
  std::unordered_map<std::string_view, size_t> counts;
  std::vector<std::string_view> prefixes;  // in the file's order
  const auto each_prefix = [](std::string_view name, auto&& visit) {
    size_t end = name.find('.');
    for (size_t depth = 0; end != std::string_view::npos && depth < kDeepestPrefix; ++depth, end = name.find('.', end + 1)) {
      visit(name.substr(0, end + 1));
    }
  };
  for (const auto& [name, tensor] : dict.tensors) {
    each_prefix(name, [&](std::string_view prefix) {
      if (counts[prefix]++ == 0) prefixes.push_back(prefix);
    });
  }
  std::unordered_map<std::string_view, size_t> place;
  for (const std::string_view prefix : prefixes) {
    if (counts[prefix] < least) continue;
    place.emplace(prefix, out.size());
    const std::string_view words = prefix.substr(0, prefix.size() - 1);
    out.push_back({dict.path.empty() ? std::string(words) : fmt::format("{}.{}", dict.path, words), {}, {}, false});
  }
  if (place.empty()) return;
  for (const auto& [name, tensor] : dict.tensors) {
    each_prefix(name, [&](std::string_view prefix) {
      if (const auto found = place.find(prefix); found != place.end()) {
        out[found->second].tensors.emplace_back(name.substr(prefix.size()), tensor);
      }
    });
  }
  for (const auto& [name, why] : dict.unread) {
    each_prefix(name, [&](std::string_view prefix) {
      if (const auto found = place.find(prefix); found != place.end()) {
        out[found->second].unread.push_back({name.substr(prefix.size()), why});
      }
    });
  }
}

/// The averages of LitEma (latent diffusion) have names without dots, which one cannot be put back; beside them stands the network itself.
bool lacks_dots(const StateView& view) {
  const auto dotted = [](const auto& entry) { return entry.first.find('.') != std::string::npos; };
  return is_averaged(std::string_view(view.entry).substr(view.entry.rfind('.') + 1)) && std::ranges::none_of(view.tensors, dotted);
}

/// Dictionaries of such averages under the names of the one network in the file whose names they are.
std::vector<StateDict> dotted_averages(const std::vector<StateView>& views) {
  constexpr size_t kMost = 8;  // a file may hold any number of averages and networks
  std::vector<StateDict> out;
  size_t tried = 0;
  for (const StateView& average : views) {
    if (!lacks_dots(average) || ++tried > kMost) continue;
    std::vector<NamedTensors> found;
    for (const StateView& network : views) {
      if (network.tensors.size() < average.tensors.size() / 2 || network.tensors.size() > 4 * average.tensors.size()) continue;
      auto named = with_dots(average.tensors, network.tensors);
      const auto same = [&](const NamedTensors& other) {
        return std::ranges::equal(other, *named, {}, &NamedTensors::value_type::first, &NamedTensors::value_type::first);
      };
      if (named && std::ranges::none_of(found, same)) found.push_back(std::move(*named));
    }
    if (found.size() == 1) out.push_back({average.entry, std::move(found[0]), {}});
  }
  return out;
}

bool same_tensors(const NamedTensors& a, const NamedTensors& b) {
  std::unordered_map<std::string_view, at::Tensor> by_name;
  for (const auto& [name, tensor] : b) by_name.emplace(name, tensor);
  return std::ranges::all_of(a, [&](const auto& entry) {
    const auto& [name, tensor] = entry;
    const auto found = by_name.find(name);
    // Counters differ where nothing else does.
    if (found == by_name.end() || !tensor.is_floating_point()) return true;
    const at::Tensor& other = found->second;
    if (tensor.is_same(other)) return true;
    return tensor.sizes() == other.sizes() && tensor.scalar_type() == other.scalar_type() && at::equal(tensor, other);
  });
}

/// What --entry takes for the file's own names.
constexpr std::string_view kOwnNames = ".";

std::string shown(std::string_view entry) {
  return entry.empty() ? fmt::format("'{}' (the file's own names)", kOwnNames) : fmt::format("'{}'", entry);
}

std::string listed(const std::vector<const StateView*>& views) {
  std::string out;
  for (const StateView* view : views) out += (out.empty() ? "" : ", ") + shown(view->entry);
  return out;
}

/// What the entries have in common in front, in whole words: "ema." of "ema.ema_model" and "ema.online_model".
size_t common_prefix(const std::vector<const StateView*>& views) {
  std::string_view common = views.empty() ? std::string_view() : views.front()->entry;
  for (const StateView* view : views) {
    const auto end = std::ranges::mismatch(common, view->entry).in1;
    common = common.substr(0, static_cast<size_t>(end - common.begin()));
  }
  return common.rfind('.') + 1;
}

}  // namespace

std::vector<StateView> state_views(const std::vector<StateDict>& dicts, size_t least) {
  std::vector<StateView> out;
  for (const StateDict& dict : dicts) append_views(dict, least, out);
  const std::vector<StateDict> averages = dotted_averages(out);
  for (const StateDict& dict : averages) append_views(dict, least, out);
  for (const auto* const all : {&dicts, &averages}) {
    for (const StateDict& dict : *all) {
      if (const auto shorter = unwrapped(dict)) append_views(*shorter, least, out);
    }
  }
  return out;
}

std::optional<NamedTensors> with_dots(const NamedTensors& flat, const NamedTensors& named) {
  if (std::ranges::any_of(flat, [](const auto& entry) { return entry.first.find('.') != std::string::npos; })) return std::nullopt;
  std::unordered_map<std::string, const NamedTensors::value_type*> by_flat_name;
  for (const auto& entry : named) {
    std::string name = entry.first;
    std::erase(name, '.');
    const auto [place, fresh] = by_flat_name.emplace(std::move(name), &entry);
    if (!fresh) place->second = nullptr;
  }
  NamedTensors out;
  bool changed = false;
  for (const auto& [name, tensor] : flat) {
    const auto found = by_flat_name.find(name);
    // The wrapper's own numbers: how slowly it averages, how often it did.
    const bool own = found == by_flat_name.end() && tensor.dim() == 0;
    if (!own && (found == by_flat_name.end() || found->second == nullptr || found->second->second.sizes() != tensor.sizes()))
      return std::nullopt;
    out.emplace_back(own ? name : found->second->first, tensor);
    changed = changed || out.back().first != name;
  }
  return changed ? std::optional(std::move(out)) : std::nullopt;
}

namespace {

/// "module.netEma_0": module, net, ema. A word ends before anything that is no letter, and before a capital behind a small letter.
std::vector<std::string> words_of(std::string_view entry) {
  std::vector<std::string> words(1);
  for (size_t i = 0; i < entry.size(); ++i) {
    const char c = entry[i];
    const bool upper = c >= 'A' && c <= 'Z';
    const bool letter = upper || (c >= 'a' && c <= 'z');
    const bool begins = upper && i > 0 && entry[i - 1] >= 'a' && entry[i - 1] <= 'z';
    if ((!letter || begins) && !words.back().empty()) words.emplace_back();
    if (letter) words.back() += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return words;
}

constexpr std::array<std::string_view, 9> kAverages{"ema", "avg", "average", "averaged", "averages", "swa", "polyak", "shadow", "gema"};

bool among(const std::string& word, const auto& words) { return std::ranges::find(words, word) != words.end(); }

/// What an optimizer keeps of each parameter, by the names that optimizers give it: "exp_avg_sq", "square_avg", "grad_ema", "opt.m".
bool is_of_optimizer(std::string_view entry) {
  constexpr std::array<std::string_view, 5> kOptimizers{"optim", "optimizer", "optimizers", "opt", "optimiser"};
  constexpr std::array<std::string_view, 8> kOfGradients{"exp", "sq", "square", "squared", "grad", "grads", "gradient", "gradients"};
  const std::vector<std::string> words = words_of(entry);
  if (std::ranges::any_of(words, [&](const std::string& word) { return among(word, kOptimizers); })) return true;
  for (size_t i = 1; i < words.size(); ++i) {
    if (among(words[i], kAverages) && among(words[i - 1], kOfGradients)) return true;
    if (among(words[i - 1], kAverages) && among(words[i], kOfGradients) && words[i] != "exp") return true;
  }
  return false;
}

}  // namespace

bool is_averaged(std::string_view entry) {
  const auto average = [](const std::string& word) { return among(word, kAverages); };
  return std::ranges::any_of(words_of(entry), average) && !is_of_optimizer(entry);
}

std::vector<StateView> only_entry(std::vector<StateView> views, std::string_view entry, const std::string& file) {
  if (entry.empty()) {
    std::erase_if(views, [](const StateView& view) { return is_of_optimizer(view.entry); });
    return views;
  }
  std::vector<StateView> out;
  std::vector<const StateView*> others;
  for (StateView& view : views) {
    if (view.entry == (entry == kOwnNames ? std::string_view() : entry)) {
      out.push_back(std::move(view));
    } else if (std::ranges::none_of(others, [&](const StateView* other) { return other->entry == view.entry; })) {
      others.push_back(&view);
    }
  }
  if (out.empty()) {
    // Networks before their parts.
    constexpr size_t kMost = 12;
    std::ranges::stable_sort(others, {}, [](const StateView* view) { return std::ranges::count(view->entry, '.'); });
    others.resize(std::min(others.size(), kMost));
    throw Error(fmt::format("{}: entry '{}' is not in it; {}", file, entry,
                            others.empty() ? "nothing in it has the tensors of a network" : "there are: " + listed(others)));
  }
  return out;
}

const StateView& choose(const std::vector<const StateView*>& fitting, const std::string& file, std::string& note) {
  std::vector<const StateView*> different;
  for (const StateView* view : fitting) {
    const auto same = [&](const StateView* other) { return same_tensors(view->tensors, other->tensors); };
    if (std::ranges::none_of(different, same)) different.push_back(view);
  }
  if (different.size() == 1) return *different.front();
  std::vector<const StateView*> averaged;
  std::ranges::copy_if(different, std::back_inserter(averaged), [](const StateView* view) { return is_averaged(view->entry); });
  if (averaged.size() > 1) {
    // ema-pytorch's state under a key of that name, {"ema": {ema_model, online_model}}: the word counts where they differ.
    std::vector<const StateView*> inner;
    const size_t common = common_prefix(averaged);
    std::ranges::copy_if(averaged, std::back_inserter(inner),
                         [&](const StateView* view) { return is_averaged(std::string_view(view->entry).substr(common)); });
    if (inner.size() == 1) averaged = std::move(inner);
  }
  if (averaged.size() != 1) {
    throw Error(fmt::format("{}: several networks in it fit, {}: choose one by its entry (--entry; in Python entry=)", file,
                            listed(averaged.empty() ? different : averaged)));
  }
  std::erase(different, averaged.front());
  note = fmt::format("{}: the averaged weights {} are taken, {} is ignored", file, shown(averaged.front()->entry), listed(different));
  return *averaged.front();
}

std::string first_names(const std::vector<StateDict>& dicts) {
  const auto size = [](const StateDict& dict) { return dict.tensors.size() + dict.unread.size(); };
  const auto largest = std::ranges::max_element(dicts, {}, size);
  if (largest == dicts.end() || size(*largest) == 0) return "";
  std::vector<std::string> names;
  constexpr size_t kLongest = 120;
  for (const auto& [name, tensor] : largest->tensors) names.push_back(name.substr(0, kLongest));
  for (const auto& tensor : largest->unread) names.push_back(tensor.name.substr(0, kLongest));
  // "enc_layers00weight": more than a tensor's own name behind the last dot.
  const auto dotless = [](std::string_view name) {
    name.remove_prefix(name.rfind('.') + 1);
    return (name.ends_with("weight") || name.ends_with("bias")) && name.find_first_of("0123456789") != std::string_view::npos;
  };
  const bool without = 2 * std::ranges::count_if(names, dotless) > std::ssize(names);
  const std::string unread =
      largest->unread.empty() ? "" : fmt::format("; '{}' in it is {}", largest->unread[0].name.substr(0, kLongest), largest->unread[0].why);
  return fmt::format("; {} holds {}{}{}", largest->path.empty() ? "it" : fmt::format("'{}'", largest->path), some_of(names),
                     without ? ": names without their dots, as LitEma writes them, and nothing in the file says where those were" : "",
                     unread);
}

}  // namespace secgan
