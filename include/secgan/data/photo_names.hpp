#pragma once
/// Photos by the names that lists, masks and people give them.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "secgan/core/export.hpp"

namespace secgan {

/// Whether a name ends as pictures do that read_image reads: .jpg, .jpeg, .png, .webp, .tif, .tiff or .bmp, in any case.
SECGAN_API bool names_a_picture(std::string_view name);
/// Whether it ends as pictures do that it does not read: .heic, .avif, .gif, cameras' raw files and their like.
SECGAN_API bool names_an_unread_picture(std::string_view name);
SECGAN_API bool names_a_png(std::string_view name);
/// The name without such an ending.
SECGAN_API std::string_view without_picture_ending(std::string_view name);

/// Finds names among others, as they are meant: the very same before the same with another picture ending (lists say .jpg of packages
/// that hold .png); a name with folders before the same without the first of them; one without folders also as the only one so called
/// in any folder.
class SECGAN_API PhotoNames {
 public:
  /// @param names  with '/' between their parts
  explicit PhotoNames(std::vector<std::string> names);
  PhotoNames(PhotoNames&&) = default;  // what is indexed stays in place; copies of it would not
  PhotoNames& operator=(PhotoNames&&) = default;
  PhotoNames(const PhotoNames&) = delete;
  PhotoNames& operator=(const PhotoNames&) = delete;
  ~PhotoNames() = default;

  const std::vector<std::string>& names() const { return names_; }
  /// Its position among the names.  @throws Error where two are meant equally.
  std::optional<size_t> find(std::string_view name) const;

 private:
  /// Positions by a key that several may share.
  struct Index {
    std::unordered_map<std::string_view, size_t> last;
    std::vector<size_t> before;  ///< of each position, the one of the same key before it
    void add(std::string_view key, size_t position);
  };
  std::optional<size_t> find(const Index& index, std::string_view key, std::string_view name) const;

  std::vector<std::string> names_;
  Index stems_, bare_;  // without ending; without folders either
};

}  // namespace secgan
