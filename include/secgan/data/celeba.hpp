#pragma once
/// CelebA (Liu et al., arXiv 1411.7766) as its packages lay it out.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/data/file_dataset.hpp"

namespace secgan {

struct CelebAOptions {
  /// Holds list_attr_celeba and list_eval_partition (.txt or .csv) and img_align_celeba/ or img_align_celeba_png/, themselves or in the
  /// official Anno/, Eval/ and Img/; photos may lie a folder deeper and have another picture ending than the lists say.
  std::string root;
  std::vector<std::string> attributes;         ///< of the attribute list; may be empty
  std::optional<Split> split = Split::kTrain;  ///< of the partition list; nullopt: all three
  int64_t image_size = 128;
  Crop crop{Crop::Kind::kCenter, 170, {}};  ///< AttGAN's, of 178 x 218
  int64_t count = 0;                        ///< the first so many samples; 0: all
};

/// Its samples are the attribute list's photos, in the list's order; those without a file are `missing`.
class SECGAN_API CelebA final : public FileDataset {
 public:
  /// @throws FileNotFound, InvalidArgument for an attribute that the list lacks, Error as "file:line: what is wrong".
  explicit CelebA(const CelebAOptions& options);
};

}  // namespace secgan
