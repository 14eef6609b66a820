#pragma once
/// What a study has measured, and the report of it.

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "secgan/data/dataset.hpp"
#include "secgan/evaluation/evaluate.hpp"
#include "study/study.hpp"

namespace secgan {

/// One way to train a backbone.
struct StudyVariant {
  std::string key, title;
  bool mask_branch = true;
  double lambda_sc = 0;
  double length = 1;  ///< of the study's steps
};

struct StudyRun {
  std::map<std::string, Interval> metrics;  ///< by key; missing where not measured
  Evaluation evaluation;
  Bundle bundle;
};

struct StudyCost {
  double seconds_per_step = 0;  ///< median
  double memory = 0;            ///< bytes: networks, optimizers, moving averages, batches and a step, at their peak
};

/// The metrics that a study compares, in the order of its tables.
inline constexpr std::array<const char*, 6> kStudyMetrics{"tarr", "preservation", "change_outside", "frechet_other-classifier",
                                                          "psnr", "branch_miou"};

struct StudyResults {
  using Key = std::pair<std::string, std::string>;  ///< backbone, variant

  StudySettings settings;
  std::map<std::string, std::vector<StudyVariant>> variants;  ///< by backbone, in the order of the tables
  std::map<Key, StudyCost> costs;
  std::map<Key, std::vector<StudyRun>> runs;  ///< by seed
};

/// Writes report.json, report.md and report.html into `out`.
/// @param unseen  faces to show the edits of the first seed's runs on
/// @return what the metrics show, in words, a line each
std::string write_study(const StudyResults& results, const Dataset& unseen, const std::filesystem::path& out);

}  // namespace secgan
