#pragma once
/// A protocol pins down everything that a metric depends on beside the model: photos, edits, judges, counts, seed.

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/attributes.hpp"
#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/data/dataset.hpp"
#include "secgan/editing/regions.hpp"

namespace secgan {

/// Protocol files with other words in the same places would be other protocols under one hash.
inline constexpr int64_t kProtocolVersion = 1;

/// Read from TOML; the fields are the keys. What is asked of the networks: docs/evaluation.md.
struct EvaluationProtocol {
  std::string name = "secgan";

  // Photos.
  Split split = Split::kTest;
  int64_t photos = 0;
  std::string crop;

  // Edits: every attribute flipped in turn, added where it is missing, removed where it is there.
  std::vector<std::string> attributes;
  ConflictRules conflicts = ConflictRules::kSecgan;
  double strength = 1;

  // Judges.
  std::string classifier;
  int64_t region_margin = kRegionMargin;

  // Distributions: real photos against edits, both 8-bit as in files.
  int64_t edits_per_photo = 0;
  int64_t min_samples = 2048;
  int64_t kernel_subsets = 100;
  int64_t kernel_subset_size = 1000;
  int64_t score_splits = 10;

  // Intervals.
  double level = 0.95;
  int64_t resamples = 1000;
  int64_t distribution_resamples = 50;
  uint64_t seed = 1;

  static constexpr auto fields() {
    using O = EvaluationProtocol;
    constexpr Rule kRepeats{.low = 0, .low_included = false, .most = 100'000};
    return std::tuple{
        field<&O::name>("for people; not part of the hash"),
        field<&O::split>("of the data set"),
        field<&O::photos>("the first so many of the split; 0: all of it", rule::kNotNegative),
        field<&O::crop>("none, center, center:N or box:x,y,w,h; empty: the bundle's"),
        field<&O::attributes>("the attributes to flip; empty: all of the bundle's"),
        field<&O::conflicts>("which attributes a flip turns off along with it"),
        field<&O::strength>("of the flip, and of what the rules flip along", rule::kStrength),
        field<&O::classifier>("bundle whose classifier judges; empty: the one in the model's bundle"),
        field<&O::region_margin>("change outside: pixels around an attribute's region that it may touch, at 64 px; grows with the side",
                                 Rule{.low = 0, .most = 64}),
        field<&O::edits_per_photo>("how many of a photo's edits stand for it in distributions, drawn by the seed; 0: all",
                                   rule::kNotNegative),
        field<&O::min_samples>("a Fréchet distance of fewer photos or edits is refused", rule::at_least(2)),
        field<&O::kernel_subsets>("KID: subsets that are averaged", kRepeats),
        field<&O::kernel_subset_size>("KID: photos, and edits, in a subset", rule::at_least(2)),
        field<&O::score_splits>("Inception Score: splits that are averaged", rule::kPositive),
        field<&O::level>("share of the resamples inside an interval", rule::kInside),
        field<&O::resamples>("of the photos, for intervals", kRepeats),
        field<&O::distribution_resamples>("the same for FID and its kin, each a new covariance", kRepeats),
        field<&O::seed>("of all draws"),
    };
  }
  /// @throws InvalidArgument for a crop in another form or attributes given twice.
  SECGAN_API void check() const;
};

/// Names of the protocols that come along: "secgan", "stgan-paper".
SECGAN_API const std::vector<std::string>& protocol_names();

/// One of them, or a TOML file.
/// @throws InvalidArgument that lists the names when it is neither; Error for a file that is no protocol, naming key and rule.
SECGAN_API EvaluationProtocol open_protocol(const std::string& name_or_file);

}  // namespace secgan
