#pragma once
/// So many requests a minute of each address.

#include <chrono>
#include <map>
#include <string>

namespace secgan::serve {

using Clock = std::chrono::steady_clock;

/// A bucket of a minute's requests for each address, which fills again as time goes by: a page may ask for much at once, and no one for
/// more in the long run. Used by one thread.
class RateLimit {
 public:
  /// @param per_minute  0: no limit
  explicit RateLimit(double per_minute) : most_(per_minute) {}

  /// Takes a request of an address.
  /// @return whole seconds until the next one may come; 0 where this one may
  int wait(const std::string& address, Clock::time_point now);

 private:
  struct Bucket {
    double left = 0;
    Clock::time_point filled;
  };
  double level(const Bucket& bucket, Clock::time_point now) const;

  double most_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace secgan::serve
