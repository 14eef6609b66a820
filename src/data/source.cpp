#include "secgan/data/source.hpp"

#include <algorithm>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/cached.hpp"
#include "secgan/data/celeba.hpp"
#include "secgan/data/celebamask_hq.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {

void DataSource::check() const {
  if (kind != DataKind::kSynthetic && root.empty())
    throw InvalidArgument("root is missing: name the data set's folder (--root DIR), or take drawn faces (--data synthetic)");
}

std::string DataSource::usual_crop() const {
  // AttGAN's crop of CelebA's 178 x 218; the HQ photos are square.
  return kind == DataKind::kCelebA ? "center:170" : "center";
}

std::string DataSource::title() const {
  switch (kind) {
    case DataKind::kSynthetic: return "drawn faces";
    case DataKind::kCelebA: return "CelebA";
    case DataKind::kCelebAMaskHq: break;
  }
  return "CelebAMask-HQ";
}

std::string DataSource::terms() const { return kind == DataKind::kSynthetic ? "" : title() + "'s terms: non-commercial research"; }

void DataSettings::check() const {
  source.check();
  parse_crop(resolved_crop());
}

std::shared_ptr<const Dataset> open_dataset(const DataSettings& settings, Split split, bool with_attributes, bool with_masks) {
  validate(settings);
  const std::vector<std::string> attributes = with_attributes ? settings.attributes : std::vector<std::string>{};
  if (with_attributes && attributes.empty() && settings.source.kind != DataKind::kSynthetic) {
    throw InvalidArgument("attributes is empty: name at least one");
  }
  const Crop crop = parse_crop(settings.resolved_crop());
  std::shared_ptr<const Dataset> data;
  switch (settings.source.kind) {
    case DataKind::kSynthetic: {
      if (with_attributes && !attributes.empty() && attributes != synthetic_attribute_names()) {
        throw InvalidArgument(
            fmt::format("drawn faces have these attributes, all of them: {}", fmt::join(synthetic_attribute_names(), ", ")));
      }
      // Other people in every split.
      const auto seed = uint64_t{1} + static_cast<uint64_t>(split);
      data = std::make_shared<SyntheticFaces>(SyntheticFacesOptions{settings.count > 0 ? settings.count : 8000, settings.image_size, seed});
      break;
    }
    case DataKind::kCelebA:
      if (with_masks) throw InvalidArgument("celeba has no masks: a parser is trained on celebamask-hq");
      data = std::make_shared<CelebA>(CelebAOptions{settings.source.root, attributes, split, settings.image_size, crop, settings.count});
      break;
    case DataKind::kCelebAMaskHq:
      data = std::make_shared<CelebAMaskHq>(CelebAMaskHqOptions{settings.source.root, attributes, with_masks, settings.source.mask_labels,
                                                                split, settings.source.split_by_mapping, settings.image_size, crop,
                                                                settings.count});
      break;
  }
  return settings.cache ? std::make_shared<CachedDataset>(data) : data;
}

}  // namespace secgan
