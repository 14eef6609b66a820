#pragma once
/// All samples of a data set on several threads.

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace secgan {

/// Calls use(index) for every index below `size`, each once; `use` must not throw.
template <class Use>
void for_each_sample(int64_t size, int threads, Use&& use) {
  std::atomic<int64_t> next{0};
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&] {
      for (int64_t i = next++; i < size; i = next++) use(i);
    });
  }
  for (std::thread& worker : workers) worker.join();
}

}  // namespace secgan
