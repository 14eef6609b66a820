#pragma once
/// All samples of a data set on several threads.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace secgan {

/// Calls use(index) for every index below `size`, each once, in ascending order of starting; `use` must not throw.
/// @param threads  fewer than one counts as one
template <class Use>
void for_each_sample(int64_t size, int threads, Use&& use) {
  std::atomic<int64_t> next{0};
  std::vector<std::thread> workers;
  for (int t = 0; t < std::max(threads, 1); ++t) {
    workers.emplace_back([&] {
      for (int64_t i = next++; i < size; i = next++) use(i);
    });
  }
  for (std::thread& worker : workers) worker.join();
}

}  // namespace secgan
