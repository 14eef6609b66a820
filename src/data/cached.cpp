#include "secgan/data/cached.hpp"

#include <exception>

#include "data/each_sample.hpp"

namespace secgan {

CachedDataset::CachedDataset(std::shared_ptr<const Dataset> source, int threads)
    : source_(std::move(source)), samples_(static_cast<size_t>(source_->size())) {
  std::vector<std::exception_ptr> failures(samples_.size());
  // Indices are handed out in order: those below the first failure are still read, so that every run reports the same.
  std::atomic<int64_t> first_failure{source_->size()};
  for_each_sample(source_->size(), threads, [&](int64_t i) {
    if (i > first_failure.load()) return;
    try {
      samples_[static_cast<size_t>(i)] = source_->get(i);
    } catch (...) {
      failures[static_cast<size_t>(i)] = std::current_exception();
      int64_t known = first_failure.load();
      while (i < known && !first_failure.compare_exchange_weak(known, i)) {
      }
    }
  });
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace secgan
