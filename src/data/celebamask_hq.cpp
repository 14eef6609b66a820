#include "secgan/data/celebamask_hq.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <unordered_map>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/whole_number.hpp"
#include "data/list_file.hpp"
#include "data/places.hpp"
#include "data/splits.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/attribute_list.hpp"
#include "secgan/data/photo_names.hpp"
#include "secgan/image/image_file.hpp"

namespace secgan {
namespace fs = std::filesystem;
namespace {

/// Masks by the photo's id.
using MasksById = std::unordered_map<int64_t, std::vector<std::pair<int64_t, std::string>>>;

/// The number that a picture's name writes, with or without zeros before it.
std::optional<int64_t> id_of(std::string_view file) {
  const std::string_view stem = without_picture_ending(file.substr(file.rfind('/') + 1));
  return stem.starts_with('-') ? std::nullopt : whole_number(stem);
}

/// The photos of a folder by id, ascending. Of two with one id the one of the official name counts.
std::map<int64_t, std::string> photos_by_id(const PictureFolder& folder, std::vector<DataNote>& notes) {
  std::map<int64_t, std::string> photos;
  int64_t again = 0;
  for (const std::string& file : folder.files) {
    const std::optional<int64_t> id = id_of(file);
    if (!id) continue;
    const auto [known, fresh] = photos.emplace(*id, file);
    if (fresh) continue;
    ++again;
    const std::string official = fmt::format("{}.jpg", *id);
    if (file == official) known->second = file;
    if (known->second != official) {
      throw Error(fmt::format("'{}': '{}' and '{}' are both photo {}", folder.folder.string(), known->second, file, *id));
    }
  }
  if (again > 0) {
    notes.push_back({fmt::format("'{}': {} there twice, under other names too; ID.jpg is read", folder.folder.string(),
                                 counted(again, "photo is", "photos are"))});
  }
  return photos;
}

/// CelebA-HQ-img, and what else its packages are called: CelebA-HQ-img-1024, celeba_hq_256.
std::vector<std::string> photo_places(const fs::path& root) {
  std::vector<std::string> places;
  std::error_code error, ignored;
  for (fs::directory_iterator at(root, error); !error && at != fs::directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::string plain;
    for (const char c : name) {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0) plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    if (plain.starts_with("celebahq") && name != "CelebA-HQ-img" && at->is_directory(ignored)) places.push_back(name);
  }
  std::ranges::sort(places);
  places.insert(places.begin(), "CelebA-HQ-img");
  return places;
}

MasksById index_masks(const PictureFolder& folder) {
  MasksById masks;
  for (const std::string& file : folder.files) {
    const std::optional<int64_t> id = id_of(file);
    if (!id || !names_a_png(file)) continue;
    const std::string place = (folder.folder / file).string(), official = (folder.folder / fmt::format("{}.png", *id)).string();
    auto& known = masks[*id];
    if (known.empty()) known.emplace_back(0, place);
    if (place == official) known[0].second = official;
    if (known[0].second != place && known[0].second != official)
      throw Error(fmt::format("'{}' and '{}' are both the mask of photo {}", known[0].second, place, *id));
  }
  return masks;
}

/// `<id>_<part>.png`, in any folder below. A part that a face lacks has no file.
MasksById part_masks(const PictureFolder& folder) {
  const auto& names = class_names(Labels::kCelebAMaskHq);
  MasksById masks;
  for (const std::string& file : folder.files) {
    const std::string_view stem = without_picture_ending(std::string_view(file).substr(file.rfind('/') + 1));
    const size_t end = std::min(stem.find('_'), stem.size());
    const std::optional<int64_t> id = id_of(stem.substr(0, end));
    const auto part = end < stem.size() ? std::ranges::find(names, stem.substr(end + 1)) : names.end();
    if (!id || part == names.end() || part == names.begin()) continue;  // the background is what no part covers
    masks[*id].emplace_back(part - names.begin(), (folder.folder / file).string());
  }
  for (auto& [id, files] : masks) {
    std::ranges::stable_sort(files, {}, &std::pair<int64_t, std::string>::first);
    const auto twice = std::ranges::adjacent_find(files, {}, &std::pair<int64_t, std::string>::first);
    if (twice != files.end()) throw Error(fmt::format("'{}' and '{}' are one part of one photo", twice->second, (twice + 1)->second));
  }
  return masks;
}

/// CelebA's partition by its image index, as CelebAMask-HQ's own split code cuts it.
Split split_of(int64_t celeba_index) {
  return celeba_index < 162771 ? Split::kTrain : celeba_index < 182638 ? Split::kValidation : Split::kTest;
}

std::unordered_map<int64_t, Split> read_mapping(const fs::path& file) {
  ListFile list(file, ListFile::Heading::kOptional);
  const auto found = std::ranges::find(list.columns(), "orig_idx");
  const auto column = static_cast<size_t>(found == list.columns().end() ? 0 : found - list.columns().begin());
  std::unordered_map<int64_t, Split> split;
  while (list.next()) {
    const std::optional<int64_t> id = id_of(list.photo());
    if (!id) list.fail(fmt::format("'{}' is not a number", list.photo()));
    const Split part = split_of(list.whole_number_in(column));
    const auto [known, fresh] = split.emplace(*id, part);
    if (!fresh && known->second != part) list.fail(fmt::format("photo {} has another split above", *id));
  }
  return split;
}

std::vector<Split> splits_by_mapping(const fs::path& root, const std::map<int64_t, std::string>& photos, std::string& file) {
  const fs::path place = root / "CelebA-HQ-to-CelebA-mapping.txt";
  file = place.string();
  if (!fs::exists(place)) {
    throw FileNotFound(
        fmt::format("'{}' is missing: it holds the official split; split_by_mapping=false (--split-by-id) cuts by id", file));
  }
  const auto mapping = read_mapping(place);
  std::vector<Split> splits;
  std::vector<std::string> lacking;
  for (const auto& [id, photo] : photos) {
    const auto found = mapping.find(id);
    if (found == mapping.end()) {
      lacking.push_back(std::to_string(id));
    } else {
      splits.push_back(found->second);
    }
  }
  if (!lacking.empty()) {
    throw Error(fmt::format("{}: photo {} is missing{}", file, lacking[0],
                            lacking.size() == 1 ? "" : fmt::format(", and {} more", lacking.size() - 1)));
  }
  return splits;
}

/// The list's rows in the order of the photos.
at::Tensor labels_by_id(const AttributeList& list, const std::string& file, const std::map<int64_t, std::string>& photos,
                        std::vector<DataNote>& notes) {
  std::unordered_map<int64_t, int64_t> rows;
  size_t absent = 0;
  for (size_t row = 0; row < list.photos.size(); ++row) {
    const std::optional<int64_t> id = id_of(list.photos[row]);
    if (!id || !photos.contains(*id)) {
      ++absent;
    } else if (!rows.emplace(*id, row).second) {
      throw Error(fmt::format("{}: '{}' has two rows, under two spellings of its number", file, list.photos[row]));
    }
  }
  std::vector<int64_t> order;
  std::vector<std::string> lacking;
  for (const auto& [id, photo] : photos) {
    const auto found = rows.find(id);
    if (found == rows.end()) {
      lacking.push_back(photo);
    } else {
      order.push_back(found->second);
    }
  }
  if (!lacking.empty()) {
    throw Error(fmt::format("{}: '{}' is missing{}", file, lacking[0],
                            lacking.size() == 1 ? "" : fmt::format(", and {}", counted(lacking.size() - 1, "more photo"))));
  }
  if (absent > 0)
    notes.push_back({fmt::format("'{}': {} not there", file, counted_of(absent, list.photos.size(), "photo", "is", "are")), true});
  return list.labels.index_select(0, at::tensor(order));
}

}  // namespace

CelebAMaskHq::CelebAMaskHq(const CelebAMaskHqOptions& options)
    : FileDataset(options.attributes, options.image_size, options.crop), masks_(options.masks), mask_labels_(options.mask_labels) {
  const fs::path root = options.root;
  require_folder(root);
  const PictureFolder folder = find_pictures(
      root, photo_places(root), 1,
      [](const PictureFolder& found) {
        return static_cast<size_t>(std::ranges::any_of(found.files, [](const std::string& file) { return id_of(file).has_value(); }));
      },
      notes_);
  const std::map<int64_t, std::string> photos = photos_by_id(folder, notes_);

  MasksById masks;
  fs::path mask_folder;
  if (options.masks) {
    const std::string parts = "CelebAMask-HQ-mask-anno";
    const auto read = [&](const PictureFolder& found) { return found.folder.filename() == parts ? part_masks(found) : index_masks(found); };
    const PictureFolder found = find_pictures(
        root, {"mask", "CelebAMask-HQ-mask", "CelebAMaskHQ-mask", "label", parts}, photos.size(),
        [&](const PictureFolder& candidate) {
          masks = read(candidate);
          return static_cast<size_t>(std::ranges::count_if(photos, [&](const auto& photo) { return masks.contains(photo.first); }));
        },
        notes_);
    masks = read(found);
    in_parts_ = found.folder.filename() == parts;
    if (in_parts_) mask_labels_ = Labels::kCelebAMaskHq;
    mask_folder = found.folder;
  }
  at::Tensor labels;
  if (!options.attributes.empty()) {
    const fs::path file = find_place(root, {"CelebAMask-HQ-attribute-anno.txt", "CelebAMask-HQ-attribute-anno.csv"}, notes_);
    const AttributeList list = read_attribute_list(file, options.attributes);
    notes_.insert(notes_.end(), list.notes.begin(), list.notes.end());
    labels = labels_by_id(list, file.string(), photos, notes_);
  }
  std::string where = fmt::format("'{}'", folder.folder.string());
  std::vector<Split> splits;
  if (options.split_by_mapping) {
    splits = splits_by_mapping(root, photos, where);
  } else {
    for (size_t i = 0; i < photos.size(); ++i)
      splits.push_back(i * 10 < photos.size() * 8 ? Split::kTrain : i * 10 < photos.size() * 9 ? Split::kValidation : Split::kTest);
  }

  const std::vector<int64_t> rows = samples_of(splits, options.split, options.count, where, notes_);
  auto photo = photos.begin();
  for (int64_t at = 0; const int64_t row : rows) {
    std::advance(photo, row - std::exchange(at, row));
    files_.push_back((folder.folder / photo->second).string());
    if (!options.masks) continue;
    mask_files_.push_back(std::move(masks[photo->first]));
    if (mask_files_.back().empty()) {
      const std::string name = in_parts_ ? fmt::format("{:05}_<part>.png", photo->first) : fmt::format("{}.png", photo->first);
      mask_files_.back().emplace_back(0, (mask_folder / name).string());
      missing_.push_back(mask_files_.back()[0].second);
    }
  }
  if (labels.defined()) labels_ = labels.index_select(0, at::tensor(rows));
}

at::Tensor CelebAMaskHq::read_mask(int64_t index) const {
  if (!masks_) return {};
  const MaskFiles& files = mask_files_.at(static_cast<size_t>(index));
  if (!in_parts_) return read_ids(files[0].second, mask_labels_);
  // Where parts overlap, the later class of the official order is on top.
  at::Tensor merged;
  for (const auto& [part, file] : files) {
    const at::Tensor covered = read_image(file)[0] > 127;
    if (!merged.defined()) merged = at::zeros(covered.sizes(), at::kByte);
    if (covered.sizes() != merged.sizes()) {
      throw Error(fmt::format("'{}' has {} x {} pixels, the parts before it {} x {}", file, covered.size(1), covered.size(0),
                              merged.size(1), merged.size(0)));
    }
    merged.masked_fill_(covered, part);
  }
  return merged;
}

}  // namespace secgan
