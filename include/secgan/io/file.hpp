#pragma once
/// Files whole or not at all.

#include <filesystem>
#include <string>
#include <string_view>

#include "secgan/core/export.hpp"

namespace secgan {

/// @throws FileNotFound when there is none, Error naming path and reason when it cannot be read.
SECGAN_API std::string read_file(const std::filesystem::path& path);

/// Writes to a temporary name in the same folder, syncs, renames. On failure (a full disk) the old file stays and no
/// temporary is left.  @throws Error naming path and reason.
SECGAN_API void write_file(const std::filesystem::path& path, std::string_view bytes);

/// A folder that appears whole: fill path(), then commit().
class SECGAN_API AtomicFolder {
 public:
  /// @throws Error when a folder beside `target` cannot be made.
  explicit AtomicFolder(std::filesystem::path target);
  /// Removes what was not committed.
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const std::filesystem::path& path() const { return temporary_; }
  /// Renames into place; an existing target is replaced.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
};

}  // namespace secgan
