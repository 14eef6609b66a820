#include "serve/rate_limit.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace secgan::serve {
namespace {

constexpr size_t kMostAddresses = 16384;
constexpr double kMinute = 60;

}  // namespace

double RateLimit::level(const Bucket& bucket, Clock::time_point now) const {
  return std::min(most_, bucket.left + std::chrono::duration<double>(now - bucket.filled).count() * most_ / kMinute);
}

int RateLimit::wait(const std::string& address, Clock::time_point now) {
  if (most_ <= 0) return 0;
  if (buckets_.size() >= kMostAddresses && !buckets_.contains(address)) {
    // Full buckets say nothing. Where all of them say something, so many addresses ask that this limit is no help.
    std::erase_if(buckets_, [&](const auto& one) { return level(one.second, now) >= most_; });
    if (buckets_.size() >= kMostAddresses) buckets_.clear();
  }
  Bucket& bucket = buckets_.try_emplace(address, Bucket{most_, now}).first->second;
  bucket = {level(bucket, now), now};
  constexpr double kRounding = 1e-9;
  if (bucket.left < 1 - kRounding) return static_cast<int>(std::ceil((1 - bucket.left) * kMinute / most_ - kRounding));
  bucket.left -= 1;
  return 0;
}

}  // namespace secgan::serve
