#pragma once
/// A data set decoded once into memory.

#include <memory>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

/// Holds every sample as stored (uint8): 3 S^2 bytes, 4 S^2 with masks.
class SECGAN_API CachedDataset final : public Dataset {
 public:
  /// Reads everything at once, on several threads.
  /// @throws Error when it would take more memory than is free, before the first is read; then what the source throws for the first sample
  ///         that cannot be read: none is left out silently.
  explicit CachedDataset(std::shared_ptr<const Dataset> source, int threads = 2);
  int64_t size() const override { return source_->size(); }
  Sample get(int64_t index) const override { return samples_.at(static_cast<size_t>(index)); }
  int64_t image_size() const override { return source_->image_size(); }
  const AttributeSchema& attributes() const override { return source_->attributes(); }
  bool has_masks() const override { return source_->has_masks(); }
  at::Tensor labels(int64_t index) const override { return source_->labels(index); }
  Labels label_set() const override { return source_->label_set(); }
  std::string sample_name(int64_t index) const override { return source_->sample_name(index); }
  std::vector<DataNote> notes() const override { return source_->notes(); }
  std::optional<PhotoOrigin> origin() const override { return source_->origin(); }
  std::vector<std::string> missing() const override { return source_->missing(); }

 private:
  std::shared_ptr<const Dataset> source_;
  std::vector<Sample> samples_;
};

}  // namespace secgan
