#include "secgan/models/classifier.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "nn/inputs.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/ops/precision.hpp"

namespace secgan {

AttributeClassifierImpl::AttributeClassifierImpl(const ClassifierConfig& config) : config_(config) {
  const ClassifierOptions& options = config.options;
  const Epilogue epilogue{Normalization::kBatch, Activation::kRelu};
  torch::nn::ModuleList several;
  for (int64_t m = 0; m < options.members; ++m) {
    Member& member = members_.emplace_back();
    int64_t channels = 3;
    int64_t side = config.image_size;
    for (int64_t level = 0; side > 4; ++level, side /= 2) {
      const int64_t out = std::min(options.dim << level, options.max_dim);
      member.features->push_back(conv_block(channels, out, {4, 2, 1}, epilogue));
      if (level % 2 == 1) member.features->push_back(conv_block(out, out, {3, 1, 1}, epilogue));
      channels = out;
    }
    // Where an attribute shows matters: the last map is flattened, not averaged.
    member.head = linear_block(channels * side * side, config.attributes, {});

    Module* owner = this;
    if (options.members > 1) {
      several->push_back(std::make_shared<Module>("Member"));
      owner = several[m].get();
    }
    owner->register_module("features", member.features);
    owner->register_module("head", member.head);
  }
  if (!several->is_empty()) register_module("members", several);
}

std::vector<at::Tensor> AttributeClassifierImpl::maps(const at::Tensor& photo) {
  check_shape(photo, "photo", {kAny, 3, config_.image_size, config_.image_size}, "[N, 3, image_size, image_size]");
  check_input(*this, photo, "photo");
  std::vector<at::Tensor> maps;
  for (Member& member : members_) maps.push_back(member.features->forward(photo));
  return maps;
}

at::Tensor AttributeClassifierImpl::features(const at::Tensor& photo) { return at::cat(maps(photo), 1); }

at::Tensor AttributeClassifierImpl::member_logits(const at::Tensor& photo) {
  std::vector<at::Tensor> answers = maps(photo);
  for (size_t m = 0; m < members_.size(); ++m) answers[m] = members_[m].head->forward(answers[m].flatten(1));
  return full_precision(at::cat(answers, 1)).view({-1, std::ssize(members_), config_.attributes});
}

at::Tensor AttributeClassifierImpl::forward(const at::Tensor& photo) { return member_logits(photo).mean(1); }

AttributeClassifier make_classifier(const ClassifierConfig& config) {
  validate(config);
  return AttributeClassifier(config);
}

}  // namespace secgan
