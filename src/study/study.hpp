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
  std::vector<std::string> backbones{"attgan", "stgan"};   ///< presets (`secgan models`), for both branches
  int64_t seeds = 3;                                       ///< runs per backbone and variant; faces and judges are the same for all
  double lambda_sc = 10;                                   ///< weight of the semantic consistency where it is on
  bool same_time = false;                                  ///< a fourth variant: the photo branch alone, for as long as the whole takes
  int64_t image_size = 64;                                 ///< side in pixels, a multiple of 32
  int64_t faces = 8000;                                    ///< drawn faces to train on
  int64_t unseen = 500;                                    ///< unseen ones for the figures
  int64_t steps = 2000;                                    ///< generator updates of each run
  SecganStepOptions losses = small_scale_recipe().losses;  ///< of every run; the weights of the consistency are lambda_sc's
  int64_t parser_steps = 1600;
  int64_t classifier_steps = 600;  ///< of the judge, and of the other classifier that gives features
  int64_t timing_rounds = 15;      ///< measurements of each variant's step, taken in turns
  uint64_t seed = 1;
  int64_t threads = 0;  ///< CPU threads; 0: one per core

  static void visit(auto& self, auto&& visit) {
    visit("backbones", self.backbones);
    visit("seeds", self.seeds);
    visit("lambda_sc", self.lambda_sc);
    visit("same_time", self.same_time);
    visit("image_size", self.image_size);
    visit("faces", self.faces);
    visit("unseen", self.unseen);
    visit("steps", self.steps);
    visit("losses", self.losses);
    visit("parser_steps", self.parser_steps);
    visit("classifier_steps", self.classifier_steps);
    visit("timing_rounds", self.timing_rounds);
    visit("seed", self.seed);
    visit("threads", self.threads);
  }
  /// @throws InvalidArgument naming the option, the rule and the value.
  void validate() const;
};

/// Trains parser, judge, features and every run into `out`, goes on where an earlier call was stopped, and writes
/// report.json, report.md and report.html there. Variants per backbone: the photo branch alone; both branches with
/// lambda_sc 0; with lambda_sc as set. Figures are means over seeds; differences are taken seed by seed, with Student's interval.
/// @return false when `stop` ended it early; the same call goes on
bool run_study(const StudySettings& settings, const std::filesystem::path& out, std::ostream& status,
               const std::atomic<bool>* stop = nullptr);

}  // namespace secgan
