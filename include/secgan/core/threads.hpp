#pragma once
/// The process's CPU threads belong to the application: the library changes their number within a call at most.

#include <cstdint>

#include "secgan/core/export.hpp"

namespace secgan {

/// While it lives, LibTorch computes with so many threads; then with as many as before.
class SECGAN_API ThreadGuard {
 public:
  /// @param threads  0: as the process has them
  explicit ThreadGuard(int64_t threads);
  ~ThreadGuard();
  ThreadGuard(const ThreadGuard&) = delete;
  ThreadGuard& operator=(const ThreadGuard&) = delete;

 private:
  int before_;
};

}  // namespace secgan
