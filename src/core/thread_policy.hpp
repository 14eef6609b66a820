#pragma once
/// When to measure and what to choose, apart from clock and threads.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace secgan {

class ThreadPolicy {
 public:
  using Clock = std::function<double()>;         ///< seconds
  using Probe = std::function<double(int64_t)>;  ///< seconds of a fixed piece of work with so many threads

  /// @param most  at least 1
  ThreadPolicy(int64_t most, Clock now, Probe probe) : now_(std::move(now)), probe_(std::move(probe)) {
    for (int64_t count = most; count > 1; count /= 2) candidates_.push_back(count);
    candidates_.push_back(1);
  }

  /// @return threads of the step that begins now
  int64_t next() {
    if (candidates_.size() == 1) return count_ = 1;
    const double begin = now_();
    if (count_ == 0) {
      count_ = fastest(/*current=*/0);
    } else {
      const double step = begin - step_begin_;
      const double since = begin - measured_;
      const bool slow = count_ > 1 && step > kSlowStep * shortest_;
      shortest_ = std::min(shortest_, step);
      // Measuring may cost a hundredth of the time; a tenth in the beginning, as one look may deceive, and when something seems wrong.
      if (since > patience_ * cost_ || (slow && since > 10 * cost_)) {
        patience_ = std::min(2 * patience_, 100.0);
        // One disturbed measurement changes nothing: another number of threads gives other last bits.
        if (const int64_t better = fastest(count_); better != count_ && fastest(count_) == better) {
          count_ = better;
          shortest_ = std::numeric_limits<double>::infinity();
        }
      }
    }
    step_begin_ = now_();
    return count_;
  }

  int64_t count() const { return count_; }
  /// What the last measurement took with so many threads, in seconds; infinite: given up as too slow.
  double measured(int64_t count) const {
    const auto at = static_cast<size_t>(std::ranges::find(candidates_, count) - candidates_.begin());
    return at < seconds_.size() ? seconds_[at] : std::numeric_limits<double>::infinity();
  }

 private:
  static constexpr int kRounds = 5;
  static constexpr double kSlowStep = 1.5;
  static constexpr double kGivenUp = 3;      ///< times the fastest: not tried again in this measurement
  static constexpr double kWorthIt = 1.3;    ///< several threads have to be faster than one by so much: long work suffers more than a probe
  static constexpr double kWorthMore = 1.1;  ///< and more of them than fewer
  static constexpr double kWorthAll = 1.5;   ///< and any other number of several, to be chosen later

  /// Rounds in turns, so that a disturbance meets all.
  int64_t fastest(int64_t current) {
    const double begin = now_();
    seconds_.assign(candidates_.size(), 0);
    for (int round = 0; round < kRounds; ++round) {
      for (size_t i = 0; i < candidates_.size(); ++i) {
        if (seconds_[i] < std::numeric_limits<double>::infinity()) seconds_[i] += probe_(candidates_[i]);
      }
      const double best = *std::ranges::min_element(seconds_);
      for (double& seconds : seconds_) {
        if (seconds > kGivenUp * best) seconds = std::numeric_limits<double>::infinity();
      }
    }
    measured_ = now_();
    cost_ = measured_ - begin;
    size_t best = candidates_.size() - 1;
    for (size_t i = best; i-- > 0;) {
      if (seconds_[i] * (candidates_[best] == 1 ? kWorthIt : kWorthMore) < seconds_[best]) best = i;
    }
    if (current > 0 && candidates_[best] != 1 && measured(current) <= kWorthAll * seconds_[best]) return current;
    return candidates_[best];
  }

  Clock now_;
  Probe probe_;
  std::vector<int64_t> candidates_;  ///< falling, the last is 1
  std::vector<double> seconds_;      ///< of each candidate
  int64_t count_ = 0;
  double measured_ = 0, cost_ = 0, step_begin_ = 0, patience_ = 10;
  double shortest_ = std::numeric_limits<double>::infinity();
};

}  // namespace secgan
