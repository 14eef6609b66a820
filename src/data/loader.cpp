#include "secgan/data/loader.hpp"

#include <ATen/ATen.h>

#include <limits>
#include <vector>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/random.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {
namespace {

/// A keyed permutation of [0, n) evaluated at one place: a Feistel network on the next power of four, walked until it
/// lands inside. Any place of any epoch can be asked for, without shuffling or storing the epoch.
int64_t permuted(int64_t place, int64_t n, uint64_t key) {
  int bits = 1;
  while ((int64_t{1} << (2 * bits)) < n) ++bits;
  const uint64_t half = (uint64_t{1} << bits) - 1;
  auto x = static_cast<uint64_t>(place);
  do {
    uint64_t left = x >> bits, right = x & half;
    for (uint64_t round = 0; round < 6; ++round) {
      const uint64_t mixed = left ^ (mix_seed(key, round, right) & half);
      left = right;
      right = mixed;
    }
    x = left << bits | right;
  } while (x >= static_cast<uint64_t>(n));
  return static_cast<int64_t>(x);
}

}  // namespace

Loader::Loader(std::shared_ptr<const Dataset> dataset, const LoaderOptions& options, Shard shard)
    : dataset_(std::move(dataset)), options_(options.of_job(shard.count)), shard_(shard) {
  validate(options_);
  if (options_.seed > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    throw InvalidArgument(fmt::format("seed {} is above 2^63 - 1, the largest number of a settings file", options_.seed));
  }
  if (options_.batch > dataset_->size()) {
    throw InvalidArgument(fmt::format("batch {} is larger than the data set of {}", options_.batch, counted(dataset_->size(), "sample")));
  }
  if (options_.batch % shard_.count != 0) {
    throw InvalidArgument(fmt::format("batch {} of the whole job is no multiple of its {} processes", options_.batch, shard_.count));
  }
}

Loader::~Loader() = default;

int64_t Loader::sample_at(int64_t position) const {
  const int64_t epoch = position / dataset_->size();
  return permuted(position % dataset_->size(), dataset_->size(), mix_seed(options_.seed, epoch));
}

Batch Loader::read(int64_t index) const {
  std::vector<at::Tensor> photos, labels, masks;
  const int64_t size = options_.batch / shard_.count, first = index * options_.batch + shard_.index * size;
  for (int64_t position = first; position < first + size; ++position) {
    const Sample sample = dataset_->get(sample_at(position));
    const bool flip = options_.flip && (mix_seed(options_.seed, RandomPurpose::kMirroring, position) & 1) != 0;
    photos.push_back(flip ? sample.image.flip({2}) : sample.image);
    if (sample.labels.defined()) labels.push_back(sample.labels);
    if (sample.mask.defined()) masks.push_back(flip ? sample.mask.flip({1}) : sample.mask);
  }
  Batch batch;
  batch.photo = to_float(at::stack(photos).contiguous(at::MemoryFormat::ChannelsLast));
  if (!labels.empty()) batch.labels = at::stack(labels);
  // Left and right are one class in the twelve, so a mirrored mask needs no other ids.
  if (!masks.empty()) batch.mask = ClassMerge(dataset_->label_set()).ids(at::stack(masks)).to(at::kLong);
  return batch;
}

std::vector<std::string> Loader::names(int64_t index) const {
  std::vector<std::string> names;
  for (int64_t i = 0; i < options_.batch; ++i) names.push_back(dataset_->sample_name(sample_at(index * options_.batch + i)));
  return names;
}

Batch Loader::get(int64_t index) {
  Batch batch = next_.valid() && next_index_ == index ? next_.get() : read(index);
  next_index_ = index + 1;
  next_ = std::async(std::launch::async, [this] { return read(next_index_); });
  return batch;
}

}  // namespace secgan
