#include "secgan/io/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdio>
#include <new>
#include <optional>
#include <ranges>
#include <system_error>
#include <thread>
#include <utility>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "io/temporary.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/memory.hpp"

namespace secgan {
namespace fs = std::filesystem;
namespace {

using detail::Descriptor;
using detail::fail;
using detail::file_kind;
using detail::NameLock;
using detail::same_file;
using detail::Temporary;

void sync_folder(const fs::path& folder) {
  const Descriptor file(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file) ::fsync(file.get());
}

/// Before a large file is read into memory: that it fits there.
void require_memory(const fs::path& path, uint64_t size) {
  constexpr uint64_t kLarge = uint64_t{1} << 28;  // smaller ones are not worth the question
  if (size < kLarge) return;
  const std::optional<uint64_t> available = available_memory();
  if (available && size > *available)
    throw Error(fmt::format("'{}' has {}, more than the {} that memory has left", path.string(), counted(size, "byte"), *available));
}

bool is_link(const fs::path& path) {
  std::error_code ignored;
  return fs::is_symlink(fs::symlink_status(path, ignored));
}

/// What a name leads to at last, whether that is there or not.
fs::path followed(const fs::path& path) {
  fs::path file = path;
  constexpr int kMostLinks = 40;  // the kernel's own limit
  for (int k = 0; k < kMostLinks; ++k) {
    std::error_code error;
    const fs::path next = fs::read_symlink(file, error);
    if (error) return file;
    file = next.is_absolute() ? next : file.parent_path() / next;
  }
  fail(path, "cannot be written", ELOOP);
}

/// "a/b/" and "a/b" are one.
fs::path without_slash(const fs::path& path) { return path.has_filename() || path == path.root_path() ? path : path.parent_path(); }

/// A folder, or the lowest one above it that is there; those below could be made.
/// @param named  for messages
fs::path lowest_folder(const fs::path& folder, const fs::path& named) {
  for (fs::path at = without_slash(folder); !at.empty(); at = at.parent_path()) {
    struct stat about{};
    if (::stat(at.c_str(), &about) == 0) {
      if (S_ISDIR(about.st_mode)) return at;
      throw Error(fmt::format("'{}' cannot be written: '{}' is {}, not a folder", named.string(), at.string(), file_kind(about.st_mode)));
    }
    // ENOTDIR: the next one up is what is no folder.
    if (errno != ENOENT && errno != ENOTDIR) fail(named, "cannot be written", errno);
    if (is_link(at)) throw Error(fmt::format("'{}' cannot be written: '{}' is a link to nothing", named.string(), at.string()));
  }
  return ".";
}

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : "."; }

/// What write_file may have to replace: nothing, or a file.
/// @return whether one is there
bool look_at_target(const fs::path& path, struct stat& about) {
  if (::stat(path.c_str(), &about) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    fail(path, "cannot be written", errno);
  }
  if (!S_ISREG(about.st_mode))
    throw Error(fmt::format("'{}' cannot be written: it is {}, not a file", path.string(), file_kind(about.st_mode)));
  // Renaming over it would not ask.
  if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) fail(path, "cannot be written", errno);
  return true;
}

bool holds_current_folder(const struct stat& folder) {
  struct stat here{}, last{};
  for (std::string path = "."; ::stat(path.c_str(), &here) == 0 && !same_file(here, last); path += "/..") {
    if (same_file(here, folder)) return true;
    last = here;
  }
  return false;
}

bool is_mount_point(const fs::path& folder, const struct stat& about) {
#ifdef STATX_ATTR_MOUNT_ROOT
  struct statx more{};
  if (::statx(AT_FDCWD, folder.c_str(), 0, STATX_TYPE, &more) == 0 && (more.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0)
    return (more.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#endif
  struct stat above{};
  return ::stat((folder / "..").c_str(), &above) == 0 && above.st_dev != about.st_dev;
}

/// "holds 'x'", of a folder that is not empty.
std::string holds_anything(const fs::path& folder) {
  std::error_code error;
  const fs::directory_iterator at(folder, error);
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) return "";
  if (error) return fmt::format("cannot be read ({})", error.message());
  return at == fs::directory_iterator() ? "" : fmt::format("holds '{}'", at->path().filename().string());
}

std::string why_not(const fs::path& folder, const WhyNotReplace& why) {
  std::string reason = holds_anything(folder);
  if (!reason.empty() && why) reason = why(folder);
  return reason;
}

void refuse_if(const fs::path& folder, const std::string& reason) {
  if (!reason.empty()) throw Error(fmt::format("'{}' {}: it is left as it is; name another folder", folder.string(), reason));
}

/// An unset variable of a script must not mean the current folder.
void require_name(const fs::path& folder) {
  if (folder.empty()) throw InvalidArgument("a folder's name is empty");
}

/// The folder that a target means, links followed; what may never be replaced is refused.
fs::path place_of(const fs::path& target) {
  require_name(target);
  struct stat about{};
  if (::stat(target.c_str(), &about) == 0) {
    if (!S_ISDIR(about.st_mode)) throw Error(fmt::format("'{}' is {}, not a folder", target.string(), file_kind(about.st_mode)));
    if (holds_current_folder(about))
      throw Error(fmt::format("'{}' is the current folder or above it: name a folder inside it", target.string()));
    if (is_mount_point(target, about)) throw Error(fmt::format("'{}' is a mount point: name a folder inside it", target.string()));
    if (::faccessat(AT_FDCWD, target.c_str(), W_OK | X_OK, AT_EACCESS) != 0) fail(target, "cannot be written", errno);
    std::error_code error;
    fs::path real = fs::canonical(target, error);
    if (error) fail(target, "cannot be written", error.value());
    return real;
  }
  if (errno != ENOENT && errno != ENOTDIR) fail(target, "cannot be written", errno);
  const fs::path place = without_slash(target);
  if (is_link(place)) throw Error(fmt::format("'{}' is a link to nothing", place.string()));
  std::error_code error;
  const fs::path absolute = fs::absolute(place, error);
  return error ? place : absolute;
}

/// @param named  for messages   @return those that were not there, the highest first
std::vector<fs::path> make_folders(const fs::path& folder, const fs::path& named) {
  std::vector<fs::path> missing;
  const fs::path there = lowest_folder(folder, named);
  for (fs::path at = without_slash(folder); !at.empty() && at != there; at = at.parent_path()) missing.push_back(at);
  std::vector<fs::path> made;
  for (const fs::path& one : std::views::reverse(missing)) {
    if (::mkdir(one.c_str(), 0777) == 0) {
      made.push_back(one);
    } else if (errno != EEXIST) {
      fail(named, "cannot be written", errno);
    }
  }
  return made;
}

/// Only what is empty still.
void remove_folders(const std::vector<fs::path>& made) {
  for (const fs::path& one : std::views::reverse(made)) ::rmdir(one.c_str());
}

void try_to_write(const fs::path& folder, const fs::path& named) {
  // A trial says more than permissions do.
  const Temporary trial = Temporary::file(lowest_folder(folder, named), named, 0600);
}

/// Both names at once; ENOSYS or EINVAL where the system or the file system cannot.
int exchange_names(const fs::path& a, const fs::path& b) {
#ifdef RENAME_EXCHANGE
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
#else
  errno = ENOSYS;
  return -1;
#endif
}

}  // namespace

std::string read_file(const fs::path& path, uint64_t limit) {
  const detail::RegularFile file(path, limit);
  require_memory(path, file.size());
  std::string bytes;
  try {
    bytes.resize(file.size() + 1);  // one more, to see the end; some files of /proc say 0 and hold more
    size_t done = 0;
    while (const size_t got = file.read(bytes.data() + done, bytes.size() - done)) {
      done += got;
      if (done > limit) throw Error(fmt::format("'{}' has more bytes than the {} that are read of such a file", path.string(), limit));
      if (done == bytes.size()) bytes.resize(2 * bytes.size());
    }
    bytes.resize(done);
  } catch (const std::bad_alloc&) {
    throw Error(fmt::format("'{}' of {} does not fit into memory", path.string(), counted(file.size(), "byte")));
  }
  return bytes;
}

void require_readable_file(const fs::path& path) { const detail::RegularFile file(path, std::numeric_limits<uint64_t>::max()); }

void write_file(const fs::path& path, std::string_view bytes) {
  write_file(path, [&](const auto& append) { append(bytes); });
}

void write_file(const fs::path& path, const std::function<void(const std::function<void(std::string_view)>&)>& content) {
  struct stat old{};
  const bool replaces = look_at_target(path, old);
  const fs::path target = followed(path);
  // What is private stays so while it is written.
  Temporary temporary = Temporary::file(folder_of(target), path, replaces ? 0600 : 0666);
  const int file = temporary.descriptor();
  const auto check = [&](bool good) {
    if (!good) fail(path, "cannot be written", errno);
  };
  content([&](std::string_view bytes) { detail::write_all(file, bytes, path); });
  if (replaces) {
    if (::fchown(file, old.st_uid, old.st_gid) != 0) errno = 0;  // root's to give away, others keep their own
    check(::fchmod(file, old.st_mode & 0777) == 0);
  }
  check(::fsync(file) == 0);
  check(::rename(temporary.path().c_str(), target.c_str()) == 0);
  temporary.release();
  sync_folder(target.parent_path());
}

void make_folder(const fs::path& path) { make_folders(path, path); }

void require_writable_file(const fs::path& path) {
  struct stat about{};
  look_at_target(path, about);
  if (!path.has_filename()) fail(path, "cannot be written", EISDIR);
  try_to_write(folder_of(followed(path)), path);
}

void require_writable_folder(const fs::path& path) {
  require_name(path);
  try_to_write(path, path);
}

void require_own_place(const fs::path& folder, const std::vector<std::string>& names, bool own) {
  require_writable_folder(folder);
  for (const std::string& name : names) {
    std::error_code ignored;
    if (!own && fs::exists(fs::symlink_status(folder / name, ignored)))
      throw Error(fmt::format("'{}' holds '{}', which this command did not make: choose another folder", folder.string(), name));
  }
}

void require_replaceable(const fs::path& target, const WhyNotReplace& why) {
  const fs::path place = place_of(target);
  refuse_if(target, why_not(place, why));
  try_to_write(folder_of(place), target);
}

AtomicFolder::AtomicFolder(const fs::path& target, WhyNotReplace why) : why_(std::move(why)) {
  require_replaceable(target, why_);
  target_ = place_of(target);
  made_ = make_folders(folder_of(target_), target);
  try {
    temporary_ = std::make_unique<Temporary>(Temporary::folder(folder_of(target_), target));
    // What is private stays so while it is filled.
    struct stat old{};
    if (::stat(target_.c_str(), &old) == 0) ::chmod(path().c_str(), old.st_mode & 07777);
  } catch (const Error&) {
    remove_folders(made_);
    throw;
  }
}

AtomicFolder::~AtomicFolder() {
  temporary_.reset();
  remove_folders(made_);
}

const fs::path& AtomicFolder::path() const { return temporary_->path(); }

void AtomicFolder::commit() {
  sync_folder(path());
  // This takes a free name or an empty folder and nothing else. Others may fill or free the place at any moment.
  while (::rename(path().c_str(), target_.c_str()) != 0) {
    if (errno != ENOTEMPTY && errno != EEXIST) fail(target_, "cannot be written", errno);
    if (exchange()) break;
  }
  temporary_->release();
  sync_folder(target_.parent_path());
  made_.clear();
}

/// @return false where the place has changed under way
bool AtomicFolder::exchange() {
  // Whoever holds the folder that is there is about to give it its name, or to take it away.
  constexpr int kTries = 2000;
  for (int k = 0; k < kTries; ++k) {
    const NameLock old(target_);
    if (old.state() == NameLock::State::kTaken) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      continue;
    }
    refuse_if(target_, why_not(target_, why_));
    if (!old.current()) return false;
    if (exchange_names(path(), target_) == 0) {
      // What came between the look and the exchange is the user's too.
      const std::string reason = why_not(path(), why_);
      if (!reason.empty() && exchange_names(path(), target_) != 0) temporary_->release();  // it stays here, rather than be removed
      refuse_if(target_, reason);
    } else {
      if (errno != ENOSYS && errno != EINVAL) fail(target_, "cannot be written", errno);
      // In two steps, by a name that is nobody's to clean up: a process that is killed between them leaves the old folder there.
      const fs::path aside = target_.parent_path() / (path().filename().string() + ".old");
      if (::rename(target_.c_str(), aside.c_str()) != 0) fail(target_, "cannot be written", errno);
      if (::rename(path().c_str(), target_.c_str()) != 0) {
        const int error = errno;
        ::rename(aside.c_str(), target_.c_str());
        fail(target_, "cannot be written", error);
      }
      ::rename(aside.c_str(), path().c_str());
    }
    std::error_code ignored;
    fs::remove_all(path(), ignored);
    return true;
  }
  throw Error(fmt::format("'{}' is held by another process that writes it", target_.string()));
}

}  // namespace secgan
