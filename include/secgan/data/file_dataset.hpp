#pragma once
/// What data sets of picture files have in common.

#include <cstdint>
#include <string>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/data/dataset.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {

/// Photos in files, with labels where a list has them, and with masks where a subclass reads them. Photos are read when asked for.
class SECGAN_API FileDataset : public Dataset {
 public:
  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  Sample get(int64_t index) const override;
  int64_t image_size() const override { return image_size_; }
  const AttributeSchema& attributes() const override { return attributes_; }
  bool has_masks() const override { return false; }
  at::Tensor labels(int64_t index) const override;
  std::string sample_name(int64_t index) const override { return files_.at(static_cast<size_t>(index)); }
  std::vector<DataNote> notes() const override { return notes_; }
  std::vector<std::string> missing() const override { return missing_; }

 protected:
  /// @param attributes  may be empty: no labels
  FileDataset(const std::vector<std::string>& attributes, int64_t image_size, Crop crop);

  /// [h, w] uint8 ids, of any size; undefined where there are none.
  virtual at::Tensor read_mask(int64_t index) const;
  /// An index PNG.  @throws Error where it holds other ids than the label set has.
  static at::Tensor read_ids(const std::string& file, Labels labels);

  // What a data set's constructor fills in.
  // NOLINTBEGIN(misc-non-private-member-variables-in-classes): each of them as its package has it
  std::vector<std::string> files_;
  at::Tensor labels_;  ///< [size, attributes] float32; undefined without attributes
  std::vector<DataNote> notes_;
  std::vector<std::string> missing_;
  // NOLINTEND(misc-non-private-member-variables-in-classes)

 private:
  AttributeSchema attributes_;
  int64_t image_size_;
  Crop crop_;
};

}  // namespace secgan
