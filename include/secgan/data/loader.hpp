#pragma once
/// Batches of a data set in a shuffled, endless, exactly repeatable order.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "secgan/core/device.hpp"
#include "secgan/core/export.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

struct Batch {
  at::Tensor photo;   ///< [N, 3, S, S] float in [-1, 1], channels last, on the loader's device
  at::Tensor labels;  ///< [N, A] float in {0, 1}, on the CPU; undefined where the data set has no attributes
  at::Tensor mask;    ///< [N, S, S] int64 ids of the twelve classes, on the loader's device; undefined where it has no masks
};

namespace rule {
inline constexpr Rule kAhead{.low = 0, .high = 256};
}

struct LoaderOptions {
  int64_t batch = 16;
  bool per_process = true;
  uint64_t seed = 1;
  bool flip = true;
  int64_t ahead = 0;

  static constexpr auto fields() {
    using O = LoaderOptions;
    return std::tuple{
        field<&O::batch>("samples per batch; no more than the data set has", rule::kPositive),
        field<&O::per_process>("several processes: each takes so many; false, as a run's settings.toml has it: they share so many"),
        field<&O::seed>("of the order and of the mirroring; one seed makes the run repeatable"),
        field<&O::flip>("mirror every other sample, drawn anew each epoch"),
        field<&O::ahead>(
            "batches that are read while others are worked on, each in a thread of its own; 0: one beside a computation on the "
            "CPU, for a GPU as many as there are processors, at most 8",
            rule::kAhead),
    };
  }

  /// With the batch of a whole job of so many processes.
  LoaderOptions of_job(int64_t processes) const {
    LoaderOptions of_job = *this;
    if (per_process) of_job.batch *= processes;
    of_job.per_process = false;
    return of_job;
  }
};

/// One of several equal parts of every batch: what one process of a job works on.
struct Shard {
  int64_t index = 0;
  int64_t count = 1;
};

/// Sample positions run on through epochs, each epoch a permutation of its own, so every batch is full. Batch i is a
/// function of the seed and i alone. While the caller works on one batch, the next ones are read in the background and brought to the
/// device, where they are mirrored and normalized.
class SECGAN_API Loader {
 public:
  /// @param shard  what get() gives of every batch; one after the other, the shards of a batch are the batch
  /// @throws InvalidArgument when the batch is larger than the data set, or no multiple of the shards.
  Loader(std::shared_ptr<const Dataset> dataset, const LoaderOptions& options, Shard shard = {}, const Device& device = at::kCPU);
  ~Loader();

  /// @throws whatever the data set throws for an unreadable sample.
  Batch get(int64_t index);
  /// What messages call the samples of a batch.
  std::vector<std::string> names(int64_t index) const;
  const Dataset& dataset() const { return *dataset_; }
  /// The whole job's.
  const LoaderOptions& options() const { return options_; }

 private:
  Batch read(int64_t index) const;
  int64_t sample_at(int64_t position) const;
  size_t depth() const;

  std::shared_ptr<const Dataset> dataset_;
  LoaderOptions options_;
  Shard shard_;
  Device device_;
  int64_t first_ahead_ = 0;
  std::deque<std::future<Batch>> ahead_;  // of batches first_ahead_, first_ahead_ + 1, ...
};

}  // namespace secgan
