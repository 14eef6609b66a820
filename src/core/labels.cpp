#include "secgan/core/labels.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/merged_log_softmax.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

struct Part {
  std::string_view name;
  std::string_view group;
  std::array<uint8_t, 3> color;
};

// CelebAMask-HQ's classes in its own order, with its colors and the class of the twelve that each belongs to.
// clang-format off
constexpr std::array<Part, 19> kParts{{
    {"background", "others", {0, 0, 0}},      {"skin", "skin", {204, 0, 0}},
    {"nose", "nose", {76, 153, 0}},           {"eye_g", "glasses", {204, 204, 0}},
    {"l_eye", "eyes", {51, 51, 255}},         {"r_eye", "eyes", {204, 0, 204}},
    {"l_brow", "eyebrows", {0, 255, 255}},    {"r_brow", "eyebrows", {51, 255, 255}},
    {"l_ear", "ears", {102, 51, 0}},          {"r_ear", "ears", {255, 0, 0}},
    {"mouth", "mouth", {102, 204, 0}},        {"u_lip", "lips", {255, 255, 0}},
    {"l_lip", "lips", {0, 0, 153}},           {"hair", "hair", {0, 0, 204}},
    {"hat", "others", {255, 51, 153}},        {"ear_r", "earrings", {0, 204, 204}},
    {"neck_l", "others", {0, 51, 0}},         {"neck", "neck", {255, 153, 51}},
    {"cloth", "others", {0, 204, 0}},
}};
// clang-format on

constexpr std::array<std::string_view, 19> kFaceParsingOrder{"background", "skin",   "l_brow", "r_brow", "l_eye", "r_eye", "eye_g",
                                                             "l_ear",      "r_ear",  "ear_r",  "nose",   "mouth", "u_lip", "l_lip",
                                                             "neck",       "neck_l", "cloth",  "hair",   "hat"};

// The twelve; each takes the color of the named part.
// clang-format off
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kTwelve{{
    {"skin", "skin"}, {"eyebrows", "l_brow"}, {"eyes", "l_eye"}, {"glasses", "eye_g"}, {"ears", "l_ear"},
    {"earrings", "ear_r"}, {"nose", "nose"}, {"mouth", "mouth"}, {"lips", "u_lip"}, {"neck", "neck"},
    {"hair", "hair"}, {"others", "background"},
}};
// clang-format on

const Part& part(std::string_view name) {
  return *std::ranges::find_if(kParts, [&](const Part& p) { return p.name == name; });
}

std::vector<std::string_view> part_order(Labels labels) {
  std::vector<std::string_view> order;
  if (labels == Labels::kFaceParsing) {
    order.assign(kFaceParsingOrder.begin(), kFaceParsingOrder.end());
  } else {
    for (const Part& p : kParts) order.push_back(p.name);
  }
  return order;
}

struct LabelSet {
  std::vector<std::string> names;
  std::vector<std::array<uint8_t, 3>> palette;
};

const LabelSet& label_set(Labels labels) {
  static const std::map<Labels, LabelSet> sets = [] {
    std::map<Labels, LabelSet> made;
    for (const auto& [name, color_of] : kTwelve) {
      made[Labels::kSecgan12].names.emplace_back(name);
      made[Labels::kSecgan12].palette.push_back(part(color_of).color);
    }
    for (const Labels nineteen : {Labels::kCelebAMaskHq, Labels::kFaceParsing}) {
      for (const auto name : part_order(nineteen)) {
        made[nineteen].names.emplace_back(name);
        made[nineteen].palette.push_back(part(name).color);
      }
    }
    return made;
  }();
  return sets.at(labels);
}

}  // namespace

const std::vector<std::string>& class_names(Labels labels) { return label_set(labels).names; }

const std::vector<std::array<uint8_t, 3>>& class_palette(Labels labels) { return label_set(labels).palette; }

ClassMerge::ClassMerge(Labels from) : outputs_(kSecganClasses) {
  if (from == Labels::kSecgan12) {
    target_.resize(kSecganClasses);
    std::iota(target_.begin(), target_.end(), 0);
    return;
  }
  const auto& twelve = class_names(Labels::kSecgan12);
  for (const auto name : part_order(from)) {
    target_.push_back(std::ranges::find(twelve, part(name).group) - twelve.begin());
  }
}

ClassMerge::ClassMerge(const std::vector<std::vector<int64_t>>& groups) : outputs_(static_cast<int64_t>(groups.size())) {
  std::map<int64_t, int64_t> target;
  for (size_t j = 0; j < groups.size(); ++j) {
    for (const int64_t id : groups[j]) {
      if (id < 0) throw InvalidArgument(fmt::format("labels: class id {} is negative", id));
      if (!target.emplace(id, static_cast<int64_t>(j)).second) {
        throw InvalidArgument(fmt::format("labels: class id {} stands in two groups", id));
      }
    }
  }
  for (const auto& [id, group] : target) {
    if (id != static_cast<int64_t>(target_.size())) {
      throw InvalidArgument(fmt::format("labels: class id {} is in no group", target_.size()));
    }
    target_.push_back(group);
  }
  if (target_.empty()) throw InvalidArgument("labels: the groups hold no class id");
}

bool ClassMerge::identity() const {
  for (size_t i = 0; i < target_.size(); ++i) {
    if (target_[i] != static_cast<int64_t>(i)) return false;
  }
  return outputs_ == input_classes();
}

at::Tensor ClassMerge::ids(const at::Tensor& ids) const {
  const at::Tensor unknown = (ids < 0).logical_or(ids >= input_classes());
  if (unknown.any().item<bool>()) {
    throw InvalidArgument(
        fmt::format("class id {} is unknown: ids go from 0 to {}", ids.masked_select(unknown)[0].item<int64_t>(), input_classes() - 1));
  }
  const at::Tensor table = at::tensor(target_, at::kLong).to(ids.device());
  return table.index_select(0, ids.reshape(-1).to(at::kLong)).reshape(ids.sizes()).to(ids.scalar_type());
}

at::Tensor ClassMerge::probabilities(const at::Tensor& probabilities) const {
  check_shape(probabilities, "probabilities", {kAny, input_classes(), kAny, kAny}, "[N, K, H, W]");
  if (identity()) return probabilities;
  auto shape = probabilities.sizes().vec();
  shape[1] = outputs_;
  const at::Tensor table = at::tensor(target_, at::kLong).to(probabilities.device());
  return at::zeros(shape, probabilities.options()).index_add(1, table, probabilities);
}

at::Tensor ClassMerge::log_probabilities(const at::Tensor& logits) const {
  check_shape(logits, "logits", {kAny, input_classes(), kAny, kAny}, "[N, K, H, W]");
  return identity() ? at::log_softmax(logits, 1) : merged_log_softmax(logits, target_, outputs_);
}

}  // namespace secgan
