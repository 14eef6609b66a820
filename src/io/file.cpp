#include "secgan/io/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace fs = std::filesystem;
namespace {

fs::path temporary_beside(const fs::path& target) {
  return target.parent_path() / fmt::format(".{}.{}.tmp", target.filename().string(), ::getpid());
}

[[noreturn]] void fail(const fs::path& path, const char* what, int error) {
  throw Error(fmt::format("'{}': {}: {}", path.string(), what, std::generic_category().message(error)));
}

void sync_folder(const fs::path& folder) {
  const int file = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return;
  ::fsync(file);
  ::close(file);
}

}  // namespace

std::string read_file(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) throw FileNotFound(fmt::format("'{}' is missing", path.string()));
  if (fs::is_directory(path, ignored)) throw Error(fmt::format("'{}' is a folder, not a file", path.string()));
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  if (!file || !(bytes << file.rdbuf())) {
    if (file && fs::file_size(path, ignored) == 0) return {};
    fail(path, "cannot be read", errno);
  }
  return std::move(bytes).str();
}

void write_file(const fs::path& path, std::string_view bytes) {
  const fs::path temporary = temporary_beside(path);
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) fail(path, "cannot be written", errno);
  const auto abandon = [&](int error) {
    ::close(file);
    ::unlink(temporary.c_str());
    fail(path, "cannot be written", error);
  };
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::write(file, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) abandon(errno);
    done += static_cast<size_t>(written);
  }
  if (::fsync(file) != 0) abandon(errno);
  // Some file systems report a full disk only here.
  if (::close(file) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    fail(path, "cannot be written", error);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    fail(path, "cannot be written", error);
  }
  sync_folder(path.parent_path());
}

AtomicFolder::AtomicFolder(fs::path target) : target_(std::move(target)) {
  if (target_.filename().empty()) target_ = target_.parent_path();  // "folder/"
  temporary_ = temporary_beside(target_);
  std::error_code error;
  if (!target_.parent_path().empty()) fs::create_directories(target_.parent_path(), error);
  fs::remove_all(temporary_, error);
  fs::create_directory(temporary_, error);
  if (error) throw Error(fmt::format("'{}': cannot be written: {}", target_.string(), error.message()));
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void AtomicFolder::commit() {
  std::error_code error;
  sync_folder(temporary_);
  const fs::path old = fs::path(temporary_).concat(".old");
  const bool replaces = fs::exists(target_);
  if (replaces) fs::rename(target_, old, error);
  if (!error) {
    fs::rename(temporary_, target_, error);
    if (error && replaces) {
      std::error_code ignored;
      fs::rename(old, target_, ignored);
    }
  }
  if (error) throw Error(fmt::format("'{}': cannot be written: {}", target_.string(), error.message()));
  std::error_code ignored;
  fs::remove_all(old, ignored);
  sync_folder(target_.parent_path());
  temporary_.clear();
}

}  // namespace secgan
