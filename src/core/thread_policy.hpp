#pragma once
/// When to measure and what to choose, apart from clock and threads.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "secgan/core/threads.hpp"

namespace secgan {

class ThreadPolicy {
 public:
  using Clock = std::function<double()>;                 ///< seconds
  using Probe = std::function<double(int64_t)>;          ///< seconds of a fixed piece of work with so many threads
  using Spare = std::function<std::optional<double>()>;  ///< as SpareCpus

  /// @param most  at least 1
  /// @param spare  empty: the system does not tell
  /// @param first  threads of the first step; 0: as measured
  ThreadPolicy(int64_t most, ThreadChanges changes, Clock now, Probe probe, Spare spare, int64_t first = 0)
      : changes_(changes), now_(std::move(now)), probe_(std::move(probe)), spare_(std::move(spare)), count_(first) {
    for (int64_t count = most; count > 1; count /= 2) candidates_.push_back(count);
    candidates_.push_back(1);
    if (first == 0) return;
    measured_ = step_begin_ = now_();
    cost_ = kLook;  // as if it had been measured now
  }

  /// @return threads of the step that begins now
  int64_t next() {
    if (candidates_.size() == 1) return count_ = 1;
    const double begin = now_();
    if (count_ == 0) {
      count_ = fastest(/*current=*/0, look());
    } else {
      const double step = begin - step_begin_;
      const double since = begin - measured_;
      const std::optional<double> spare = look();
      const bool crowded = count_ > 1 && spare && !room_for(count_, *spare);
      const bool slow = count_ > 1 && step > kSlowStep * shortest_;
      shortest_ = std::min(shortest_, step);
      // Beside others one thread stays the right number, and nothing has to be computed to know it.
      const bool settled = count_ == 1 && spare && !room_for(2, *spare);
      // Measuring may cost a hundredth of the time; a tenth in the beginning, as one look may deceive, and when something seems wrong.
      if (!settled && (since > patience_ * cost_ || ((slow || crowded) && since > 10 * cost_))) {
        patience_ = std::min(2 * patience_, 100.0);
        // One disturbed measurement changes nothing: another number of threads gives other last bits.
        if (const int64_t better = fastest(count_, spare); better != count_ && fastest(count_, std::nullopt) == better) {
          count_ = better;
          shortest_ = std::numeric_limits<double>::infinity();
        }
      }
    }
    step_begin_ = now_();
    return count_;
  }

  int64_t count() const { return count_; }
  /// What the last measurement took with so many threads, in seconds; infinite: given up as too slow, or not tried for want of CPUs.
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
  static constexpr double kWorthBits = 1.6;  ///< and any other number at all, where bits count
  static constexpr double kNeeded = 0.5;     ///< of the last thread's CPU: with less, it makes the others wait

  static constexpr double kLook = 0.15;  ///< seconds, at most, until it is known what the others leave

  static bool room_for(int64_t threads, double spare) { return spare >= static_cast<double>(threads - 1) + kNeeded; }

  std::optional<double> look() { return spare_ ? spare_() : std::nullopt; }

  /// Rounds in turns, so that a disturbance meets all.
  int64_t fastest(int64_t current, std::optional<double> spare) {
    const double begin = now_();
    seconds_.assign(candidates_.size(), 0);
    // Beside others, several threads can be ten times slower than one, and trying them costs what is to be saved. Where bits count, only
    // what was tried is believed.
    const bool reluctant = changes_ == ThreadChanges::kReluctantly && current > 0;
    if (reluctant) spare.reset();
    for (double one = 0; spare_ && !reluctant && !spare && one < kLook; spare = look()) one += std::max(probe_(1), kLook / 100);
    for (size_t i = 0; spare && i + 1 < candidates_.size(); ++i) {
      if (!room_for(candidates_[i], *spare)) seconds_[i] = std::numeric_limits<double>::infinity();
    }
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
    const double worth = reluctant ? kWorthBits : candidates_[best] == 1 ? 0 : kWorthAll;
    if (current > 0 && measured(current) <= worth * seconds_[best]) return current;
    return candidates_[best];
  }

  ThreadChanges changes_;
  Clock now_;
  Probe probe_;
  Spare spare_;
  std::vector<int64_t> candidates_;  ///< falling, the last is 1
  std::vector<double> seconds_;      ///< of each candidate
  int64_t count_;
  double measured_ = 0, cost_ = 0, step_begin_ = 0, patience_ = 10;
  double shortest_ = std::numeric_limits<double>::infinity();
};

}  // namespace secgan
