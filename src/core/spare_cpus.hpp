#pragma once
/// What other processes leave of the CPUs.

#include <functional>
#include <optional>
#include <string_view>

namespace secgan {

/// Seconds that some CPUs spent idle, or with processes that yield to this one, since the system began.
/// @param stat  content of Linux's /proc/stat   @param niced  whether time of low priority counts
/// @return nullopt: it names none of the CPUs
std::optional<double> free_seconds(std::string_view stat, const std::function<bool(int)>& ours, bool niced);

/// CPUs that this process could use.
class SpareCpus {
 public:
  SpareCpus();
  /// On average since the last call that gave a number, or the beginning: its CPUs less what others took of them.
  /// @return nullopt: that was less than a tenth of a second ago (the system counts in hundredths), or the system does not tell
  std::optional<double> operator()();
  /// Whether the system tells.
  bool known() const { return before_.has_value(); }

 private:
  struct Reading {
    double time = 0, own = 0, free = 0;  // seconds; own: this process's on all CPUs
  };
  static std::optional<Reading> read();
  std::optional<Reading> before_;
};

}  // namespace secgan
