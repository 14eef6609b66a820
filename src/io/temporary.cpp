#include "io/temporary.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "io/normal_form.hpp"
#include "secgan/core/error.hpp"

namespace secgan::detail {
namespace fs = std::filesystem;

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(value_, other.value_);
  return *this;
}

int Descriptor::release() { return std::exchange(value_, -1); }

std::string_view file_kind(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISLNK(mode)) return "a link";
  return S_ISREG(mode) ? "a file" : "a device";
}

void fail(const fs::path& path, std::string_view what, int error) {
  throw Error(fmt::format("'{}': {}: {}", path.string(), what, std::generic_category().message(error)));
}

void write_all(int file, std::string_view bytes, const fs::path& named) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::write(file, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno != EINTR) fail(named, "cannot be written", errno);
    if (written > 0) done += static_cast<size_t>(written);
  }
}

RegularFile::RegularFile(const fs::path& path, uint64_t limit) : path_(path) {
  struct stat about{};
  const auto look = [&](int result) {
    if (result != 0) {
      if (errno == ENOENT || errno == ENOTDIR)
        throw FileNotFound(fmt::format("'{}' is missing{}", path.string(), hint_of_other_form(path)));
      fail(path, "cannot be read", errno);
    }
    if (!S_ISREG(about.st_mode))
      throw Error(fmt::format("'{}' cannot be read: it is {}, not a file", path.string(), file_kind(about.st_mode)));
  };
  look(::stat(path.c_str(), &about));
  // Another thing may have the name by now: a pipe must not keep this process waiting.
  file_ = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  look(file_ ? ::fstat(file_.get(), &about) : -1);
  size_ = static_cast<uint64_t>(about.st_size);
  if (size_ > limit)
    throw Error(fmt::format("'{}' has {}, more than the {} that are read of such a file", path.string(), counted(size_, "byte"), limit));
}

size_t RegularFile::read(char* into, size_t size) const {
  for (;;) {
    const ssize_t got = ::read(file_.get(), into, size);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) fail(path_, "cannot be read", errno);
  }
}

std::string RegularFile::head() const {
  std::string bytes(4096, '\0');
  size_t size = 0;
  while (const size_t got = read(bytes.data() + size, bytes.size() - size)) size += got;
  bytes.resize(size);
  return bytes;
}

bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

NameLock::NameLock(const fs::path& path)
    : NameLock(path, Descriptor(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC))) {}

NameLock::NameLock(fs::path path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {
  if (!file_) return;
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0) {
    state_ = State::kHeld;
  } else if (errno == EWOULDBLOCK) {
    state_ = State::kTaken;
  }
}

bool NameLock::current() const {
  struct stat named{}, open{};
  return ::lstat(path_.c_str(), &named) == 0 && ::fstat(file_.get(), &open) == 0 && same_file(named, open);
}

namespace {

constexpr std::string_view kTemporaryBegin = ".secgan-", kTemporaryEnd = ".tmp";
constexpr size_t kTemporaryDigits = 16;

/// Whatever the target's name is, short enough for every file system.
std::string temporary_name() {
  std::random_device random;
  return fmt::format("{}{:08x}{:08x}{}", kTemporaryBegin, random(), random(), kTemporaryEnd);
}

bool is_temporary_name(std::string_view name) {
  if (!name.starts_with(kTemporaryBegin) || !name.ends_with(kTemporaryEnd)) return false;
  name.remove_prefix(kTemporaryBegin.size());
  name.remove_suffix(kTemporaryEnd.size());
  return name.size() == kTemporaryDigits && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// A lock that can be taken has no owner any more.
void remove_if_abandoned(const fs::path& path) {
  struct stat about{};
  if (::lstat(path.c_str(), &about) != 0 || about.st_uid != ::geteuid() || !(S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))) return;
  const NameLock lock(path);
  if (lock.state() != NameLock::State::kHeld || !lock.current()) return;
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

/// Once per folder and process: a folder of ten thousand results is not searched ten thousand times.
void remove_abandoned(const fs::path& folder) {
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);
  if (error || is_temporary_name(real.filename().native())) return;
  {
    static std::mutex mutex;
    static std::set<fs::path> seen;
    const std::scoped_lock guard(mutex);
    if (!seen.insert(real).second) return;
  }
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (is_temporary_name(at->path().filename().native())) remove_if_abandoned(at->path());
  }
}

}  // namespace

template <class Make>
Temporary Temporary::make(const fs::path& folder, const fs::path& named, Make&& make) {
  remove_abandoned(folder);
  constexpr int kTries = 100;
  for (int k = 0; k < kTries; ++k) {
    const fs::path path = folder / temporary_name();
    Descriptor open = make(path);
    if (!open) {
      if (errno == EEXIST) continue;
      fail(named, "cannot be written", errno);
    }
    NameLock lock(path, std::move(open));
    // Between its making and its lock it looked abandoned: somebody may have removed it.
    if (lock.state() != NameLock::State::kTaken && lock.current()) return {path, std::move(lock)};
  }
  throw Error(fmt::format("'{}': cannot be written: no free name beside it", named.string()));
}

Temporary Temporary::file(const fs::path& folder, const fs::path& named, mode_t mode) {
  return make(folder, named, [&](const fs::path& path) {
    return Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  });
}

Temporary Temporary::folder(const fs::path& folder, const fs::path& named) {
  return make(folder, named, [](const fs::path& path) {
    if (::mkdir(path.c_str(), 0777) != 0) return Descriptor();
    Descriptor open(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (open) return open;
    const int error = errno;
    ::rmdir(path.c_str());
    errno = error == ENOENT ? EEXIST : error;  // somebody removed it as abandoned: another one
    return open;
  });
}

Temporary::~Temporary() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Temporary::Temporary(Temporary&& other) noexcept : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

}  // namespace secgan::detail
