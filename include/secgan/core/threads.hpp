#pragma once
/// The process's CPU threads belong to the application: the library changes their number within a call at most.

#include <cstdint>
#include <memory>
#include <string>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"

namespace secgan {

namespace rule {
inline constexpr Rule kThreads{.low = 0, .high = 1024};  ///< of a setting; 0: not said
}

/// While it lives, LibTorch computes with so many threads; then with as many as before.
class SECGAN_API ThreadGuard {
 public:
  /// @param threads  0: as the process has them
  explicit ThreadGuard(int64_t threads);
  ~ThreadGuard();
  ThreadGuard(const ThreadGuard&) = delete;
  ThreadGuard& operator=(const ThreadGuard&) = delete;
  /// As many as there were before it.
  int before() const { return before_; }

 private:
  int before_;
};

/// CPUs that the process may use: those of its affinity, cut to the CPU quota of its control groups; at least 1.
SECGAN_API int64_t usable_cpus();

/// When the number of threads changes between steps. Another number gives other last bits.
enum class ThreadChanges : uint8_t {
  kFreely,       ///< whenever another one is faster
  kReluctantly,  ///< where another one was measured to be faster by far, twice in a row: of trainings
};

/// The threads of a long computation of many steps. Beside other busy programs several threads can be ten times slower than one, in
/// processor time too, as OpenMP's and oneDNN's threads wait for each other by spinning; so the number is measured, not assumed.
class SECGAN_API MeasuredThreads {
 public:
  /// @param threads  above 0: so many, always. 0: as many as OMP_NUM_THREADS says; where it is not set, the number that is measured to be
  ///                 fastest, at most what at::get_num_threads() and usable_cpus() say
  /// @param first  of the first step, as measured earlier; 0: it is measured
  explicit MeasuredThreads(int64_t threads, ThreadChanges changes = ThreadChanges::kFreely, int64_t first = 0);
  /// The process has as many threads as before.
  ~MeasuredThreads();
  MeasuredThreads(const MeasuredThreads&) = delete;
  MeasuredThreads& operator=(const MeasuredThreads&) = delete;

  /// Before each step, in the thread that computes it. Measures before the first step, when a step took long or other programs took the
  /// CPUs, and from time to time; that takes some hundredths of a second and about a hundredth of the time. Draws no random numbers.
  /// @return a line for people where the number was chosen by measurement, or became another; empty otherwise
  std::string next();
  /// Threads of the current step.
  int64_t count() const;
  /// Whether the number is measured, not asked for.
  bool measures() const { return choice_ != nullptr; }

 private:
  ThreadGuard guard_;
  struct Choice;
  std::unique_ptr<Choice> choice_;  ///< empty: nothing to choose
};

}  // namespace secgan
