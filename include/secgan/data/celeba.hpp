#pragma once
/// CelebA (Liu et al., arXiv 1411.7766) in its own layout.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/data/dataset.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {

struct CelebAOptions {
  std::string root;                     ///< holds the list files and img_align_celeba/, or Anno/, Eval/ and Img/
  std::vector<std::string> attributes;  ///< names of list_attr_celeba.txt; may be empty
  Split split = Split::kTrain;          ///< of list_eval_partition.txt
  int64_t image_size = 128;
  Crop crop{Crop::Kind::kCenter, 170, {}};  ///< AttGAN's, of 178 x 218
  int64_t count = 0;                        ///< the first so many samples; 0: all
};

/// Reads the lists at once and photos when asked for them.
class SECGAN_API CelebA final : public Dataset {
 public:
  /// @throws FileNotFound, InvalidArgument for an attribute that the list lacks, Error as "file:line: what is wrong".
  explicit CelebA(CelebAOptions options);
  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  Sample get(int64_t index) const override;
  int64_t image_size() const override { return options_.image_size; }
  const AttributeSchema& attributes() const override { return attributes_; }
  bool has_masks() const override { return false; }
  at::Tensor labels(int64_t index) const override;
  std::string sample_name(int64_t index) const override;

 private:
  CelebAOptions options_;
  AttributeSchema attributes_;
  std::filesystem::path photos_;
  std::vector<std::string> files_;
  std::vector<std::vector<float>> labels_;
};

}  // namespace secgan
