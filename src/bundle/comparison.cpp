#include "bundle/comparison.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "core/format.hpp"
#include "secgan/models/inception_v3.hpp"
#include "secgan/parsing/bisenet.hpp"

namespace secgan {
namespace {

bool is_counter(std::string_view name) { return name.ends_with("num_batches_tracked"); }

/// Parts of the face parsers that take no part in parsing, which files leave out as a whole: the ResNet's classifier, and the heads that
/// only training uses.
constexpr std::array<std::string_view, 3> kDispensable{"fpn.backbone.fc.", "conv_out16.", "conv_out32."};

class Dispensable {
 public:
  explicit Dispensable(const StateView& given) {
    for (size_t i = 0; i < kDispensable.size(); ++i) {
      left_out_[i] = std::ranges::none_of(given.tensors, [&](const auto& entry) { return entry.first.starts_with(kDispensable[i]); }) &&
                     std::ranges::none_of(given.unread, [&](const auto& tensor) { return tensor.name.starts_with(kDispensable[i]); });
    }
  }
  bool may_be_missing(std::string_view name) const {
    for (size_t i = 0; i < kDispensable.size(); ++i) {
      if (left_out_[i] && name.starts_with(kDispensable[i])) return true;
    }
    return is_counter(name);
  }

 private:
  std::array<bool, kDispensable.size()> left_out_{};
};

std::string_view kind_of(const at::Tensor& tensor) {
  if (tensor.is_complex()) return "complex numbers";
  return tensor.is_floating_point() ? "floating-point numbers" : "whole numbers";
}

}  // namespace

Comparison compare(const NamedTensors& wanted, const StateView& given, IgnoredEntry ignored) {
  Comparison out;
  const auto wrong = [&](std::string what) {
    if (out.wrong++ == 0) out.first = std::move(what);
  };
  std::unordered_map<std::string_view, const at::Tensor*> by_name;
  for (const auto& [name, tensor] : given.tensors) {
    if (!by_name.emplace(name, &tensor).second) wrong(fmt::format("'{}' stands twice", name));
  }
  std::unordered_map<std::string_view, std::string_view> unread;
  for (const auto& [name, why] : given.unread) unread.emplace(name, why);
  const Dispensable dispensable(given);
  std::unordered_set<std::string_view> known;
  for (const auto& [name, target] : wanted) {
    known.insert(name);
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      if (const auto why = unread.find(name); why != unread.end()) {
        wrong(fmt::format("'{}' is {}", name, why->second));
      } else if (!dispensable.may_be_missing(name)) {
        wrong(fmt::format("'{}' is missing", name));
      }
    } else if (found->second->sizes() != target.sizes()) {
      wrong(fmt::format("'{}' has shape [{}], the network [{}]", name, fmt::join(found->second->sizes(), ", "),
                        fmt::join(target.sizes(), ", ")));
    } else if (kind_of(*found->second) != kind_of(target) && !is_counter(name)) {
      wrong(fmt::format("'{}' holds {}, the network {}", name, kind_of(*found->second), kind_of(target)));
    } else {
      out.fitting.emplace_back(name, *found->second);
    }
  }
  for (const auto& [name, tensor] : given.tensors) {
    const bool counts = tensor.is_floating_point() && tensor.dim() > 0;
    if (counts && !known.contains(name) && !name.starts_with(kDispensable[0]) && !ignored(name)) {
      wrong(fmt::format("'{}' belongs to no layer of the network", name));
    }
  }
  return out;
}

namespace {

/// What a state lacks of one that it is most of.
std::optional<std::string> partial(const StateView& view, const NamedTensors& wanted) {
  Comparison comparison = compare(wanted, view);
  const bool most = comparison.wrong > 0 && 2 * comparison.fitting.size() >= wanted.size();
  return most ? std::optional(std::move(comparison.first)) : std::nullopt;
}

/// A list of tensors, as torch_ema's and diffusers' `shadow_params`, most of which have shapes of the network's.
bool is_unnamed(const StateView& view, const NamedTensors& wanted) {
  const auto number = [](const auto& entry) { return entry.first.find_first_not_of("0123456789") == std::string::npos; };
  if (view.tensors.empty() || !std::ranges::all_of(view.tensors, number)) return false;
  const auto known = [&](const auto& entry) {
    return std::ranges::any_of(wanted, [&](const auto& other) { return other.second.sizes() == entry.second.sizes(); });
  };
  constexpr std::ptrdiff_t kLookedAt = 64;
  const std::ptrdiff_t looked_at = std::min(std::ssize(view.tensors), kLookedAt);
  return std::ssize(view.tensors) * 4 >= std::ssize(wanted) &&
         std::ranges::all_of(view.tensors.begin(), view.tensors.begin() + looked_at, known);
}

/// How many of a network's tensors have their names in a state, whatever stands there.
size_t named_alike(const StateView& view, const NamedTensors& wanted) {
  std::unordered_set<std::string_view> names;
  for (const auto& [name, tensor] : view.tensors) names.insert(name);
  for (const UnreadTensor& tensor : view.unread) names.insert(tensor.name);
  return static_cast<size_t>(std::ranges::count_if(wanted, [&](const auto& entry) { return names.contains(entry.first); }));
}

}  // namespace

bool is_partial(const StateView& view, const NamedTensors& wanted) { return partial(view, wanted).has_value(); }

std::string note_of_partial_average(const std::vector<StateView>& views, const NamedTensors& wanted, const std::string& file) {
  for (const StateView& view : views) {
    if (!is_averaged(view.entry)) continue;
    if (is_unnamed(view, wanted)) {
      return fmt::format("{}: the averaged weights '{}' are ignored: they are a list, without the tensors' names", file, view.entry);
    }
    // Of few entries, or of many that cannot be read, it is this network's all the same.
    constexpr size_t kShare = 8;
    const Comparison comparison = compare(wanted, view);
    if (comparison.wrong > 0 && kShare * named_alike(view, wanted) >= wanted.size())
      return fmt::format("{}: the averaged weights '{}' are ignored: {}", file, view.entry, comparison.first);
  }
  return {};
}

void rename_entries(StateView& view) {
  const auto rename = [](std::string& name) {
    if (name.starts_with("cp.") || name.starts_with("ffm.") || name.starts_with("conv_out")) {
      name = bisenet_name_from_zllrunning(name);
    } else if (name.starts_with("blocks.")) {
      name = inception_name_from_wrapper(name);
    }
  };
  for (auto& [name, tensor] : view.tensors) rename(name);
  for (UnreadTensor& tensor : view.unread) rename(tensor.name);
}

}  // namespace secgan
