#include "secgan/data/with_unlabeled.hpp"

#include <ATen/ATen.h>

#include <filesystem>
#include <limits>
#include <set>
#include <system_error>
#include <utility>

#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

/// A file by whatever name; what is none, as a packed sample, goes by its file's name alone.
std::string file_of(const std::string& name) {
  std::error_code none;
  const std::filesystem::path real = std::filesystem::canonical(name, none);
  return none ? std::filesystem::path(name).filename().string() : real.string();
}

}  // namespace

WithUnlabeled::WithUnlabeled(std::shared_ptr<const Dataset> labeled, std::shared_ptr<const Dataset> unlabeled,
                             const std::vector<std::shared_ptr<const Dataset>>& held_out)
    : labeled_(std::move(labeled)), unlabeled_(std::move(unlabeled)) {
  if (labeled_->attributes().size() == 0) throw InvalidArgument("labeled: the data set has no attributes");
  if (labeled_->image_size() != unlabeled_->image_size()) {
    throw InvalidArgument(
        fmt::format("unlabeled: its photos have {} px, the labeled ones {} px", unlabeled_->image_size(), labeled_->image_size()));
  }
  std::set<std::string> known;
  const auto leave_out = [&](const Dataset& data) {
    for (int64_t i = 0; i < data.size(); ++i) known.insert(file_of(data.sample_name(i)));
  };
  leave_out(*labeled_);
  for (const auto& data : held_out) leave_out(*data);
  for (int64_t i = 0; i < unlabeled_->size(); ++i) {
    const std::string file = file_of(unlabeled_->sample_name(i));
    if (!known.contains(file) && !known.contains(std::filesystem::path(file).filename().string())) places_.push_back(i);
  }
  if (places_.empty()) throw InvalidArgument("unlabeled: it has no photo that is not among the labeled or the held-out ones");
  const int64_t times = (std::ssize(places_) + labeled_->size() - 1) / labeled_->size();
  labeled_samples_ = times * labeled_->size();
}

WithUnlabeled::Place WithUnlabeled::place(int64_t index) const {
  if (index < labeled_samples_) return {*labeled_, index % labeled_->size()};
  return {*unlabeled_, places_.at(static_cast<size_t>(index - labeled_samples_))};
}

at::Tensor WithUnlabeled::unknown() const { return at::full({attributes().size()}, std::numeric_limits<float>::quiet_NaN()); }

Sample WithUnlabeled::get(int64_t index) const {
  const auto [data, at] = place(index);
  Sample sample = data.get(at);
  if (index >= labeled_samples_) sample.labels = unknown();
  sample.mask = at::Tensor();
  return sample;
}

at::Tensor WithUnlabeled::labels(int64_t index) const {
  const auto [data, at] = place(index);
  return index < labeled_samples_ ? data.labels(at) : unknown();
}

std::string WithUnlabeled::sample_name(int64_t index) const {
  const auto [data, at] = place(index);
  return data.sample_name(at);
}

}  // namespace secgan
