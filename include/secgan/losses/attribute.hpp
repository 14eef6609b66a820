#pragma once
/// Attribute recognition: binary cross-entropy of the discriminator's second head, and of a frozen classifier.

#include <ATen/ATen.h>

#include <string_view>

#include "secgan/core/shape.hpp"
#include "secgan/losses/passes.hpp"

namespace secgan {

/// -[y log sigma(z) + (1 - y) log(1 - sigma(z))] in nats, mean over batch and attributes.
/// @param logits, labels [N, A], labels in [0, 1]   @param labeled [N] bool: the rows that count; undefined: all. Without one that counts
/// it is 0.
/// @return scalar
inline at::Tensor attribute_cross_entropy(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& labeled = {}) {
  check_same_shape(logits, "attribute_logits", labels, "labels");
  const at::Tensor wanted = labels.to(logits.dtype());
  if (!labeled.defined()) return at::binary_cross_entropy_with_logits(logits, wanted);
  check_shape(labeled, "labeled", {logits.size(0)}, "[N], as the logits");
  const at::Tensor counts = labeled.to(logits.dtype()).unsqueeze(1);
  return at::binary_cross_entropy_with_logits(logits, wanted, counts, {}, at::Reduction::Sum) /
         (counts.sum() * logits.size(1)).clamp_min(1);
}

/// BCE(D_cls(edit), y_trg): trains the generator.
struct AttributeRecognition {
  static constexpr std::string_view kName = "attribute";
  at::Tensor operator()(const auto& pass) const {
    return attribute_cross_entropy(pass.edit_scores.attribute_logits, pass.target, pass.labeled);
  }
};

/// BCE(C(edit), y) of a classifier C that is trained on its own and frozen: trains the generator by a judgment that cannot be bent. y is
/// y_trg, or what else the pass says that C shall see.
struct ClassifierRecognition {
  static constexpr std::string_view kName = "classifier";
  at::Tensor operator()(const auto& pass) const {
    const at::Tensor& wanted = pass.classifier_target.defined() ? pass.classifier_target : pass.target;
    return attribute_cross_entropy(pass.classifier_logits, wanted, pass.labeled);
  }
};

/// BCE(D_cls(real), y_src): trains the discriminator.
struct SourceRecognition {
  static constexpr std::string_view kName = "attribute";
  at::Tensor operator()(const auto& pass) const {
    return attribute_cross_entropy(pass.real_scores.attribute_logits, pass.source, pass.labeled);
  }
};

}  // namespace secgan
