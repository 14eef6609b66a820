#pragma once
/// Which faces to use, as settings say it: drawn ones, CelebA, CelebA-HQ with CelebAMask-HQ's masks, a folder of photos, or what was made
/// of one of these by pack_dataset.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

enum class DataKind { kSynthetic, kCelebA, kCelebAMaskHq, kFolder, kPacked };
inline constexpr std::array<std::pair<std::string_view, DataKind>, 5> kDataKinds{{{"synthetic", DataKind::kSynthetic},
                                                                                  {"celeba", DataKind::kCelebA},
                                                                                  {"celebamask-hq", DataKind::kCelebAMaskHq},
                                                                                  {"folder", DataKind::kFolder},
                                                                                  {"packed", DataKind::kPacked}}};
template <>
struct EnumNames<DataKind> {
  static constexpr auto& table = kDataKinds;
  static constexpr std::string_view what = "data";
};

/// A data set: which, and where.
struct DataSource {
  DataKind kind = DataKind::kCelebA;
  std::string root = {};
  Labels mask_labels = Labels::kCelebAMaskHq;
  bool split_by_mapping = true;
  std::string labels = {};
  std::string mask_folder = {};
  bool whole_folder = false;

  static constexpr auto fields() {
    using O = DataSource;
    return std::tuple{
        field<&O::kind>("the data set; synthetic: drawn faces, folder: any photos, packed: a file of secgan pack"),
        field<&O::root>("the data set's folder, or packed its file; drawn faces have none"),
        field<&O::mask_labels>("celebamask-hq, folder: class order of index PNGs"),
        field<&O::split_by_mapping>("celebamask-hq: the official split; false: 80/10/10 % by id"),
        field<&O::labels>("folder: a list of the photos' attributes, as CelebA's .txt or a CSV file; empty: they have none"),
        field<&O::mask_folder>("folder: index PNGs called as the photos; empty: they have none"),
        field<&O::whole_folder>("folder: every photo, whichever split is asked for; false: the list's column split, or subfolders train, "
                                "validation and test, or 80/10/10 "
                                "% by name"),
    };
  }
  /// @throws InvalidArgument for a data set without a root.
  SECGAN_API void check() const;
  /// How its photos usually become squares.
  SECGAN_API std::string_view usual_crop() const;
  /// What its photos are, for people: "drawn faces", "CelebA".
  SECGAN_API std::string_view title() const;
  /// What weights trained on it may be used for; empty where nobody says.
  SECGAN_API std::string terms() const;
};

/// What is read of it, and how.
struct DataSettings {
  DataSource source = {};
  std::vector<std::string> attributes = {};
  int64_t image_size = 128;
  std::string crop = {};
  int64_t count = 0;
  bool cache = true;

  static constexpr auto fields() {
    using O = DataSettings;
    return std::tuple_cat(
        inlined<&O::source>(),
        std::tuple{
            field<&O::attributes>("names from the data set's list; drawn faces: empty for all of theirs"),
            field<&O::image_size>("side in pixels", rule::multiple_of(32)),
            field<&O::crop>("none, center, center:N or box:x,y,w,h, in pixels of the photo; empty: celeba center:170, others center"),
            field<&O::count>("use the first so many samples only; 0: all (drawn faces: 8000)", rule::kNotNegative),
            field<&O::cache>("decode every photo once into memory (3 S² bytes each, 4 S² with masks)"),
        });
  }
  /// @throws InvalidArgument for a crop in another form, or a data set without a root.
  SECGAN_API void check() const;
  /// `crop`, or the data set's usual one.
  std::string resolved_crop() const { return crop.empty() ? std::string(source.usual_crop()) : crop; }
};

/// @param with_attributes, with_masks  what the caller will read: the files of the rest are not asked for
/// @throws InvalidArgument or Error of the data set opened; FileNotFound that counts photos and masks of the split that are missing.
SECGAN_API std::shared_ptr<const Dataset> open_dataset(const DataSettings& settings, Split split, bool with_attributes, bool with_masks);
/// Also with samples whose files are missing: for check_data and count_attributes. Nothing is cached.
/// @param split  nullopt: all of them
SECGAN_API std::shared_ptr<const Dataset> open_to_check(const DataSettings& settings, std::optional<Split> split, bool with_attributes,
                                                        bool with_masks);

}  // namespace secgan
