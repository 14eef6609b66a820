#include "data/places.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/some_of.hpp"
#include "io/normal_form.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/photo_names.hpp"

namespace secgan {
namespace fs = std::filesystem;
namespace {

using FolderIdentity = std::pair<uint64_t, uint64_t>;

FolderIdentity identity_of(const fs::path& folder) {
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino};
}

void collect(const fs::path& folder, const std::string& prefix, std::set<FolderIdentity>& entered, Pictures& found) {
  if (!entered.insert(identity_of(folder)).second) return;
  std::vector<std::string> folders;
  std::error_code error, ignored;
  for (fs::directory_iterator at(folder, error); !error && at != fs::directory_iterator(); at.increment(error)) {
    std::string name = at->path().filename().string();
    if (name.starts_with('.') || name == "__MACOSX") continue;
    if (at->is_directory(ignored)) {
      folders.push_back(std::move(name));
    } else if (names_a_picture(name)) {
      found.files.push_back(prefix + name);
    } else if (names_an_unread_picture(name)) {
      found.others.push_back(prefix + name);
    }
  }
  if (error) throw Error(fmt::format("'{}' cannot be listed: {}", folder.string(), error.message()));
  std::ranges::sort(folders);
  for (const std::string& name : folders) collect(folder / name, prefix + name + "/", entered, found);
}

/// The folders in which people keep looking for a data set: one too high, one too low.
std::vector<fs::path> neighbors(const fs::path& root) {
  std::vector<fs::path> found;
  std::error_code error, ignored;
  for (fs::directory_iterator at(root, error); !error && at != fs::directory_iterator(); at.increment(error)) {
    if (at->is_directory(ignored)) found.push_back(at->path());
  }
  std::ranges::sort(found);
  found.push_back((root / "..").lexically_normal());
  return found;
}

[[noreturn]] void fail_to_find(const fs::path& root, const std::vector<std::string>& places) {
  std::string message = fmt::format("'{}' has no {}", root.string(), fmt::join(places, " or "));
  std::error_code ignored;
  for (const fs::path& folder : neighbors(root)) {
    if (std::ranges::any_of(places, [&](const std::string& place) { return fs::exists(folder / place, ignored); })) {
      message += fmt::format("; '{}' has: give that as root", folder.string());
      break;
    }
  }
  throw FileNotFound(message);
}

}  // namespace

void require_folder(const fs::path& folder) {
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) return;
  if (fs::exists(folder, ignored)) throw Error(fmt::format("'{}' is a file, not the data set's folder", folder.string()));
  throw FileNotFound(fmt::format("data set folder '{}' is missing{}", folder.string(), detail::hint_of_other_form(folder)));
}

Pictures look_for_pictures(const fs::path& folder, const fs::path& skip) {
  Pictures found;
  std::set<FolderIdentity> entered;
  if (!skip.empty()) entered.insert(identity_of(skip));
  collect(folder, "", entered, found);
  std::ranges::sort(found.files);
  std::ranges::sort(found.others);
  return found;
}

std::vector<std::string> pictures_below(const fs::path& folder, const fs::path& skip) { return look_for_pictures(folder, skip).files; }

std::string no_photo_in(const fs::path& folder, const std::vector<std::string>& others) {
  return fmt::format("'{}' holds no photo (.jpg, .png, .webp, .tif, .bmp), nor do its subfolders{}", folder.string(),
                     others.empty() ? "" : fmt::format("; {} cannot be read: save them as JPEG or PNG", some_of(others)));
}

std::string note_on_others(const fs::path& folder, const std::vector<std::string>& others) {
  return fmt::format("'{}': {} ignored, of other kinds than JPEG, PNG, WebP, TIFF and BMP: {}", folder.string(),
                     counted(others.size(), "picture is", "pictures are"), some_of(others));
}

fs::path find_place(const fs::path& root, const std::vector<std::string>& places, std::vector<DataNote>& notes) {
  std::error_code ignored;
  std::vector<std::string> there;
  std::ranges::copy_if(places, std::back_inserter(there), [&](const std::string& place) { return fs::exists(root / place, ignored); });
  if (there.empty()) fail_to_find(root, places);
  if (there.size() > 1) notes.push_back({fmt::format("'{}': {} is read, not {}", root.string(), there[0], there[1])});
  return root / there[0];
}

PictureFolder find_pictures(const fs::path& root, const std::vector<std::string>& places, size_t all,
                            const std::function<size_t(const PictureFolder& found)>& covered, std::vector<DataNote>& notes) {
  std::error_code ignored;
  PictureFolder best;
  size_t most = 0;
  std::vector<std::string> empty, others;
  for (const std::string& place : places) {
    if (!fs::is_directory(root / place, ignored)) continue;
    PictureFolder found{root / place, {}};
    if (most < all) found.files = pictures_below(found.folder);
    const size_t covers = most < all ? covered(found) : 0;
    if (covers > most) {
      if (most > 0) others.push_back(best.folder.filename().string());
      best = std::move(found);
      most = covers;
    } else {
      (most < all && covers == 0 ? empty : others).push_back(place);
    }
  }
  if (most == 0 && !empty.empty())
    throw FileNotFound(fmt::format("'{}' holds none of the data set's pictures", (root / empty[0]).string()));
  if (most == 0) fail_to_find(root, places);
  if (!others.empty()) {
    notes.push_back({fmt::format("'{}': pictures are read from {}, not from {}", root.string(),
                                 best.folder.lexically_relative(root).string(), fmt::join(others, ", "))});
  }
  return best;
}

}  // namespace secgan
