#pragma once
/// Does the mask branch pay? The same backbones, seeds and budget with and without it, on drawn faces or on photos.

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "secgan/training/train.hpp"

namespace secgan {

/// The ways to train a backbone that a study can compare: the photo branch alone; both branches with lambda_sc 0; with lambda_sc as set.
inline constexpr std::array<std::string_view, 3> kStudyVariants{"plain", "sc0", "sc"};

struct StudySettings {
  DataSource source{.kind = DataKind::kSynthetic};
  std::vector<std::string> attributes;
  std::string crop;
  std::string parser;
  std::vector<std::string> backbones{"attgan", "stgan"};
  std::vector<std::string> variants{kStudyVariants.begin(), kStudyVariants.end()};
  int64_t seeds = 3;
  double lambda_sc = 10;
  bool same_time = false;
  int64_t image_size = 64;
  int64_t faces = 8000;
  int64_t unseen = 500;
  Split split = Split::kTest;
  int64_t steps = 2000;
  SecganStepOptions losses = small_scale_recipe().losses;
  std::vector<std::string> shown_by_masks{"Bald",
                                          "Bangs",
                                          "Big_Lips",
                                          "Big_Nose",
                                          "Bushy_Eyebrows",
                                          "Eyeglasses",
                                          "Mouth_Slightly_Open",
                                          "Narrow_Eyes",
                                          "Receding_Hairline",
                                          "Smiling",
                                          "Wearing_Earrings",
                                          "Wearing_Hat"};
  int64_t parser_steps = 1600;
  int64_t classifier_steps = 600;
  int64_t timing_rounds = 15;
  uint64_t seed = 1;
  std::string device = "auto";
  int64_t threads = 0;

  static constexpr auto fields() {
    using O = StudySettings;
    return std::tuple_cat(
        inlined<&O::source>(),
        std::tuple{
            field<&O::attributes>("names from the data set's list; drawn faces: empty for all of theirs"),
            field<&O::crop>("none, center, center:N or box:x,y,w,h, in pixels of the photo; empty: celeba center:170, others center"),
            field<&O::parser>(
                "bundle whose parser all runs use, of the study's image_size; empty: one is trained, for which the data needs masks"),
            field<&O::backbones>("which networks, of both branches; each name once"),
            field<&O::variants>("which ways to train them: plain (photo branch alone), sc0 (both, lambda_sc 0), sc (both, lambda_sc)"),
            field<&O::seeds>("runs per backbone and variant; faces and judges are the same for all", rule::kPositive),
            field<&O::lambda_sc>("weight of the semantic consistency where it is on", rule::kPositive),
            field<&O::same_time>("a fourth variant: the photo branch alone, for as long as the whole takes"),
            field<&O::image_size>("side in pixels", rule::multiple_of(32)),
            field<&O::faces>("faces to train on, at most; a batch of the judge's training is 64", rule::at_least(64)),
            field<&O::unseen>("unseen ones for the metrics, at most", rule::at_least(5)),
            field<&O::split>("of the data set, that the unseen ones are of: validation to choose settings by, test to report"),
            field<&O::steps>("generator updates of each run", rule::kPositive),
            field<&O::losses>("of every run; the weights of the consistency are lambda_sc's"),
            field<&O::shown_by_masks>("attributes that a mask of twelve classes can show; the rest is color and texture"),
            field<&O::parser_steps>("of the parser that is trained", rule::kPositive),
            field<&O::classifier_steps>("of the judge, and of the other classifier that gives features", rule::kPositive),
            field<&O::timing_rounds>("measurements of each variant's step, taken in turns", rule::kPositive),
            field<&O::seed>("one seed makes the study repeatable"),
            field<&O::device>(kDeviceHelp),
            field<&O::threads>("CPU threads; 0: OMP_NUM_THREADS, or as many as are measured to be fastest", rule::kThreads),
        });
  }
  /// @throws InvalidArgument for no or unknown backbones or variants, one that is given twice, weights of the consistency, which are
  ///         lambda_sc's, or photos without masks and no parser.
  void check() const;

  /// The faces to train on.
  DataSettings data() const { return {source, attributes, image_size, crop, faces}; }
  /// `secgan train --small` on these data, of which the runs take all but `losses`.
  SecganTaskOptions recipe(std::string_view backbone = "attgan") const;
};

/// Trains parser, judge, features and every run into `out`, goes on where an earlier call was stopped, also with more backbones, variants
/// or seeds, and writes report.json, report.md and report.html there. Metrics are means over seeds; differences are taken seed by seed,
/// with Student's interval, and photo by photo, with a bootstrap's.
/// @return false when `stop` ended it early; the same call goes on
bool run_study(const StudySettings& settings, const std::filesystem::path& out, std::ostream& status,
               const std::atomic<bool>* stop = nullptr);

}  // namespace secgan
