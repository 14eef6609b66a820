#pragma once
/// Where the parts of a data set lie: packages of the same data differ in folders, nesting and endings.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

/// @throws FileNotFound, or Error for what is no folder.
void require_folder(const std::filesystem::path& folder);

/// What a folder holds, and folders below it.
struct Pictures {
  std::vector<std::string> files;   ///< pictures that can be read, by their endings; relative, sorted by name
  std::vector<std::string> others;  ///< pictures of kinds that cannot, as HEIC and GIF; the same
};
/// What is hidden is left out. Links are followed, and a folder that is met again is not entered.
/// @param skip  a folder to leave out; empty: none
/// @throws Error naming a folder that cannot be listed.
SECGAN_API Pictures look_for_pictures(const std::filesystem::path& folder, const std::filesystem::path& skip = {});
/// The files alone.
SECGAN_API std::vector<std::string> pictures_below(const std::filesystem::path& folder, const std::filesystem::path& skip = {});
/// One line on a folder without any.
SECGAN_API std::string no_photo_in(const std::filesystem::path& folder, const std::vector<std::string>& others);
/// One line on pictures that are ignored.
SECGAN_API std::string note_on_others(const std::filesystem::path& folder, const std::vector<std::string>& others);

/// The first of the places in root that exists; a note tells of a second.
/// @throws FileNotFound that lists them, and says where else they are.
std::filesystem::path find_place(const std::filesystem::path& root, const std::vector<std::string>& places, std::vector<DataNote>& notes);

/// A folder of a data set, and the pictures below it.
struct PictureFolder {
  std::filesystem::path folder;
  std::vector<std::string> files;
};
/// The first of the places in root that covers all samples, else the one that covers most: an empty or half-copied folder must not hide a
/// good one. A note tells of others that hold pictures.
/// @param covered  for how many of the `all` samples these files stand
/// @throws FileNotFound where none does for any.
PictureFolder find_pictures(const std::filesystem::path& root, const std::vector<std::string>& places, size_t all,
                            const std::function<size_t(const PictureFolder& found)>& covered, std::vector<DataNote>& notes);

}  // namespace secgan
