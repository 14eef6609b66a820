#pragma once
/// One switch for every fast path of the library, to compare a fast path with the plain one, or to rule it out. A fast path computes what
/// the plain composition of LibTorch's ops computes, to rounding; docs/performance.md names them.

#include <atomic>
#include <cstdlib>
#include <string_view>

#include "secgan/core/error.hpp"
#include "secgan/core/export.hpp"

namespace secgan {

namespace detail {
/// One for the process, whichever library asks: hence visible.
SECGAN_API inline std::atomic<bool>& fast_paths_switch() {
  static std::atomic<bool> enabled = [] {
    const char* const given = std::getenv("SECGAN_FAST_PATHS");  // NOLINT(concurrency-mt-unsafe): nobody here sets variables
    const std::string_view value = given == nullptr ? "" : given;
    if (value != "" && value != "0" && value != "1") {
      throw InvalidArgument("SECGAN_FAST_PATHS must be 0 or 1, found '" + std::string(value) + "'");
    }
    return value != "0";
  }();
  return enabled;
}
}  // namespace detail

/// Whether fast paths may be taken: yes, unless the environment variable SECGAN_FAST_PATHS is 0 or a guard says otherwise.
/// @throws InvalidArgument where the variable is neither 0 nor 1
inline bool fast_paths() { return detail::fast_paths_switch().load(std::memory_order_relaxed); }

/// While it lives, fast paths are on or off, in every thread of the process; then as before. What was built within it, such as a graph for
/// the backward pass, stays as it was built.
class FastPathsGuard {
 public:
  explicit FastPathsGuard(bool enabled) : before_(detail::fast_paths_switch().exchange(enabled)) {}
  ~FastPathsGuard() { detail::fast_paths_switch().store(before_); }
  FastPathsGuard(const FastPathsGuard&) = delete;
  FastPathsGuard& operator=(const FastPathsGuard&) = delete;

 private:
  bool before_;
};

}  // namespace secgan
