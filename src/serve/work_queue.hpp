#pragma once
/// One thing after another: networks use all threads that pay, and two edits at once would each take twice as long.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace secgan::serve {

class WorkQueue {
 public:
  /// @param wanted  false where the queue has ended, and the work is not to be done   It must not throw.
  using Work = std::function<void(bool wanted)>;

  /// @param most_waiting  beside the one that is worked on   @param threads  that work may use; 0: as measured
  WorkQueue(size_t most_waiting, int64_t threads);
  ~WorkQueue() { end(); }
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  /// @return false where too much waits already, or the queue has ended: the work is then not called
  bool push(Work work);
  /// What is worked on is finished, what waits is not wanted any more.
  void end();

 private:
  void run(int64_t threads);

  size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> waiting_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace secgan::serve
