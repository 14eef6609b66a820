#pragma once
/// How well a bundle edits labeled photos, under a protocol: every metric with its interval, its count, and the hash of
/// all that it depends on beside the model.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/bundle/bundle.hpp"
#include "secgan/core/export.hpp"
#include "secgan/data/dataset.hpp"
#include "secgan/evaluation/extractor.hpp"
#include "secgan/evaluation/protocol.hpp"
#include "secgan/metrics/bootstrap.hpp"

namespace secgan {

/// One measure. Its interval is a bootstrap's over photos.
struct SECGAN_API Metric {
  std::string key;  ///< "tarr", "fid", …: docs/evaluation.md says what each is
  std::string title;
  std::string unit;
  int digits = 3;  ///< behind the point, for people
  std::optional<Interval> measured;
  std::string missing;  ///< why it was not measured

  /// "0.953 [0.941, 0.964]", a value alone where there was one measurement, or "not measured: why".
  std::string text() const;
};

struct AttributeMetrics {
  std::string attribute;
  std::vector<Metric> metrics;  ///< the same keys for every attribute
};

/// An edit that is worth a look.
struct NotableEdit {
  std::string attribute;
  bool adding = true;        ///< the flip added the attribute
  std::string photo;         ///< the photo's id
  double value = 0;          ///< of what makes it notable
  at::Tensor before, after;  ///< [3, S, S] uint8
};

/// What a hash covers beside the protocol's own settings.
struct Pinned {
  std::string photos;                   ///< SHA-256 of ids, labels and pixels
  std::string classifier;               ///< SHA-256 of the judge's weights; empty: none
  std::vector<std::string> extractors;  ///< "name, preprocessing, SHA-256 of the weights"
};

struct SECGAN_API Evaluation {
  EvaluationProtocol protocol;  ///< with crop and attributes filled in
  Pinned pinned;
  std::string hash;  ///< of both: metrics are comparable where it is the same
  int64_t photos = 0;
  bool judged_by_teacher = false;  ///< the judge is the classifier that the generator learned to please: that it does shows little
  std::vector<Metric> metrics;
  std::vector<AttributeMetrics> attributes;  ///< one per flipped attribute
  std::vector<double> parser_iou;            ///< per class of the twelve; empty without parser or masks
  std::vector<NotableEdit> outside;          ///< per attribute, the edits that changed most outside its region
  std::vector<NotableEdit> far_from_real;    ///< per attribute, the edits furthest from any real photo of the target label
  std::string neighbors;                     ///< the extractor in whose features that distance is taken

  /// @throws InvalidArgument for an unknown key, listing the known ones.
  const Metric& metric(std::string_view key) const;
  /// The value of a metric.  @throws Error when it was not measured, saying why.
  double value(std::string_view key) const;
};

/// Who measures, beside the protocol's arithmetic. What is not there is reported as not measured.
struct Judges {
  AttributeClassifier classifier{nullptr};    ///< empty: the bundle's
  std::optional<FeatureExtractor> inception;  ///< FID, KID, Inception Score
  std::optional<FeatureExtractor> swav;       ///< ssFID
  std::optional<FeatureExtractor> other;      ///< a Fréchet distance under its own name
  std::optional<FeatureExtractor> identity;   ///< cosine between photo and edit
};

struct EvaluationControl {
  int64_t batch = 50;
  int64_t notable = 6;                                             ///< edits to show per attribute and kind
  std::function<void(int64_t done, int64_t total)> progress = {};  ///< called with 0 first
};

/// Runs every network that the bundle holds over the protocol's photos.
/// @param data  the protocol's split, cropped as it says; labels in the order of the bundle's attributes
/// @throws InvalidArgument when data, protocol and bundle do not fit each other, or for too few samples.
SECGAN_API Evaluation evaluate(const Bundle& bundle, const Dataset& data, const EvaluationProtocol& protocol, const Judges& judges = {},
                               const EvaluationControl& control = {});

}  // namespace secgan
