#include "secgan/data/source.hpp"

#include <optional>
#include <utility>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/some_of.hpp"
#include "io/normal_form.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"
#include "secgan/data/cached.hpp"
#include "secgan/data/celeba.hpp"
#include "secgan/data/celebamask_hq.hpp"
#include "secgan/data/packed.hpp"
#include "secgan/data/photo_folder.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {

void DataSource::check() const {
  if (kind != DataKind::kSynthetic && root.empty())
    throw InvalidArgument(fmt::format("root is missing: name the data set's {}, or take drawn faces (--data synthetic)",
                                      kind == DataKind::kPacked ? "file (--root FILE)" : "folder (--root DIR)"));
}

std::string_view DataSource::usual_crop() const {
  if (kind == DataKind::kPacked) return "none";
  // AttGAN's crop of CelebA's 178 x 218.
  return kind == DataKind::kCelebA ? "center:170" : "center";
}

std::string_view DataSource::title() const {
  switch (kind) {
    case DataKind::kSynthetic: return "drawn faces";
    case DataKind::kCelebA: return "CelebA";
    case DataKind::kCelebAMaskHq: return "CelebAMask-HQ";
    case DataKind::kPacked: return "a packed data set";
    case DataKind::kFolder: break;
  }
  return "a folder of photos";
}

std::string DataSource::terms() const {
  const bool somebodys = kind == DataKind::kCelebA || kind == DataKind::kCelebAMaskHq;
  return somebodys ? fmt::format("{}'s terms: non-commercial research", title()) : "";
}

void DataSettings::check() const {
  source.check();
  parse_crop(resolved_crop());
}

namespace {

/// A setting that would not be read is a misunderstanding; a crop of drawn faces, which are square, would also be in the bundle.
void refuse_unread(const DataSettings& settings) {
  const DataSource& source = settings.source;
  const bool folder = source.kind == DataKind::kFolder, drawn = source.kind == DataKind::kSynthetic,
             packed = source.kind == DataKind::kPacked;
  const bool masks_by_class = folder || source.kind == DataKind::kCelebAMaskHq;
  const Crop crop = parse_crop(settings.resolved_crop());
  const bool whole = crop == Crop{} || crop.kind == Crop::Kind::kNone;
  struct Reader {
    const char* setting;
    bool given, read;
    const char* kinds;
  };
  for (const auto& [setting, given, read, kinds] :
       {Reader{"labels", !source.labels.empty(), folder, "folder"}, Reader{"mask_folder", !source.mask_folder.empty(), folder, "folder"},
        Reader{"whole_folder", source.whole_folder, folder, "folder"},
        Reader{"split_by_mapping (--split-by-id)", !source.split_by_mapping, source.kind == DataKind::kCelebAMaskHq, "celebamask-hq"},
        Reader{"mask_labels", source.mask_labels != DataSource{}.mask_labels, masks_by_class, "celebamask-hq and folder"},
        Reader{"root", !source.root.empty(), !drawn, "celeba, celebamask-hq, folder and packed"},
        Reader{"crop", !whole, !drawn && !packed, "celeba, celebamask-hq and folder"}}) {
    if (given && !read)
      throw InvalidArgument(fmt::format("{} is for data {}, not for {}", setting, kinds, name_of(kDataKinds, source.kind)));
  }
}

/// @param split  nullopt: all
std::shared_ptr<const Dataset> open(const DataSettings& settings, std::optional<Split> split, bool with_attributes, bool with_masks) {
  validate(settings);
  const DataSource& source = settings.source;
  refuse_unread(settings);
  const std::vector<std::string> attributes = with_attributes ? settings.attributes : std::vector<std::string>{};
  if (with_attributes && attributes.empty() && source.kind != DataKind::kSynthetic) {
    throw InvalidArgument("attributes is empty: name at least one");
  }
  const Crop crop = parse_crop(settings.resolved_crop());
  switch (source.kind) {
    case DataKind::kSynthetic: {
      if (with_attributes && !attributes.empty() && attributes != synthetic_attribute_names()) {
        throw InvalidArgument(fmt::format("attributes of drawn faces cannot be chosen: leave them out, or name all, {}",
                                          fmt::join(synthetic_attribute_names(), ", ")));
      }
      // Other people in every split.
      const auto seed = uint64_t{1} + static_cast<uint64_t>(split.value_or(Split::kTrain));
      return std::make_shared<SyntheticFaces>(SyntheticFacesOptions{settings.count > 0 ? settings.count : 8000, settings.image_size, seed});
    }
    case DataKind::kCelebA:
      if (with_masks) throw InvalidArgument("celeba has no masks: a parser is trained on celebamask-hq or a folder");
      return std::make_shared<CelebA>(CelebAOptions{source.root, attributes, split, settings.image_size, crop, settings.count});
    case DataKind::kCelebAMaskHq:
      return std::make_shared<CelebAMaskHq>(CelebAMaskHqOptions{source.root, attributes, with_masks, source.mask_labels, split,
                                                                source.split_by_mapping, settings.image_size, crop, settings.count});
    case DataKind::kFolder:
      if (with_attributes && source.labels.empty())
        throw InvalidArgument("labels is missing: a folder of photos does not say what they show; name a list of it (--labels FILE)");
      if (with_masks && source.mask_folder.empty())
        throw InvalidArgument("mask_folder is missing: name the folder of the photos' masks (--mask-folder DIR)");
      return std::make_shared<PhotoFolder>(PhotoFolderOptions{source.root, source.labels, attributes, source.mask_folder, with_masks,
                                                              source.mask_labels, split, source.whole_folder, settings.image_size, crop,
                                                              settings.count});
    case DataKind::kPacked:
      return std::make_shared<PackedDataset>(
          PackedDatasetOptions{source.root, attributes, with_masks, split, settings.image_size, settings.count});
  }
  throw InvalidArgument("a data set without a name");
}

}  // namespace

std::shared_ptr<const Dataset> open_dataset(const DataSettings& settings, Split split, bool with_attributes, bool with_masks) {
  auto data = open(settings, split, with_attributes, with_masks);
  constexpr size_t kLookedFor = 3;  // missing files, in what their folders hold
  if (const auto missing = data->missing(); !missing.empty()) {
    std::string hint;
    for (size_t i = 0; i < missing.size() && hint.empty() && i < kLookedFor; ++i) hint = detail::hint_of_other_form(missing[i]);
    throw FileNotFound(missing.size() == 1 ? fmt::format("'{}' is missing{}", missing[0], hint)
                                           : fmt::format("{} files of {} are missing: {}{}", missing.size(),
                                                         counted(data->size(), "sample"), some_of(missing), hint));
  }
  // What is packed is decoded already.
  return settings.cache && settings.source.kind != DataKind::kPacked ? std::make_shared<CachedDataset>(data) : data;
}

std::shared_ptr<const Dataset> open_to_check(const DataSettings& settings, std::optional<Split> split, bool with_attributes,
                                             bool with_masks) {
  return open(settings, split, with_attributes, with_masks);
}

}  // namespace secgan
