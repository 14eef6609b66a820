#include "secgan/data/file_dataset.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>

#include "core/format.hpp"
#include "image/picture.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"

namespace secgan {

FileDataset::FileDataset(const std::vector<std::string>& attributes, int64_t image_size, Crop crop)
    : attributes_(attributes.empty() ? AttributeSchema() : AttributeSchema(attributes)), image_size_(image_size), crop_(crop) {}

at::Tensor FileDataset::labels(int64_t index) const { return labels_.defined() ? labels_[index].clone() : at::Tensor(); }

at::Tensor FileDataset::read_mask(int64_t /*index*/) const { return {}; }

at::Tensor FileDataset::read_ids(const std::string& file, Labels labels) {
  const at::Tensor ids = detail::read_index_mask(file, labels);
  try {
    ClassMerge(labels).ids(ids);
  } catch (const InvalidArgument& error) {
    throw Error(fmt::format("'{}': {} in {} order", file, error.what(), name_of(kLabelSets, labels)));
  }
  return ids;
}

Sample FileDataset::get(int64_t index) const {
  const std::string file = sample_name(index);
  const at::Tensor photo = detail::read_image_as_decoded(file);
  Sample sample;
  try {
    const Rect rect = crop_rect(crop_, photo.size(2), photo.size(1));
    sample.image = resize_image(crop_image(photo, rect), image_size_, image_size_);
    if (const at::Tensor ids = read_mask(index); ids.defined()) {
      // Of one shape but for rounding: another mask would be pulled over the photo, and one drawn over a photo as it lies in its file
      // does not fit it upright.
      if (std::abs(ids.size(1) * photo.size(1) - ids.size(0) * photo.size(2)) > std::max(photo.size(1), photo.size(2))) {
        throw InvalidArgument(fmt::format("its mask has {} x {} pixels, which is another shape than the photo's {} x {}", ids.size(1),
                                          ids.size(0), photo.size(2), photo.size(1)));
      }
      // The same part of the mask, in its own pixels.
      const Rect scaled{rect.x * ids.size(1) / photo.size(2), rect.y * ids.size(0) / photo.size(1),
                        std::max<int64_t>(1, rect.width * ids.size(1) / photo.size(2)),
                        std::max<int64_t>(1, rect.height * ids.size(0) / photo.size(1))};
      sample.mask = resize_mask(crop_image(ids, scaled), image_size_, image_size_);
    }
  } catch (const InvalidArgument& error) {
    throw Error(fmt::format("'{}': {}", file, error.what()));
  }
  sample.labels = labels(index);
  sample.id = std::filesystem::path(file).stem().string();
  return sample;
}

}  // namespace secgan
