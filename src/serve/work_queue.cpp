#include "serve/work_queue.hpp"

#include <utility>

#include "secgan/core/threads.hpp"

namespace secgan::serve {

WorkQueue::WorkQueue(size_t most_waiting, int64_t threads) : most_waiting_(most_waiting), thread_([this, threads] { run(threads); }) {}

bool WorkQueue::push(Work work) {
  {
    const std::scoped_lock lock(mutex_);
    if (ended_ || waiting_.size() >= most_waiting_) return false;
    waiting_.push_back(std::move(work));
  }
  changed_.notify_one();
  return true;
}

void WorkQueue::end() {
  std::deque<Work> unwanted;
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    unwanted.swap(waiting_);
  }
  changed_.notify_one();
  for (const Work& work : unwanted) work(false);
  if (thread_.joinable()) thread_.join();
}

void WorkQueue::run(int64_t threads) {
  MeasuredThreads measured(threads);
  while (true) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    measured.next();
    work(true);
  }
}

}  // namespace secgan::serve
