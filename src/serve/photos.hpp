#pragma once
/// Photos that were opened, in memory alone.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "secgan/editing/editor.hpp"
#include "serve/rate_limit.hpp"

namespace secgan::serve {

struct OpenedPhoto {
  at::Tensor photo;  ///< [3, H, W] uint8
  SeenPhoto seen;

  int64_t pixels() const { return photo.size(1) * photo.size(2); }
};

/// What is kept at most; the photo that was used longest ago goes first.
struct PhotoLimits {
  size_t photos = 64;
  int64_t pixels = 160'000'000;  ///< in all: 480 MB
  std::chrono::minutes unused{30};
};

/// By ids that nobody guesses: 128 random bits, in hexadecimal digits. Used by several threads.
class Photos {
 public:
  explicit Photos(const PhotoLimits& limits = {}) : limits_(limits) {}

  /// @return its id
  std::string add(OpenedPhoto photo, Clock::time_point now);
  /// Counts as use.  @return empty for an id that is unknown, or was forgotten
  std::shared_ptr<const OpenedPhoto> find(std::string_view id, Clock::time_point now);
  /// @return whether it was there
  bool forget(std::string_view id);
  /// Those that nobody used for long.
  void forget_unused(Clock::time_point now);
  size_t size() const;

 private:
  struct Kept {
    std::string id;
    std::shared_ptr<const OpenedPhoto> photo;
    Clock::time_point used;
  };
  std::list<Kept>::iterator place(std::string_view id);

  PhotoLimits limits_;
  mutable std::mutex mutex_;
  std::list<Kept> kept_;  ///< last used first
  int64_t pixels_ = 0;
};

}  // namespace secgan::serve
