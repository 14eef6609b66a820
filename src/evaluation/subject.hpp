#pragma once
/// What is measured: a bundle's networks, photos, a protocol and judges, checked against each other.

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "secgan/core/attributes.hpp"
#include "secgan/evaluation/evaluate.hpp"

namespace secgan {

/// One attribute of a batch, flipped.
struct Edit {
  at::Tensor target;      ///< [B, A] labels
  at::Tensor difference;  ///< [B, A], before the bundle's intensity
  at::Tensor bytes;       ///< [B, 3, S, S] uint8, on the CPU: as a file holds it
  at::Tensor photos;      ///< the same, float, on the subject's device
};

/// Outlived by the bundle, the data and the judges that it was made from.
struct Subject {
  /// @throws InvalidArgument when they do not fit each other, or for too few samples.
  Subject(const Bundle& of, const Dataset& over, EvaluationProtocol under, const Judges& by);
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  ~Subject() = default;

  const Bundle& bundle;
  const Dataset& data;
  const Judges& judges;
  EvaluationProtocol protocol;  ///< crop and attributes filled in
  int64_t photos = 0;
  Device device;  ///< of the bundle's networks, and of the judges'

  Generator generator, mask_generator;
  AttributeClassifier classifier;
  std::optional<FaceParser> parser;

  AttributeSchema schema;
  std::vector<int64_t> flipped;  ///< F of the schema's attributes
  bool labeled = false;          ///< attributes are known, and a network takes them
  bool edits = false;            ///< there is a generator, a judge and something to flip

  /// The extractors that see photos and edits; never empty where there are edits: the judge itself then stands in for the
  /// distances to real photos, not for a metric.
  std::vector<const FeatureExtractor*> extractors;
  std::optional<FeatureExtractor> judge_features;  ///< the judge as an extractor, where no other was given

  /// @param images [B, 3, S, S] float, labels [B, A], of any device
  Edit edit(const at::Tensor& images, const at::Tensor& labels, int64_t attribute);

  /// How many of a photo's edits stand for it in distributions.
  int64_t edits_per_photo() const;

  /// Why `edits` is false.
  std::string_view why_no_edits() const;

 private:
  void check_attributes();
  void check_samples() const;
};

/// A stored photo as networks take it: [3, S, S] or [B, 3, S, S] bytes -> [B, 3, S, S] in [-1, 1], channels last.
at::Tensor network_input(const at::Tensor& bytes);

}  // namespace secgan
