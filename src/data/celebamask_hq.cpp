#include "secgan/data/celebamask_hq.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "core/format.hpp"
#include "core/whole_number.hpp"
#include "data/list_file.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"
#include "secgan/image/image_file.hpp"

namespace secgan {
namespace fs = std::filesystem;
namespace {

/// Ids of the photos in a folder, ascending.
std::vector<int64_t> photo_ids(const fs::path& folder) {
  std::vector<int64_t> ids;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string stem = entry.path().stem().string(), extension = entry.path().extension().string();
    const std::optional<int64_t> id = whole_number(stem);
    if (extension == ".jpg" && id) ids.push_back(*id);
  }
  std::ranges::sort(ids);
  return ids;
}

/// CelebA's partition by its image index, as CelebAMask-HQ's own split code cuts it.
Split split_of(int64_t celeba_index) {
  return celeba_index < 162771 ? Split::kTrain : celeba_index < 182638 ? Split::kValidation : Split::kTest;
}

std::unordered_map<int64_t, Split> read_mapping(const fs::path& file) {
  std::unordered_map<int64_t, Split> split;
  for_each_line(file, [&](const ListLine& line) {
    if (line.number == 1 && line.words[0] == "idx") return;  // the header
    split[list_number(file, line, 0)] = split_of(list_number(file, line, 1));
  });
  return split;
}

}  // namespace

CelebAMaskHq::CelebAMaskHq(CelebAMaskHqOptions options) : options_(std::move(options)) {
  const fs::path root = options_.root;
  if (!fs::is_directory(root)) throw FileNotFound(fmt::format("data set folder '{}' is missing", root.string()));
  const fs::path photos = find_place(root, {"CelebA-HQ-img"});
  if (options_.masks) part_folders_ = find_place(root, {"mask", "CelebAMask-HQ-mask-anno"}).filename() != "mask";

  std::unordered_map<std::string, std::vector<float>> labels;
  fs::path list_file;
  if (!options_.attributes.empty()) {
    list_file = find_place(root, {"CelebAMask-HQ-attribute-anno.txt"});
    AttributeList list = read_attribute_list(list_file, options_.attributes);
    for (size_t i = 0; i < list.photos.size(); ++i) labels.emplace(std::move(list.photos[i]), std::move(list.labels[i]));
    attributes_ = AttributeSchema(options_.attributes);
  }
  const std::vector<int64_t> ids = photo_ids(photos);
  std::unordered_map<int64_t, Split> mapping;
  if (options_.split_by_mapping) {
    const fs::path file = root / "CelebA-HQ-to-CelebA-mapping.txt";
    if (!fs::exists(file))
      throw FileNotFound(
          fmt::format("'{}' is missing: it holds the official split; --split-by-id (split_by_mapping = false) cuts by id", file.string()));
    mapping = read_mapping(file);
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    Split split = i * 10 < ids.size() * 8 ? Split::kTrain : i * 10 < ids.size() * 9 ? Split::kValidation : Split::kTest;
    if (options_.split_by_mapping) {
      const auto found = mapping.find(ids[i]);
      if (found == mapping.end()) throw Error(fmt::format("CelebA-HQ-to-CelebA-mapping.txt: photo {} is missing", ids[i]));
      split = found->second;
    }
    if (split != options_.split) continue;
    if (options_.count > 0 && size() == options_.count) break;
    const std::string name = fmt::format("{}.jpg", ids[i]);
    if (!options_.attributes.empty()) {
      const auto found = labels.find(name);
      if (found == labels.end()) throw Error(fmt::format("{}: '{}' is missing", list_file.string(), name));
      labels_.push_back(found->second);
    }
    ids_.push_back(ids[i]);
    files_.push_back((photos / name).string());
  }
  if (ids_.empty()) throw Error(fmt::format("'{}': the {} split is empty", photos.string(), name_of(kSplits, options_.split)));
}

std::string CelebAMaskHq::sample_name(int64_t index) const { return files_.at(static_cast<size_t>(index)); }

at::Tensor CelebAMaskHq::mask(int64_t id) const {
  const fs::path root = options_.root;
  if (!part_folders_) {
    const fs::path file = root / "mask" / fmt::format("{}.png", id);
    const at::Tensor ids = read_index_mask(file);
    try {
      ClassMerge(options_.mask_labels).ids(ids);
    } catch (const InvalidArgument& error) {
      throw Error(fmt::format("'{}': {} in {} order", file.string(), error.what(), name_of(kLabelSets, options_.mask_labels)));
    }
    return ids;
  }
  // A part that a face lacks has no file; where parts overlap, the later class of the official order is on top.
  const fs::path folder = root / "CelebAMask-HQ-mask-anno" / std::to_string(id / 2000);
  const auto& names = class_names(Labels::kCelebAMaskHq);
  at::Tensor merged;
  for (size_t part = 1; part < names.size(); ++part) {
    const fs::path file = folder / fmt::format("{:05}_{}.png", id, names[part]);
    if (!fs::exists(file)) continue;
    const at::Tensor covered = read_image(file)[0] > 127;
    if (!merged.defined()) merged = at::zeros(covered.sizes(), at::kByte);
    if (covered.sizes() != merged.sizes()) {
      throw Error(fmt::format("'{}' has {} x {} pixels, the parts before it {} x {}", file.string(), covered.size(1), covered.size(0),
                              merged.size(1), merged.size(0)));
    }
    merged.masked_fill_(covered, static_cast<int64_t>(part));
  }
  if (!merged.defined()) throw FileNotFound(fmt::format("'{}' has no {:05}_<part>.png", folder.string(), id));
  return merged;
}

Sample CelebAMaskHq::get(int64_t index) const {
  const auto i = static_cast<size_t>(index);
  const at::Tensor photo = read_image(files_.at(i));
  const int64_t side = options_.image_size;
  Sample sample;
  try {
    const Rect rect = crop_rect(options_.crop, photo.size(2), photo.size(1));
    sample.image = resize_image(crop_image(photo, rect), side, side);
    if (options_.masks) {
      const at::Tensor ids = mask(ids_[i]);
      // The same part of the mask, in its own pixels.
      const Rect scaled{rect.x * ids.size(1) / photo.size(2), rect.y * ids.size(0) / photo.size(1),
                        std::max<int64_t>(1, rect.width * ids.size(1) / photo.size(2)),
                        std::max<int64_t>(1, rect.height * ids.size(0) / photo.size(1))};
      sample.mask = resize_mask(crop_image(ids, scaled), side, side);
    }
  } catch (const InvalidArgument& error) {
    throw Error(fmt::format("'{}': {}", files_[i], error.what()));
  }
  if (!options_.attributes.empty()) sample.labels = at::tensor(labels_[i]);
  sample.id = std::to_string(ids_[i]);
  return sample;
}

}  // namespace secgan
