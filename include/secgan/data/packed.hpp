#pragma once
/// A data set as pixels in one file: nothing is decoded, cropped or resized again, and processes share its memory.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

struct DataSettings;

struct PackedDatasetOptions {
  std::string file;
  std::vector<std::string> attributes;         ///< of the packed ones, in this order; empty: none is read
  bool masks = false;                          ///< read them
  std::optional<Split> split = Split::kTrain;  ///< nullopt: all three
  int64_t image_size = 128;                    ///< the packed one
  int64_t count = 0;                           ///< the first so many samples; 0: all
};

class SECGAN_API PackedDataset final : public Dataset {
 public:
  /// The file is mapped, not read. It must stay as it is while the data set lives.
  /// @throws FileNotFound; Error naming the file: not packed, without masks that are asked for, an empty split; InvalidArgument for another
  ///         side or an attribute that was not packed.
  explicit PackedDataset(const PackedDatasetOptions& options);
  int64_t size() const override { return static_cast<int64_t>(rows_.size()); }
  Sample get(int64_t index) const override;
  int64_t image_size() const override { return image_size_; }
  const AttributeSchema& attributes() const override { return attributes_; }
  bool has_masks() const override { return masks_.defined(); }
  Labels label_set() const override { return label_set_; }
  at::Tensor labels(int64_t index) const override;
  std::string sample_name(int64_t index) const override { return names_.at(row(index)); }
  std::vector<DataNote> notes() const override { return notes_; }
  std::optional<PhotoOrigin> origin() const override { return origin_; }

 private:
  size_t row(int64_t index) const { return static_cast<size_t>(rows_.at(static_cast<size_t>(index))); }

  std::string file_;
  AttributeSchema attributes_;
  at::Tensor photos_, masks_, labels_;  // [N, 3, S, S], [N, S, S] and [N, A] uint8, views of the file but for the labels
  std::vector<std::string> names_;
  std::vector<int64_t> rows_;  // of the split
  Labels label_set_ = Labels::kSecgan12;
  int64_t image_size_;
  PhotoOrigin origin_;
  std::vector<DataNote> notes_;
};

/// Before long work: that the file can be written, and costs nobody anything but a packed data set.
/// @throws InvalidArgument, or Error where nothing can be written.
SECGAN_API void require_packed_place(const std::filesystem::path& file);

struct PackedSamples {
  int64_t count = 0;
  std::vector<DataNote> notes;  ///< what the data set says of itself
};

/// Writes all splits of a data set, whole or not at all; photos pass through memory in small parts, masks are held.
/// @param settings  its crop and side are those that the photos get   @param with_attributes, with_masks  what is packed of it
/// @param progress  is told how many samples are done, and of how many; may be empty
/// @throws as open_dataset and require_packed_place
SECGAN_API PackedSamples pack_dataset(const DataSettings& settings, bool with_attributes, bool with_masks,
                                      const std::filesystem::path& file,
                                      const std::function<void(int64_t done, int64_t all)>& progress = {}, int threads = 2);

}  // namespace secgan
