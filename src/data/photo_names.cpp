#include "secgan/data/photo_names.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

constexpr size_t kNone = std::string_view::npos;

bool ends_as(std::string_view name, std::string_view ending) {
  const auto lower = [](unsigned char c) { return static_cast<char>(std::tolower(c)); };
  return name.size() > ending.size() && std::ranges::equal(name.substr(name.size() - ending.size()), ending, {}, lower);
}

size_t picture_ending(std::string_view name) {
  for (const std::string_view ending : {".jpg", ".png", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}) {
    if (ends_as(name, ending)) return name.size() - ending.size();
  }
  return kNone;
}

constexpr std::array<std::string_view, 25> kUnread{".heic", ".heif", ".avif", ".gif", ".jxl", ".jp2", ".psd", ".dng", ".cr2",
                                                   ".cr3",  ".crw",  ".nef",  ".arw", ".raf", ".orf", ".rw2", ".srw", ".pef",
                                                   ".3fr",  ".kdc",  ".dcr",  ".mos", ".mrw", ".x3f", ".iiq"};

std::string_view without_folders(std::string_view name) { return name.substr(name.rfind('/') + 1); }

}  // namespace

bool names_a_picture(std::string_view name) { return picture_ending(name) != kNone; }
bool names_an_unread_picture(std::string_view name) {
  return std::ranges::any_of(kUnread, [&](std::string_view ending) { return ends_as(name, ending); });
}
bool names_a_png(std::string_view name) { return ends_as(name, ".png"); }
std::string_view without_picture_ending(std::string_view name) { return name.substr(0, picture_ending(name)); }

void PhotoNames::Index::add(std::string_view key, size_t position) {
  const auto [place, fresh] = last.emplace(key, position);
  before.push_back(fresh ? kNone : std::exchange(place->second, position));
}

PhotoNames::PhotoNames(std::vector<std::string> names) : names_(std::move(names)) {
  const bool folders = std::ranges::any_of(names_, [](const std::string& name) { return name.find('/') != kNone; });
  stems_.last.reserve(names_.size());
  stems_.before.reserve(names_.size());
  for (size_t i = 0; i < names_.size(); ++i) stems_.add(without_picture_ending(names_[i]), i);
  if (!folders) return;
  for (size_t i = 0; i < names_.size(); ++i) bare_.add(without_folders(without_picture_ending(names_[i])), i);
}

std::optional<size_t> PhotoNames::find(const Index& index, std::string_view key, std::string_view name) const {
  const auto found = index.last.find(key);
  if (found == index.last.end()) return std::nullopt;
  size_t same = kNone;
  for (size_t at = found->second; at != kNone; at = index.before[at]) {
    const std::string& known = names_[at];
    if (without_folders(known) != without_folders(name)) continue;
    if (same != kNone) throw Error(fmt::format("'{}' may be '{}' or '{}'", name, known, names_[same]));
    same = at;
  }
  if (same != kNone) return same;
  if (const size_t other = index.before[found->second]; other != kNone)
    throw Error(fmt::format("'{}' may be '{}' or '{}'", name, names_[other], names_[found->second]));
  return found->second;
}

std::optional<size_t> PhotoNames::find(std::string_view name) const {
  const std::string_view stem = without_picture_ending(name);
  for (size_t begin = 0;; begin = stem.find('/', begin) + 1) {
    if (const auto found = find(stems_, stem.substr(begin), name)) return found;
    if (stem.find('/', begin) == kNone) break;
  }
  return name.find('/') == kNone ? find(bare_, stem, name) : std::nullopt;
}

}  // namespace secgan
