#include "secgan/data/loader.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <thread>
#include <vector>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/random.hpp"
#include "secgan/core/shape.hpp"
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

/// to_float of every photo in one pass, channels last, mirrored where that is asked.
/// @param photos [3, S, S] uint8 each   @return [N, 3, S, S] float in [-1, 1]
at::Tensor as_floats(const std::vector<at::Tensor>& photos, const std::vector<int64_t>& mirrored) {
  static const at::Tensor table = to_float(at::arange(256, at::kByte));
  const auto* const values = table.const_data_ptr<float>();
  const int64_t height = photos.front().size(1), width = photos.front().size(2), area = height * width;
  at::Tensor out =
      at::empty({std::ssize(photos), 3, height, width}, at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
  auto* into = out.mutable_data_ptr<float>();
  for (size_t n = 0; n < photos.size(); ++n, into += 3 * area) {
    check_shape(photos[n], "photo", {3, height, width}, "[3, S, S] as the batch's first");
    const at::Tensor photo = photos[n].to(at::kByte).contiguous();
    const auto* const bytes = photo.const_data_ptr<uint8_t>();
    const bool mirror = mirrored[n] != 0;
    for (int64_t y = 0; y < height; ++y) {
      const uint8_t* const row = bytes + y * width;
      for (int64_t x = 0; x < width; ++x) {
        const int64_t from = mirror ? width - 1 - x : x;
        float* const pixel = into + 3 * (y * width + x);
        pixel[0] = values[row[from]];
        pixel[1] = values[row[from + area]];
        pixel[2] = values[row[from + 2 * area]];
      }
    }
  }
  return out;
}

}  // namespace

Loader::Loader(std::shared_ptr<const Dataset> dataset, const LoaderOptions& options, Shard shard, const Device& device)
    : dataset_(std::move(dataset)), options_(options.of_job(shard.count)), shard_(shard), device_(device) {
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
  std::vector<int64_t> mirrored;
  const int64_t size = options_.batch / shard_.count, first = index * options_.batch + shard_.index * size;
  for (int64_t position = first; position < first + size; ++position) {
    const Sample sample = dataset_->get(sample_at(position));
    mirrored.push_back(options_.flip ? static_cast<int64_t>(mix_seed(options_.seed, RandomPurpose::kMirroring, position) & 1) : 0);
    photos.push_back(sample.image);
    if (sample.labels.defined()) labels.push_back(sample.labels);
    if (sample.mask.defined()) masks.push_back(sample.mask);
  }
  const at::Tensor flips = to_device(at::tensor(mirrored).to(at::kBool), device_);
  // Bytes travel, a quarter of what floats would take.
  const auto on_device = [&](const at::Tensor& stacked) {
    const at::Tensor bytes = to_device(stacked, device_);
    std::vector<int64_t> rows(static_cast<size_t>(bytes.dim()), 1);
    rows[0] = size;
    return at::where(flips.view(rows), bytes.flip({-1}), bytes);
  };
  Batch batch;
  batch.photo =
      device_.is_cpu() ? as_floats(photos, mirrored) : to_float(on_device(at::stack(photos)).contiguous(at::MemoryFormat::ChannelsLast));
  if (!labels.empty()) batch.labels = at::stack(labels);
  // Left and right are one class in the twelve, so a mirrored mask needs no other ids.
  if (!masks.empty()) batch.mask = on_device(ClassMerge(dataset_->label_set()).ids(at::stack(masks))).to(at::kLong);
  return batch;
}

std::vector<std::string> Loader::names(int64_t index) const {
  std::vector<std::string> names;
  for (int64_t i = 0; i < options_.batch; ++i) names.push_back(dataset_->sample_name(sample_at(index * options_.batch + i)));
  return names;
}

size_t Loader::depth() const {
  if (options_.ahead > 0) return static_cast<size_t>(options_.ahead);
  return device_.is_cpu() ? 1 : std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 8);
}

Batch Loader::get(int64_t index) {
  const auto begin = [&](int64_t of) { ahead_.push_back(std::async(std::launch::async, [this, of] { return read(of); })); };
  if (ahead_.empty() || first_ahead_ != index) {
    ahead_.clear();
    begin(index);
  }
  std::future<Batch> wanted = std::move(ahead_.front());
  ahead_.pop_front();
  first_ahead_ = index + 1;
  // Before this one is waited for, so that all are read at once.
  while (ahead_.size() < depth()) begin(first_ahead_ + static_cast<int64_t>(ahead_.size()));
  return wanted.get();
}

}  // namespace secgan
