#include "secgan/data/cached.hpp"

#include <exception>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "data/each_sample.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/memory.hpp"

namespace secgan {
namespace {

/// The number of samples, after a look at whether they fit.
size_t fitting(const Dataset& source) {
  constexpr double kOverhead = 1000;  // bytes of a sample's tensors and name beside their content
  const double bytes = static_cast<double>(source.size()) *
                       (static_cast<double>(source.image_size() * source.image_size() * (source.has_masks() ? 4 : 3)) + kOverhead);
  const auto available = available_memory();
  if (available && bytes > static_cast<double>(*available)) {
    throw Error(
        fmt::format("the data cache needs {:.1f} GB for {} of {} px, and {:.1f} GB of memory are free: turn it off (data.cache = "
                    "false decodes each photo whenever it is needed), or choose fewer photos (data.count) or a smaller image_size",
                    bytes / 1e9, counted(source.size(), "photo"), source.image_size(), static_cast<double>(*available) / 1e9));
  }
  return static_cast<size_t>(source.size());
}

}  // namespace

CachedDataset::CachedDataset(std::shared_ptr<const Dataset> source, int threads) : source_(std::move(source)), samples_(fitting(*source_)) {
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
