#include "training/held_out.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "nn/inputs.hpp"
#include "secgan/core/scalars.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {
namespace {

constexpr int64_t kAtOnce = 16;  // as little memory as a step takes

/// Buffers are as before at the end: a norm in training mode moves its running statistics with all that it sees.
class BuffersGuard {
 public:
  explicit BuffersGuard(const torch::nn::Module& module) : buffers_(module.buffers()) {
    for (const at::Tensor& buffer : buffers_) before_.push_back(buffer.clone());
  }
  ~BuffersGuard() {
    for (size_t i = 0; i < buffers_.size(); ++i) buffers_[i].copy_(before_[i]);
  }
  BuffersGuard(const BuffersGuard&) = delete;
  BuffersGuard& operator=(const BuffersGuard&) = delete;

 private:
  std::vector<at::Tensor> buffers_, before_;
};

}  // namespace

HeldOut::HeldOut(const Dataset& data, const Device& device) {
  std::vector<at::Tensor> photos, labels;
  for (int64_t i = 0; i < std::min(kPhotos, data.size()); ++i) {
    const Sample sample = data.get(i);
    photos.push_back(to_float(sample.image));
    labels.push_back(sample.labels);
  }
  photos_ = to_device(at::stack(photos), device);
  labels_ = to_device(at::stack(labels), device);
}

NamedValues HeldOut::measure(Discriminator& discriminator, Bundle& bundle) const {
  at::NoGradGuard no_grad;
  const BuffersGuard kept(*discriminator);
  const at::Tensor targets = labels_.roll(1, 0), changed = targets.ne(labels_);
  std::vector<at::Tensor> of_photos, by_discriminator, by_classifier;
  const auto as_labels = [](const at::Tensor& logits) { return logits.gt(0).to(at::kFloat); };
  for (int64_t begin = 0; begin < photos_.size(0); begin += kAtOnce) {
    const auto some = [&](const at::Tensor& all) { return all.narrow(0, begin, std::min(kAtOnce, all.size(0) - begin)); };
    const at::Tensor photos = to_network(some(photos_), *discriminator), labels = some(labels_);
    of_photos.push_back(as_labels(discriminator->forward(photos).attribute_logits));
    const at::Tensor condition = to_network(bundle.condition(labels, some(targets) - labels), *bundle.generator);
    const at::Tensor edits = bundle.generator->forward(photos, condition);
    by_discriminator.push_back(as_labels(discriminator->forward(edits).attribute_logits));
    if (!bundle.classifier.is_empty()) by_classifier.push_back(as_labels(bundle.classifier->forward(edits)));
  }
  const auto share = [](const at::Tensor& right, const at::Tensor& counted) { return right.logical_and(counted).sum() / counted.sum(); };
  NamedTensors values{{"photo/held_out/accuracy", at::cat(of_photos).eq(labels_).to(at::kFloat).mean()},
                      {"photo/held_out/edits_by_discriminator", share(at::cat(by_discriminator).eq(targets), changed)}};
  if (!by_classifier.empty()) values.emplace_back("photo/held_out/edits_by_classifier", share(at::cat(by_classifier).eq(targets), changed));
  NamedValues finite = values_of(values);
  std::erase_if(finite, [](const auto& value) { return !std::isfinite(value.second); });  // where no label differs from the next photo's
  return finite;
}

}  // namespace secgan
