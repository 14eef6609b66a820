#pragma once
/// Files and folders whole or not at all; what is the user's stays.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"

namespace secgan {
namespace detail {
class Temporary;
}

/// What text that is read whole may have: settings, descriptions, reports, lists of photos.
inline constexpr uint64_t kMostText = uint64_t{1} << 30;

/// The bytes of a file. Its kind and size are looked at before a byte is read: a folder, pipe, device or socket is refused without being
/// opened.
/// @param limit  most bytes that the caller has a use for; what is larger than the memory that is left is refused in any case
/// @throws FileNotFound when there is none, Error naming path and reason when it cannot be read.
SECGAN_API std::string read_file(const std::filesystem::path& path, uint64_t limit = std::numeric_limits<uint64_t>::max());

/// The same refusals for a file that somebody else reads by its name.
SECGAN_API void require_readable_file(const std::filesystem::path& path);

/// Writes beside the file, syncs, renames: the old file or the new one is there at every moment, and on failure (a full disk) nothing else.
/// A link is followed; a file that is there keeps its mode.
/// @throws Error naming path and reason: no folder, no permission, or a folder, pipe, device or socket under that name.
SECGAN_API void write_file(const std::filesystem::path& path, std::string_view bytes);
/// The same of content that is too large to be held at once.
/// @param content  is called once with a function that appends bytes; what it throws leaves nothing
SECGAN_API void write_file(const std::filesystem::path& path,
                           const std::function<void(const std::function<void(std::string_view bytes)>& append)>& content);

/// With the folders above it; one that is there is left as it is.  @throws Error naming path and reason.
SECGAN_API void make_folder(const std::filesystem::path& path);

/// Before long work: that write_file will be able to write there, where the folders above may have to be made first. Nothing stays of the
/// trial.
/// @throws Error naming path and reason.
SECGAN_API void require_writable_file(const std::filesystem::path& path);
/// That files can be made in the folder, which may have to be made first.
SECGAN_API void require_writable_folder(const std::filesystem::path& path);

/// Before long work that will write `names` into a folder: that it can, and takes no name from anybody.
/// @param own  the folder is known as one that an earlier call has filled
/// @throws Error naming what is there.
SECGAN_API void require_own_place(const std::filesystem::path& folder, const std::vector<std::string>& names, bool own);

/// Says of a folder that is not empty why it must stay, as "holds 'thesis.tex', which is no part of a bundle"; "" where it may be replaced.
using WhyNotReplace = std::function<std::string(const std::filesystem::path& folder)>;

/// Before long work: that an AtomicFolder can take this place. Free are a name that nothing has, an empty folder, and one that `why` has
/// nothing against. Never replaced: a file, a mount point, the current folder and those above it.
/// @param why  empty: a folder that holds anything stays
/// @throws Error saying what is there.
SECGAN_API void require_replaceable(const std::filesystem::path& target, const WhyNotReplace& why = {});

/// A folder that appears whole: fill path(), then commit(). Several may aim at one target, in threads and processes: each replaces the
/// other whole. What a killed process leaves is removed when the next one writes to the folder above.
class SECGAN_API AtomicFolder {
 public:
  /// A link to a folder is followed. Folders above it are made.
  /// @throws as require_replaceable, and Error when a folder beside `target` cannot be made.
  explicit AtomicFolder(const std::filesystem::path& target, WhyNotReplace why = {});
  /// Removes what was not committed.
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const std::filesystem::path& path() const;
  /// Into its place; a folder that may be replaced is exchanged, so that one of both is there at every moment.
  /// @throws as the constructor: what the place holds is asked again.
  void commit();

 private:
  bool exchange();

  std::filesystem::path target_;
  WhyNotReplace why_;
  std::vector<std::filesystem::path> made_;  // folders above it
  std::unique_ptr<detail::Temporary> temporary_;
};

}  // namespace secgan
