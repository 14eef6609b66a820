#pragma once
/// CelebA-HQ photos with CelebAMask-HQ's masks and attributes (Lee et al., arXiv 1907.11922).

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/data/dataset.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {

struct CelebAMaskHqOptions {
  std::string root;                     ///< holds CelebA-HQ-img/ and what follows
  std::vector<std::string> attributes;  ///< names of CelebAMask-HQ-attribute-anno.txt; empty: the file is not read
  /// Masks: index PNGs `mask/<id>.png` where there is such a folder, else
  /// `CelebAMask-HQ-mask-anno/<id / 2000>/<id>_<part>.png`.
  bool masks = true;
  Labels mask_labels = Labels::kCelebAMaskHq;  ///< class order of index PNGs; part folders have their own
  Split split = Split::kTrain;
  /// The official split follows CelebA's through CelebA-HQ-to-CelebA-mapping.txt; false: 80/10/10 % by id.
  bool split_by_mapping = true;
  int64_t image_size = 128;
  Crop crop;
  int64_t count = 0;  ///< the first so many samples; 0: all
};

/// Reads the lists at once, photos and masks when asked for them. Masks may have another size than their photos.
class SECGAN_API CelebAMaskHq final : public Dataset {
 public:
  /// @throws FileNotFound, InvalidArgument for an attribute that the list lacks, Error as "file:line: what is wrong".
  explicit CelebAMaskHq(CelebAMaskHqOptions options);
  int64_t size() const override { return static_cast<int64_t>(ids_.size()); }
  Sample get(int64_t index) const override;
  int64_t image_size() const override { return options_.image_size; }
  const AttributeSchema& attributes() const override { return attributes_; }
  bool has_masks() const override { return options_.masks; }
  at::Tensor labels(int64_t index) const override;
  Labels label_set() const override { return part_folders_ ? Labels::kCelebAMaskHq : options_.mask_labels; }
  std::string sample_name(int64_t index) const override;

 private:
  at::Tensor mask(int64_t id) const;

  CelebAMaskHqOptions options_;
  AttributeSchema attributes_;
  bool part_folders_ = false;
  std::vector<int64_t> ids_;
  std::vector<std::string> files_;
  std::vector<std::vector<float>> labels_;
};

}  // namespace secgan
