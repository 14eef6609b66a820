#pragma once
/// CelebA-HQ photos with CelebAMask-HQ's masks and attributes (Lee et al., arXiv 1907.11922).

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/data/file_dataset.hpp"

namespace secgan {

struct CelebAMaskHqOptions {
  /// Holds CelebA-HQ-img/ (or another folder called CelebA-HQ…) with photos whose names are their ids, zero-padded or not, and what
  /// follows.
  std::string root;
  std::vector<std::string> attributes;  ///< names of CelebAMask-HQ-attribute-anno (.txt or .csv); empty: the file is not read
  /// Masks: index PNGs `<id>.png` in mask/, CelebAMask-HQ-mask/, CelebAMaskHQ-mask/ or label/, or the parts `<id>_<part>.png` anywhere in
  /// CelebAMask-HQ-mask-anno/; the first of them that has all photos' masks, else the one that has most.
  bool masks = true;
  Labels mask_labels = Labels::kCelebAMaskHq;  ///< class order of index PNGs; parts have their own
  std::optional<Split> split = Split::kTrain;  ///< nullopt: all three
  /// The official split follows CelebA's through CelebA-HQ-to-CelebA-mapping.txt; false: 80/10/10 % by id.
  bool split_by_mapping = true;
  int64_t image_size = 128;
  Crop crop;
  int64_t count = 0;  ///< the first so many samples; 0: all
};

/// Its samples are the photos that are there, by id; those without a mask are `missing`. Masks may have another size than their photos.
class SECGAN_API CelebAMaskHq final : public FileDataset {
 public:
  /// @throws FileNotFound, InvalidArgument for an attribute that the list lacks, Error as "file:line: what is wrong".
  explicit CelebAMaskHq(const CelebAMaskHqOptions& options);
  bool has_masks() const override { return masks_; }
  Labels label_set() const override { return mask_labels_; }

 private:
  /// Files of one face: (0, index PNG), or each part's class and its file.
  using MaskFiles = std::vector<std::pair<int64_t, std::string>>;
  at::Tensor read_mask(int64_t index) const override;

  bool masks_, in_parts_ = false;
  Labels mask_labels_;
  std::vector<MaskFiles> mask_files_;
};

}  // namespace secgan
