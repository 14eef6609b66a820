#pragma once
/// A folder of photos, with a list of labels and a folder of masks where there are such.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/data/file_dataset.hpp"

namespace secgan {

struct PhotoFolderOptions {
  std::string root;                     ///< its picture files are the photos, those of its subfolders too
  std::string labels;                   ///< a list as read_attribute_list takes it; empty: none
  std::vector<std::string> attributes;  ///< names of the list; empty: the list is not read
  /// Holds index PNGs called as the photos, or NAME_mask.png as `secgan parse` writes them; may be root itself. Empty: no masks.
  std::string mask_folder;
  bool masks = false;                          ///< read them; if not, they are still no photos
  Labels mask_labels = Labels::kCelebAMaskHq;  ///< class order of the index PNGs
  std::optional<Split> split = Split::kTrain;  ///< nullopt: all three
  /// Every photo, whichever split is asked for. Else the list's column "split", or subfolders train, validation (or val, valid) and test
  /// are the splits where all photos lie in such; else, of every ten photos in the order of their names, eight are for training, the ninth
  /// for validation, the tenth for testing.
  bool whole = false;
  int64_t image_size = 128;
  Crop crop;
  int64_t count = 0;  ///< the first so many samples; 0: all
};

/// Its samples are the photos, sorted by name; with attributes those that the list names. Those without a mask are `missing`.
class SECGAN_API PhotoFolder final : public FileDataset {
 public:
  /// @throws FileNotFound, InvalidArgument for an attribute that the list lacks, Error as "file:line: what is wrong", and where photos lie
  ///         both in folders of splits and outside of them.
  explicit PhotoFolder(const PhotoFolderOptions& options);
  bool has_masks() const override { return !masks_.empty(); }
  Labels label_set() const override { return mask_labels_; }

 private:
  at::Tensor read_mask(int64_t index) const override;

  Labels mask_labels_;
  std::vector<std::string> masks_;
};

}  // namespace secgan
