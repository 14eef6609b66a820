#include "secgan/core/attributes.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

using Groups = std::vector<std::vector<std::string_view>>;

const Groups& exclusive_groups(ConflictRules rules) {
  static const Groups none;
  static const Groups stgan = {{"Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"},
                               {"Bald", "Bangs"},
                               {"Receding_Hairline", "Bangs"},
                               {"Straight_Hair", "Wavy_Hair"}};
  static const Groups secgan = [] {
    Groups groups = stgan;
    groups.front().emplace_back("Bald");
    groups.push_back({"Mustache", "No_Beard"});
    return groups;
  }();
  switch (rules) {
    case ConflictRules::kSecgan: return secgan;
    case ConflictRules::kStgan: return stgan;
    case ConflictRules::kNone: break;
  }
  return none;
}

/// For messages.
std::string listed(const std::vector<std::string>& names) { return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")); }

}  // namespace

const std::vector<std::string>& celeba_attribute_names() {
  // clang-format off
  static const std::vector<std::string> names = {
      "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive",       "Bags_Under_Eyes",  "Bald",
      "Bangs",            "Big_Lips",        "Big_Nose",         "Black_Hair",       "Blond_Hair",
      "Blurry",           "Brown_Hair",      "Bushy_Eyebrows",   "Chubby",           "Double_Chin",
      "Eyeglasses",       "Goatee",          "Gray_Hair",        "Heavy_Makeup",     "High_Cheekbones",
      "Male",             "Mouth_Slightly_Open", "Mustache",     "Narrow_Eyes",      "No_Beard",
      "Oval_Face",        "Pale_Skin",       "Pointy_Nose",      "Receding_Hairline", "Rosy_Cheeks",
      "Sideburns",        "Smiling",         "Straight_Hair",    "Wavy_Hair",        "Wearing_Earrings",
      "Wearing_Hat",      "Wearing_Lipstick", "Wearing_Necklace", "Wearing_Necktie", "Young"};
  // clang-format on
  return names;
}

AttributeSchema::AttributeSchema(std::vector<std::string> names, ConflictRules rules) : names_(std::move(names)) {
  if (names_.empty()) throw InvalidArgument("attributes must name at least one attribute, found none");
  excluded_.resize(names_.size());
  for (size_t i = 0; i < names_.size(); ++i) {
    if (names_[i].empty()) throw InvalidArgument(fmt::format("attributes: name {} is empty", i));
    if (std::count(names_.begin(), names_.end(), names_[i]) > 1) {
      throw InvalidArgument(fmt::format("attributes: '{}' is given twice", names_[i]));
    }
  }
  for (const auto& group : exclusive_groups(rules)) {
    for (const auto member : group) {
      if (!contains(member)) continue;
      auto& excluded = excluded_[static_cast<size_t>(index(member))];
      for (const auto other : group) {
        if (other == member || !contains(other)) continue;
        const int64_t other_index = index(other);
        if (std::ranges::find(excluded, other_index) == excluded.end()) excluded.push_back(other_index);
      }
    }
  }
}

bool AttributeSchema::contains(std::string_view name) const { return std::ranges::find(names_, name) != names_.end(); }

int64_t AttributeSchema::index(std::string_view name) const {
  const auto found = std::ranges::find(names_, name);
  if (found == names_.end()) {
    throw InvalidArgument(fmt::format("attribute '{}' is unknown; known: {}", name, listed(names_)));
  }
  return found - names_.begin();
}

const std::vector<int64_t>& AttributeSchema::excluded_by(int64_t index) const { return excluded_.at(static_cast<size_t>(index)); }

at::Tensor AttributeSchema::labels(const NamedLabels& named, std::string_view argument) const {
  at::Tensor out = at::zeros({size()});
  std::vector<bool> given(names_.size());
  for (const auto& [name, shown] : named) {
    if (!contains(name)) {
      throw InvalidArgument(fmt::format("{}: attribute '{}' is unknown; known: {}", argument, name, listed(names_)));
    }
    const int64_t column = index(name);
    if (given[static_cast<size_t>(column)]) throw InvalidArgument(fmt::format("{}: attribute '{}' is given twice", argument, name));
    given[static_cast<size_t>(column)] = true;
    out[column] = shown ? 1 : 0;
  }
  return out;
}

at::Tensor AttributeSchema::flip(const at::Tensor& labels, int64_t index) const {
  check_shape(labels, "labels", {kAny, size()}, "[N, A]");
  if (index < 0 || index >= size()) throw InvalidArgument(fmt::format("attribute must lie in [0, {}], found {}", size() - 1, index));
  at::Tensor target = labels.clone();
  const at::Tensor turned_on = 1 - labels.select(1, index);
  target.select(1, index).copy_(turned_on);
  for (const int64_t other : excluded_by(index)) target.select(1, other).mul_(1 - turned_on);
  return target;
}

at::Tensor AttributeSchema::flip(const at::Tensor& labels, const at::Tensor& index) const {
  check_shape(labels, "labels", {kAny, size()}, "[N, A]");
  check_shape(index, "attribute", {labels.size(0)}, "[N]");
  at::Tensor target = labels.clone();
  const at::Tensor occurring = std::get<0>(at::_unique(index));
  for (int64_t i = 0; i < occurring.numel(); ++i) {
    const auto attribute = occurring[i].item<int64_t>();
    target = at::where((index == attribute).unsqueeze(1), flip(labels, attribute), target);
  }
  return target;
}

at::Tensor AttributeSchema::difference(const at::Tensor& source, const std::vector<AttributeEdit>& edits) const {
  check_shape(source, "source", {kAny, size()}, "[N, A]");
  at::Tensor difference = at::zeros_like(source);
  for (size_t i = 0; i < edits.size(); ++i) {
    const auto& [name, strength] = edits[i];
    if (!std::isfinite(strength)) throw InvalidArgument(fmt::format("strength of '{}' must be finite, found {}", name, strength));
    if (std::abs(strength) > rule::kStrength.most) {
      throw InvalidArgument(
          fmt::format("strength of '{}' must lie in [-{}, {}], found {}", name, rule::kStrength.most, rule::kStrength.most, strength));
    }
    const int64_t column = index(name);
    for (size_t j = 0; j < i; ++j) {
      if (edits[j].name == name) throw InvalidArgument(fmt::format("attribute '{}' is given twice", name));
      const auto& excluded = excluded_by(column);
      if (strength > 0 && edits[j].strength > 0 && std::ranges::find(excluded, index(edits[j].name)) != excluded.end()) {
        throw InvalidArgument(fmt::format("'{}' and '{}' exclude each other: add one of them", edits[j].name, name));
      }
    }
    const at::Tensor has = source.select(1, column);
    difference.select(1, column).copy_(strength > 0 ? strength * (1 - has) : strength * has);
  }
  // Exclusions come second, so that an attribute that was asked for is never overwritten.
  for (const auto& [name, strength] : edits) {
    if (strength <= 0) continue;
    for (const int64_t other : excluded_by(index(name))) {
      const bool asked =
          std::ranges::any_of(edits, [&](const AttributeEdit& edit) { return edit.name == names_[static_cast<size_t>(other)]; });
      if (!asked) difference.select(1, other).copy_(-strength * source.select(1, other));
    }
  }
  return difference;
}

}  // namespace secgan
