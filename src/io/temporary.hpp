#pragma once
/// Descriptors, and hidden names beside a result that are held with a lock while their owner lives.

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

#include "secgan/core/export.hpp"

namespace secgan::detail {

class SECGAN_API Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : value_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  explicit operator bool() const { return value_ >= 0; }
  int get() const { return value_; }
  int release();

 private:
  int value_;
};

/// "a folder", "a pipe", …
std::string_view file_kind(mode_t mode);

/// @throws Error "'path': what: reason"
[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what, int error);

/// All of the bytes into an open file.  @param named  for messages   @throws Error
SECGAN_API void write_all(int file, std::string_view bytes, const std::filesystem::path& named);

/// A file that is open for reading, and nothing but a file.
class SECGAN_API RegularFile {
 public:
  /// @throws FileNotFound, or Error: of another kind, larger than the limit, unreadable.
  RegularFile(const std::filesystem::path& path, uint64_t limit);

  uint64_t size() const { return size_; }
  int descriptor() const { return file_.get(); }
  /// Up to `size` bytes; 0 at the end.
  size_t read(char* into, size_t size) const;
  /// The first 4096 bytes, or all of a smaller file, where nothing was read before.
  std::string head() const;

 private:
  std::filesystem::path path_;
  uint64_t size_ = 0;
  Descriptor file_;
};

/// One name, and the inode that it stood for.
bool same_file(const struct stat& a, const struct stat& b);

/// An exclusive lock on what a path names now; never waits.
class SECGAN_API NameLock {
 public:
  enum class State { kHeld, kTaken, kUnsupported };

  /// Opens a file or folder, never through a link.
  explicit NameLock(const std::filesystem::path& path);
  /// Takes over what is open.
  NameLock(std::filesystem::path path, Descriptor file);

  State state() const { return state_; }
  /// The path names what is locked, still.
  bool current() const;
  int get() const { return file_.get(); }

 private:
  std::filesystem::path path_;
  Descriptor file_;
  State state_ = State::kUnsupported;
};

/// A fresh file or folder in a folder, under a name that cannot be guessed. Who makes one also removes those of dead processes there.
class SECGAN_API Temporary {
 public:
  /// @param named  for messages   @param mode  before the umask
  /// @throws Error
  static Temporary file(const std::filesystem::path& folder, const std::filesystem::path& named, mode_t mode);
  static Temporary folder(const std::filesystem::path& folder, const std::filesystem::path& named);
  /// Removes what has the name, unless it was released.
  ~Temporary();
  Temporary(Temporary&& other) noexcept;
  Temporary& operator=(Temporary&&) = delete;
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return lock_.get(); }
  /// It has another name now, or is gone: nobody's to remove or to wait for.
  void release() {
    path_.clear();
    lock_ = NameLock({}, Descriptor());
  }

 private:
  Temporary(std::filesystem::path path, NameLock lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  template <class Make>
  static Temporary make(const std::filesystem::path& folder, const std::filesystem::path& named, Make&& make);

  std::filesystem::path path_;
  NameLock lock_;
};

}  // namespace secgan::detail
