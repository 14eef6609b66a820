#include "secgan/models/classifier.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "secgan/core/shape.hpp"
#include "secgan/ops/precision.hpp"

namespace secgan {

AttributeClassifierImpl::AttributeClassifierImpl(const ClassifierConfig& config) : config_(config) {
  const Epilogue epilogue{Normalization::kBatch, Activation::kRelu};
  int64_t channels = 3;
  int64_t side = config.image_size;
  for (int64_t level = 0; side > 4; ++level, side /= 2) {
    const int64_t out = std::min(config.options.dim << level, config.options.max_dim);
    features_->push_back(conv_block(channels, out, {4, 2, 1}, epilogue));
    if (level % 2 == 1) features_->push_back(conv_block(out, out, {3, 1, 1}, epilogue));
    channels = out;
  }
  register_module("features", features_);
  // Where an attribute shows matters: the last map is flattened, not averaged.
  head_ = linear_block(channels * side * side, config.attributes, {});
  register_module("head", head_);
}

at::Tensor AttributeClassifierImpl::features(const at::Tensor& photo) {
  check_shape(photo, "photo", {kAny, 3, config_.image_size, config_.image_size}, "[N, 3, image_size, image_size]");
  return features_->forward(photo);
}

at::Tensor AttributeClassifierImpl::forward(const at::Tensor& photo) { return full_precision(head_->forward(features(photo).flatten(1))); }

AttributeClassifier make_classifier(const ClassifierConfig& config) {
  validate(config);
  return AttributeClassifier(config);
}

}  // namespace secgan
