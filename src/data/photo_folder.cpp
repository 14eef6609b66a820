#include "secgan/data/photo_folder.hpp"

#include <ATen/ATen.h>

#include <filesystem>
#include <unordered_map>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/some_of.hpp"
#include "data/list_file.hpp"
#include "data/places.hpp"
#include "data/splits.hpp"
#include "io/normal_form.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/attribute_list.hpp"
#include "secgan/data/photo_names.hpp"

namespace secgan {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kMaskEnding = "_mask";

std::vector<Split> splits_of_photos(const std::vector<std::string>& photos, const std::string& root) {
  std::vector<Split> splits;
  std::string inside, outside;
  for (const std::string& photo : photos) {
    const size_t slash = photo.find('/');
    const std::optional<Split> split = slash == std::string::npos ? std::nullopt : split_called(photo.substr(0, slash));
    (split ? inside : outside) = photo;
    if (split) splits.push_back(*split);
  }
  if (splits.size() == photos.size()) return splits;
  if (!splits.empty()) {
    throw Error(
        fmt::format("'{}': '{}' lies in a folder of a split, '{}' outside of them: move one, or take the whole folder (whole_folder)", root,
                    inside, outside));
  }
  for (size_t i = 0; i < photos.size(); ++i)
    splits.push_back(i % 10 == 8 ? Split::kValidation : i % 10 == 9 ? Split::kTest : Split::kTrain);
  return splits;
}

/// Whether a list's name has folders in front of the photo's own that are not those of the folder that was searched.
/// @param root  without links
bool lies_elsewhere(const std::string& listed, const std::string& photo, const std::string& root) {
  const auto folders = [](const std::string& name) { return fs::path(name).lexically_normal().parent_path().generic_string(); };
  const std::string said = folders(listed), own = folders(photo);
  return said.size() > own.size() && !(own.empty() ? root : root + "/" + own).ends_with("/" + said);
}

/// The row of each photo, and the photos that have one.
std::vector<int64_t> rows_of(const AttributeList& list, const std::string& file, const std::string& root, std::vector<std::string>& photos,
                             std::vector<DataNote>& notes) {
  const PhotoNames names(photos);
  constexpr int64_t kNone = -1;
  std::error_code ignored;
  const std::string searched = fs::weakly_canonical(root, ignored).generic_string();
  std::vector<int64_t> rows(photos.size(), kNone);
  std::vector<std::string> absent, unlabeled, labeled, elsewhere;
  for (size_t row = 0; row < list.photos.size(); ++row) {
    const std::optional<size_t> photo = find_listed(names, list.photos[row], file);
    if (!photo) {
      absent.push_back(list.photos[row]);
    } else if (rows[*photo] != kNone) {
      throw Error(fmt::format("'{}': '{}' and '{}' are one photo, '{}'", file, list.photos[static_cast<size_t>(rows[*photo])],
                              list.photos[row], photos[*photo]));
    } else {
      rows[*photo] = static_cast<int64_t>(row);
      if (lies_elsewhere(list.photos[row], photos[*photo], searched)) elsewhere.push_back(list.photos[row]);
    }
  }
  for (size_t i = 0; i < photos.size(); ++i) (rows[i] == kNone ? unlabeled : labeled).push_back(photos[i]);
  if (list.photos.empty()) throw Error(fmt::format("'{}' names no photo", file));
  if (labeled.empty()) {
    throw Error(fmt::format("'{}' names none of the photos in '{}': it has {}, the folder {}{}", file, root, some_of(list.photos, 1),
                            some_of(photos, 1), detail::hint_of_other_form(absent, unlabeled)));
  }
  if (!absent.empty()) {
    notes.push_back({fmt::format("'{}': {} not in '{}', as {}{}", file, counted_of(absent.size(), list.photos.size(), "photo", "is", "are"),
                                 root, some_of(absent), detail::hint_of_other_form(absent, unlabeled))});
  }
  if (!elsewhere.empty()) {
    notes.push_back({fmt::format("'{}': {} in another folder, as {}: taken for those so called in '{}'", file,
                                 counted_of(elsewhere.size(), list.photos.size(), "photo", "is", "are"), some_of(elsewhere), root),
                     /*wrong=*/true});
  }
  if (!unlabeled.empty()) {
    notes.push_back({fmt::format("'{}': {} no labels in '{}': left out, as {}", root,
                                 counted_of(unlabeled.size(), photos.size(), "photo", "has", "have"), file, some_of(unlabeled))});
  }
  std::erase(rows, kNone);
  photos = std::move(labeled);
  return rows;
}

}  // namespace

PhotoFolder::PhotoFolder(const PhotoFolderOptions& options)
    : FileDataset(options.attributes, options.image_size, options.crop), mask_labels_(options.mask_labels) {
  const fs::path root = options.root, masks = options.mask_folder;
  require_folder(root);
  std::error_code ignored;
  const bool beside = !masks.empty() && fs::equivalent(root, masks, ignored);
  Pictures found = look_for_pictures(root, beside ? fs::path() : masks);
  std::vector<std::string> photos = std::move(found.files);
  if (beside) std::erase_if(photos, [](const std::string& name) { return without_picture_ending(name).ends_with(kMaskEnding); });
  if (photos.empty()) throw FileNotFound(no_photo_in(root, found.others));
  if (!found.others.empty()) notes_.push_back({note_on_others(root, found.others)});

  at::Tensor labels;
  std::vector<Split> splits;
  if (!options.labels.empty()) {
    const AttributeList list = read_attribute_list(options.labels, options.attributes);
    if (!list.unread_split.empty() && !options.whole) throw Error(list.unread_split);
    if (!options.attributes.empty() || !list.splits.empty()) {
      notes_.insert(notes_.end(), list.notes.begin(), list.notes.end());
      const std::vector<int64_t> listed = rows_of(list, options.labels, options.root, photos, notes_);
      if (!options.attributes.empty()) labels = list.labels.index_select(0, at::tensor(listed));
      for (const int64_t row : listed) {
        if (!list.splits.empty()) splits.push_back(list.splits[static_cast<size_t>(row)]);
      }
    }
  }
  if (options.whole) {
    splits.assign(photos.size(), options.split.value_or(Split::kTrain));
  } else if (splits.empty()) {
    splits = splits_of_photos(photos, root.string());
  }
  const std::vector<int64_t> rows = samples_of(splits, options.split, options.count, fmt::format("'{}'", root.string()), notes_);

  std::unordered_map<std::string, std::string>
      mask_files;  // by name without ending, in the same folder: another's photo may be called the same
  if (options.masks) {
    require_folder(masks);
    for (const std::string& file : pictures_below(masks)) {
      const std::string stem(without_picture_ending(file));
      if (names_a_png(file) && (!beside || stem.ends_with(kMaskEnding))) mask_files.emplace(stem, file);
    }
  }
  for (const int64_t row : rows) {
    const std::string& photo = photos[static_cast<size_t>(row)];
    files_.push_back((root / photo).string());
    if (!options.masks) continue;
    const std::string stem(without_picture_ending(photo));
    auto found = mask_files.find(stem);
    if (found == mask_files.end()) found = mask_files.find(stem + std::string(kMaskEnding));
    const bool there = found != mask_files.end();
    masks_.push_back((masks / (there ? found->second : stem + ".png")).string());
    if (!there) missing_.push_back(masks_.back());
  }
  if (labels.defined()) labels_ = labels.index_select(0, at::tensor(rows));
}

at::Tensor PhotoFolder::read_mask(int64_t index) const {
  return has_masks() ? read_ids(masks_.at(static_cast<size_t>(index)), mask_labels_) : at::Tensor();
}

}  // namespace secgan
