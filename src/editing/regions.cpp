#include "secgan/editing/regions.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/format.hpp"
#include "editing/region_rows.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

std::vector<int64_t> ids(const std::vector<std::string_view>& names) {
  const auto& classes = class_names(Labels::kSecgan12);
  std::vector<int64_t> out;
  for (const std::string_view name : names) {
    for (size_t id = 0; id < classes.size(); ++id) {
      if (classes[id] == name) out.push_back(static_cast<int64_t>(id));
    }
  }
  return out;
}

/// 0 at the region's border, 1 half a window inside; [1, S, S].
at::Tensor rising_within(const at::Tensor& region) {
  check_shape(region, "region", {kAny, kAny}, "[S, S]");
  // The mean over a window is a half at a straight border, and 1 half a window inside.
  const int64_t reach = std::max<int64_t>(region.size(1) / 32, 1);
  const at::Tensor inside = region.to(at::kFloat).unsqueeze(0);
  const at::Tensor padded = at::replication_pad2d(inside, {reach, reach, reach, reach});
  return (2 * at::avg_pool2d(padded, 2 * reach + 1, 1) - 1).clamp(0, 1) * inside;
}

}  // namespace

const std::vector<int64_t>& attribute_region(std::string_view attribute) {
  static const std::vector<int64_t> person =
      ids({"skin", "eyebrows", "eyes", "glasses", "ears", "earrings", "nose", "mouth", "lips", "neck", "hair"});
  static const std::map<std::string_view, std::vector<int64_t>> regions = [] {
    const auto hair = ids({"hair", "eyebrows"}), skin = ids({"skin", "ears", "nose", "lips", "neck", "eyebrows"});
    const auto beard = ids({"skin", "mouth", "lips", "neck"}), mouth = ids({"mouth", "lips"});
    return std::map<std::string_view, std::vector<int64_t>>{
        {"5_o_Clock_Shadow", beard},
        {"Arched_Eyebrows", ids({"eyebrows"})},
        {"Bags_Under_Eyes", ids({"eyes"})},
        {"Bald", hair},
        {"Bangs", hair},
        {"Big_Lips", mouth},
        {"Big_Nose", ids({"nose"})},
        {"Black_Hair", hair},
        {"Blond_Hair", hair},
        {"Brown_Hair", hair},
        {"Bushy_Eyebrows", ids({"eyebrows"})},
        {"Double_Chin", ids({"skin", "neck"})},
        {"Eyeglasses", ids({"glasses", "eyes", "eyebrows"})},
        {"Goatee", beard},
        {"Gray_Hair", hair},
        {"Heavy_Makeup", ids({"skin", "eyebrows", "eyes", "nose", "lips"})},
        {"High_Cheekbones", ids({"skin", "mouth", "lips"})},
        {"Mouth_Slightly_Open", mouth},
        {"Mustache", ids({"nose", "mouth", "lips"})},
        {"Narrow_Eyes", ids({"eyes", "eyebrows"})},
        {"No_Beard", beard},
        {"Pale_Skin", skin},
        {"Pointy_Nose", ids({"nose"})},
        {"Receding_Hairline", hair},
        {"Rosy_Cheeks", ids({"skin", "nose"})},
        {"Sideburns", ids({"skin", "ears", "hair"})},
        {"Smiling", ids({"skin", "eyes", "mouth", "lips"})},
        {"Straight_Hair", hair},
        {"Wavy_Hair", hair},
        {"Wearing_Earrings", ids({"ears", "earrings"})},
        {"Wearing_Hat", ids({"hair", "others"})},
        {"Wearing_Lipstick", mouth},
        {"Wearing_Necklace", ids({"neck", "others"})},
        {"Wearing_Necktie", ids({"neck", "others"})},
    };
  }();
  const auto found = regions.find(attribute);
  return found == regions.end() ? person : found->second;
}

int64_t region_margin(int64_t margin, int64_t image_size) {
  constexpr double kSide = 64;
  return std::llround(static_cast<double>(margin * image_size) / kSide);
}

at::Tensor touchable(const at::Tensor& before, const at::Tensor& after, std::string_view attribute, int64_t margin) {
  check_shape(before, "before", {kAny, kAny, kAny}, "[N, H, W]");
  check_same_shape(before, "before", after, "after");
  if (margin < 0) throw InvalidArgument(fmt::format("margin {} is negative", margin));
  at::Tensor table = at::zeros({kSecganClasses}, at::kFloat);
  for (const int64_t id : attribute_region(attribute)) table[id] = 1;
  table = table.to(before.device());
  const auto inside = [&](const at::Tensor& mask) { return table.index_select(0, mask.flatten().to(at::kLong)).view(mask.sizes()); };
  const at::Tensor region = at::maximum(inside(before), inside(after)).unsqueeze(1);
  return at::max_pool2d(region, 2 * margin + 1, 1, margin).squeeze(1) > 0.5;
}

at::Tensor region_weights(const at::Tensor& region, int64_t height, int64_t width) { return RegionRows(region, height, width)(0, height); }

RegionRows::RegionRows(const at::Tensor& region, int64_t height, int64_t width)
    : rising_(rising_within(region), height, width), inside_(region.to(at::kFloat).unsqueeze(0), height, width) {}

}  // namespace secgan
