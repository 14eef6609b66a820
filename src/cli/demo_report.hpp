#pragma once
/// The demo's report: metrics for machines, pictures and curves for people.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "secgan/bundle/bundle.hpp"
#include "secgan/data/dataset.hpp"
#include "secgan/evaluation/evaluate.hpp"

namespace secgan::cli {

struct DemoResult {
  std::filesystem::path folder;
  uint64_t seed = 0;
  std::vector<std::pair<std::string, double>> seconds;  ///< of each stage, in this call
  Bundle bundle;
  std::shared_ptr<const Dataset> unseen;
  Evaluation evaluation;
};

/// Writes report.html and report.json and prints the metrics.  @return whether every goal is reached
bool write_demo_report(const DemoResult& result);

}  // namespace secgan::cli
