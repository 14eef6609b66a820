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

/// Every picture in a folder and below it, relative, sorted by name; what is hidden is left out. Links are followed, and a folder that
/// is met again is not entered.
/// @param skip  a folder to leave out; empty: none
/// @throws Error naming a folder that cannot be listed.
SECGAN_API std::vector<std::string> pictures_below(const std::filesystem::path& folder, const std::filesystem::path& skip = {});

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
