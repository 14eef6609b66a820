#include "secgan/data/celeba.hpp"

#include <ATen/ATen.h>

#include <unordered_map>

#include "core/format.hpp"
#include "data/list_file.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"
#include "secgan/image/image_file.hpp"

namespace secgan {

CelebA::CelebA(CelebAOptions options) : options_(std::move(options)) {
  const std::filesystem::path root = options_.root;
  if (!std::filesystem::is_directory(root)) throw FileNotFound(fmt::format("data set folder '{}' is missing", root.string()));
  photos_ = find_place(root, {"img_align_celeba", "Img/img_align_celeba"});
  const auto list = read_attribute_list(find_place(root, {"list_attr_celeba.txt", "Anno/list_attr_celeba.txt"}), options_.attributes);
  if (!options_.attributes.empty()) attributes_ = AttributeSchema(options_.attributes);
  const auto partition_file = find_place(root, {"list_eval_partition.txt", "Eval/list_eval_partition.txt"});
  std::unordered_map<std::string, int64_t> partition;
  for_each_line(partition_file, [&](const ListLine& line) {
    const int64_t part = list_number(partition_file, line, 1);
    if (part < 0 || part > 2)
      throw Error(fmt::format("{}:{}: partition {} is none of 0, 1, 2", partition_file.string(), line.number, part));
    partition[std::string(line.words[0])] = part;
  });
  for (size_t i = 0; i < list.photos.size(); ++i) {
    const auto found = partition.find(list.photos[i]);
    if (found == partition.end()) throw Error(fmt::format("{}: '{}' is missing", partition_file.string(), list.photos[i]));
    if (found->second != static_cast<int64_t>(options_.split)) continue;
    if (options_.count > 0 && size() == options_.count) break;
    files_.push_back(list.photos[i]);
    labels_.push_back(list.labels[i]);
  }
  if (files_.empty()) throw Error(fmt::format("{}: the {} split is empty", partition_file.string(), name_of(kSplits, options_.split)));
}

std::string CelebA::sample_name(int64_t index) const { return (photos_ / files_.at(static_cast<size_t>(index))).string(); }

at::Tensor CelebA::labels(int64_t index) const {
  return options_.attributes.empty() ? at::Tensor() : at::tensor(labels_.at(static_cast<size_t>(index)));
}

Sample CelebA::get(int64_t index) const {
  const auto i = static_cast<size_t>(index);
  const at::Tensor photo = read_image(sample_name(index));
  Sample sample;
  try {
    sample.image =
        resize_image(crop_image(photo, crop_rect(options_.crop, photo.size(2), photo.size(1))), options_.image_size, options_.image_size);
  } catch (const InvalidArgument& error) {
    throw Error(fmt::format("'{}': {}", sample_name(index), error.what()));
  }
  sample.labels = labels(index);
  sample.id = std::filesystem::path(files_[i]).stem().string();
  return sample;
}

}  // namespace secgan
