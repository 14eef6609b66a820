#include "secgan/data/cached.hpp"

#include <exception>

#include "data/each_sample.hpp"

namespace secgan {

CachedDataset::CachedDataset(std::shared_ptr<const Dataset> source, int threads)
    : source_(std::move(source)), samples_(static_cast<size_t>(source_->size())) {
  std::vector<std::exception_ptr> failures(samples_.size());
  std::atomic<bool> failed{false};
  for_each_sample(source_->size(), threads, [&](int64_t i) {
    if (failed.load()) return;
    try {
      samples_[static_cast<size_t>(i)] = source_->get(i);
    } catch (...) {
      failures[static_cast<size_t>(i)] = std::current_exception();
      failed.store(true);
    }
  });
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace secgan
