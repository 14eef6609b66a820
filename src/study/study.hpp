#pragma once
/// Does the mask branch pay? The same backbones, seeds and budget with and without it, on drawn faces.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "secgan/training/train.hpp"

namespace secgan {

struct StudySettings {
  std::vector<std::string> backbones{"attgan", "stgan"};
  int64_t seeds = 3;
  double lambda_sc = 10;
  bool same_time = false;
  int64_t image_size = 64;
  int64_t faces = 8000;
  int64_t unseen = 500;
  int64_t steps = 2000;
  SecganStepOptions losses = small_scale_recipe().losses;
  int64_t parser_steps = 1600;
  int64_t classifier_steps = 600;
  int64_t timing_rounds = 15;
  uint64_t seed = 1;
  std::string device = "auto";
  int64_t threads = 0;

  static constexpr auto fields() {
    using O = StudySettings;
    return std::tuple{
        field<&O::backbones>("which networks, of both branches; each name once"),
        field<&O::seeds>("runs per backbone and variant; faces and judges are the same for all", rule::kPositive),
        field<&O::lambda_sc>("weight of the semantic consistency where it is on", rule::kPositive),
        field<&O::same_time>("a fourth variant: the photo branch alone, for as long as the whole takes"),
        field<&O::image_size>("side in pixels", rule::multiple_of(32)),
        field<&O::faces>("drawn faces to train on; a batch of the judge's training is 64", rule::at_least(64)),
        field<&O::unseen>("unseen ones for the metrics", rule::at_least(5)),
        field<&O::steps>("generator updates of each run", rule::kPositive),
        field<&O::losses>("of every run; the weights of the consistency are lambda_sc's"),
        field<&O::parser_steps>("of the parser", rule::kPositive),
        field<&O::classifier_steps>("of the judge, and of the other classifier that gives features", rule::kPositive),
        field<&O::timing_rounds>("measurements of each variant's step, taken in turns", rule::kPositive),
        field<&O::seed>("one seed makes the study repeatable"),
        field<&O::device>(kDeviceHelp),
        field<&O::threads>("CPU threads; 0: OMP_NUM_THREADS, or as many as are measured to be fastest", rule::kThreads),
    };
  }
  /// @throws InvalidArgument for no or unknown backbones, one that is given twice, or weights of the consistency, which are lambda_sc's.
  void check() const;
};

/// Trains parser, judge, features and every run into `out`, goes on where an earlier call was stopped, and writes
/// report.json, report.md and report.html there. Variants per backbone: the photo branch alone; both branches with
/// lambda_sc 0; with lambda_sc as set. Metrics are means over seeds; differences are taken seed by seed, with Student's interval.
/// @return false when `stop` ended it early; the same call goes on
bool run_study(const StudySettings& settings, const std::filesystem::path& out, std::ostream& status,
               const std::atomic<bool>* stop = nullptr);

}  // namespace secgan
