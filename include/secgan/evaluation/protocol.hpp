#pragma once
/// A protocol pins down everything that a figure depends on beside the model: photos, edits, judges, counts, seed.

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/attributes.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

/// Protocol files with other words in the same places would be other protocols under one hash.
inline constexpr int64_t kProtocolVersion = 1;

/// Read from TOML; the fields are the keys. What is asked of the networks: docs/evaluation.md.
struct EvaluationProtocol {
  std::string name = "secgan";  ///< for people

  // Photos.
  Split split = Split::kTest;
  int64_t photos = 0;  ///< the first so many of the split; 0: all of it
  std::string crop;    ///< see secgan/image/transforms.hpp; empty: the bundle's

  // Edits: every attribute flipped in turn, added where it is missing, removed where it is there.
  std::vector<std::string> attributes;  ///< the attributes to flip; empty: all of the bundle's
  ConflictRules conflicts = ConflictRules::kSecgan;
  double strength = 1;  ///< of the flip, and of what the rules flip along

  // Judges.
  std::string classifier;     ///< bundle whose classifier judges; empty: the one in the model's bundle
  int64_t region_margin = 3;  ///< change outside: pixels around an attribute's region that it may touch, at 64 px; grows with the side

  // Distributions: real photos against edits, both 8-bit as in files.
  int64_t edits_per_photo = 0;   ///< so many of a photo's edits, drawn by the seed; 0: all
  int64_t min_samples = 2048;    ///< a Fréchet distance of fewer photos or edits is refused
  int64_t kernel_subsets = 100;  ///< KID
  int64_t kernel_subset_size = 1000;
  int64_t score_splits = 10;  ///< Inception Score

  // Intervals.
  double level = 0.95;
  int64_t resamples = 1000;
  int64_t distribution_resamples = 50;  ///< of FID and its kin, each a new covariance
  uint64_t seed = 1;

  static void visit(auto& self, auto&& visit) {
    visit("name", self.name);
    visit("split", self.split);
    visit("photos", self.photos);
    visit("crop", self.crop);
    visit("attributes", self.attributes);
    visit("conflicts", self.conflicts);
    visit("strength", self.strength);
    visit("classifier", self.classifier);
    visit("region_margin", self.region_margin);
    visit("edits_per_photo", self.edits_per_photo);
    visit("min_samples", self.min_samples);
    visit("kernel_subsets", self.kernel_subsets);
    visit("kernel_subset_size", self.kernel_subset_size);
    visit("score_splits", self.score_splits);
    visit("level", self.level);
    visit("resamples", self.resamples);
    visit("distribution_resamples", self.distribution_resamples);
    visit("seed", self.seed);
  }
  /// @throws InvalidArgument naming the option, the rule and the value.
  void validate() const;
};

/// Names of the protocols that come along: "secgan", "stgan-paper".
const std::vector<std::string>& protocol_names();

/// One of them, or a TOML file.
/// @throws InvalidArgument that lists the names when it is neither; Error for a file that is no protocol, naming key and rule.
EvaluationProtocol open_protocol(const std::string& name_or_file);

}  // namespace secgan
