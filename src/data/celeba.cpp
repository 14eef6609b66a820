#include "secgan/data/celeba.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/some_of.hpp"
#include "data/list_file.hpp"
#include "data/places.hpp"
#include "data/splits.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/attribute_list.hpp"
#include "secgan/data/photo_names.hpp"

namespace secgan {
namespace {

struct Partition {
  std::string file;
  std::vector<std::string> photos;
  std::unordered_map<std::string, Split> split;
};

Partition read_partition(const std::filesystem::path& file, std::vector<DataNote>& notes) {
  ListFile list(file, ListFile::Heading::kOptional);
  Partition out{file.string(), {}, {}};
  int64_t again = 0;
  while (list.next()) {
    const int64_t part = list.whole_number_in(0);
    if (part < 0 || part > 2) list.fail(fmt::format("partition {} is none of 0, 1, 2", part));
    const auto [known, fresh] = out.split.emplace(list.photo(), static_cast<Split>(part));
    if (!fresh && known->second != static_cast<Split>(part))
      list.fail(fmt::format("'{}' has another partition above, {}", known->first, static_cast<int>(known->second)));
    fresh ? out.photos.push_back(known->first) : void(++again);
  }
  list.compare_count(notes);
  if (again > 0) notes.push_back({fmt::format("'{}': {} an earlier one", out.file, counted(again, "row repeats", "rows repeat"))});
  return out;
}

/// The split of every photo of the list.
std::vector<Split> splits_of(const AttributeList& list, const std::string& list_file, const Partition& partition,
                             std::vector<DataNote>& notes) {
  std::vector<Split> splits;
  std::vector<std::string> lacking;
  for (const std::string& photo : list.photos) {
    const auto found = partition.split.find(photo);
    if (found == partition.split.end()) {
      lacking.push_back(photo);
    } else {
      splits.push_back(found->second);
    }
  }
  if (!lacking.empty()) {
    throw Error(
        fmt::format("{}: '{}' is missing{}", partition.file, lacking[0],
                    lacking.size() == 1 ? "" : fmt::format(", and {} of {}", counted(lacking.size() - 1, "more photo"), list_file)));
  }
  // Names of the list are all in the partition: what is more has no labels.
  if (partition.split.size() > splits.size()) {
    const std::unordered_set<std::string_view> labeled(list.photos.begin(), list.photos.end());
    std::vector<std::string> unlabeled;
    for (const std::string& photo : partition.photos) {
      if (!labeled.contains(photo)) unlabeled.push_back(photo);
    }
    notes.push_back({fmt::format("'{}': {} of '{}' {} no labels, as {}", list_file, counted(unlabeled.size(), "photo"), partition.file,
                                 unlabeled.size() == 1 ? "has" : "have", some_of(unlabeled)),
                     true});
  }
  return splits;
}

}  // namespace

CelebA::CelebA(const CelebAOptions& options) : FileDataset(options.attributes, options.image_size, options.crop) {
  const std::filesystem::path root = options.root;
  require_folder(root);
  const auto list_file =
      find_place(root, {"list_attr_celeba.txt", "Anno/list_attr_celeba.txt", "list_attr_celeba.csv", "Anno/list_attr_celeba.csv"}, notes_);
  const auto partition_file = find_place(
      root, {"list_eval_partition.txt", "Eval/list_eval_partition.txt", "list_eval_partition.csv", "Eval/list_eval_partition.csv"}, notes_);
  AttributeList list = read_attribute_list(list_file, options.attributes);
  notes_.insert(notes_.end(), list.notes.begin(), list.notes.end());
  const Partition partition = read_partition(partition_file, notes_);
  const std::vector<Split> splits = splits_of(list, list_file.string(), partition, notes_);

  std::filesystem::path looked_in;
  std::optional<PhotoNames> names;
  std::vector<std::optional<size_t>> found;  // of each photo of the list
  const auto look_up = [&](const PictureFolder& folder) {
    looked_in = folder.folder;
    names.emplace(folder.files);
    found.clear();
    for (const std::string& photo : list.photos) found.push_back(find_listed(*names, photo, list_file));
    return found.size() - static_cast<size_t>(std::ranges::count(found, std::optional<size_t>()));
  };
  const PictureFolder photos =
      find_pictures(root, {"img_align_celeba", "Img/img_align_celeba", "img_align_celeba_png", "Img/img_align_celeba_png"},
                    list.photos.size(), look_up, notes_);
  if (looked_in != photos.folder) look_up(photos);

  const std::vector<int64_t> rows = samples_of(splits, options.split, options.count, partition.file, notes_);
  std::unordered_map<size_t, size_t> taken;
  for (const int64_t row : rows) {
    const auto i = static_cast<size_t>(row);
    const std::string& name = found[i] ? names->names()[*found[i]] : list.photos[i];
    files_.push_back((photos.folder / name).string());
    if (!found[i]) {
      missing_.push_back(files_.back());
      continue;
    }
    const auto [other, fresh] = taken.emplace(*found[i], i);
    if (!fresh) {
      throw Error(fmt::format("{}: '{}' and '{}' are one file, '{}'", list_file.string(), list.photos[other->second], list.photos[i],
                              files_.back()));
    }
  }
  if (!options.attributes.empty()) labels_ = list.labels.index_select(0, at::tensor(rows));
}

}  // namespace secgan
