#pragma once
/// Photos with labels, and others without.

#include <memory>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

/// The samples of one data set, then those of another, whose labels are NaN. Labeled ones are repeated, as a whole, until they are as many
/// as the others: a batch has at least as many of them, on average, however few there are.
class SECGAN_API WithUnlabeled final : public Dataset {
 public:
  /// @param unlabeled  those of its files that are samples of `labeled`, too, or are held out, are left out
  /// @param held_out   photos that are not to be trained on
  /// @throws InvalidArgument where none is left, or for photos of another side, or a labeled data set without attributes
  WithUnlabeled(std::shared_ptr<const Dataset> labeled, std::shared_ptr<const Dataset> unlabeled,
                const std::vector<std::shared_ptr<const Dataset>>& held_out = {});
  int64_t size() const override { return labeled_samples_ + std::ssize(places_); }
  Sample get(int64_t index) const override;
  int64_t image_size() const override { return labeled_->image_size(); }
  const AttributeSchema& attributes() const override { return labeled_->attributes(); }
  bool has_masks() const override { return false; }
  bool has_unlabeled() const override { return true; }
  at::Tensor labels(int64_t index) const override;
  std::string sample_name(int64_t index) const override;
  std::optional<PhotoOrigin> origin() const override { return labeled_->origin(); }
  /// How many samples have no labels.
  int64_t unlabeled() const { return std::ssize(places_); }

 private:
  struct Place {
    const Dataset& data;
    int64_t index;
  };
  Place place(int64_t index) const;
  at::Tensor unknown() const;

  std::shared_ptr<const Dataset> labeled_, unlabeled_;
  std::vector<int64_t> places_;  ///< of the unlabeled one's samples that are taken
  int64_t labeled_samples_ = 0;
};

}  // namespace secgan
