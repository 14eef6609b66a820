#pragma once
/// Which faces to use, as settings say it: drawn ones, CelebA, or CelebA-HQ with CelebAMask-HQ's masks.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/fields.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

enum class DataKind { kSynthetic, kCelebA, kCelebAMaskHq };
inline constexpr std::array<std::pair<std::string_view, DataKind>, 3> kDataKinds{
    {{"synthetic", DataKind::kSynthetic}, {"celeba", DataKind::kCelebA}, {"celebamask-hq", DataKind::kCelebAMaskHq}}};
template <>
struct EnumNames<DataKind> {
  static constexpr auto& table = kDataKinds;
  static constexpr std::string_view what = "data";
};

struct DataSettings {
  DataKind kind = DataKind::kCelebA;
  std::string root;                            ///< the data set's folder; unused for drawn faces
  std::vector<std::string> attributes;         ///< names from the data set's list; drawn faces: empty for all of theirs
  int64_t image_size = 128;                    ///< side in pixels; a multiple of 32
  std::string crop;                            ///< see secgan/image/transforms.hpp; empty: the data set's usual one
  int64_t count = 0;                           ///< use the first so many samples only; 0: all (drawn faces: 8000)
  bool cache = true;                           ///< decode every photo once into memory (3 S^2 bytes each, 4 with masks)
  Labels mask_labels = Labels::kCelebAMaskHq;  ///< CelebAMask-HQ: class order of index PNGs
  bool split_by_mapping = true;                ///< CelebAMask-HQ: the official split; false: 80/10/10 % by id

  static void visit(auto& self, auto&& visit) {
    visit("kind", self.kind);
    visit("root", self.root);
    visit("attributes", self.attributes);
    visit("image_size", self.image_size);
    visit("crop", self.crop);
    visit("count", self.count);
    visit("cache", self.cache);
    visit("mask_labels", self.mask_labels);
    visit("split_by_mapping", self.split_by_mapping);
  }
  /// @throws InvalidArgument naming the option, the rule and the value.
  void validate() const;
  /// `crop`, or the data set's usual one.
  std::string resolved_crop() const;
};

/// @param with_attributes, with_masks  what the caller will read: the files of the rest are not asked for
/// @throws InvalidArgument or Error of the data set opened.
std::shared_ptr<const Dataset> open_dataset(const DataSettings& settings, Split split, bool with_attributes, bool with_masks);

}  // namespace secgan
