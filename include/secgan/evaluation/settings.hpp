#pragma once
/// A whole evaluation from settings: what `secgan evaluate` and Python's `secgan.evaluate` call.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "secgan/core/device.hpp"
#include "secgan/core/export.hpp"
#include "secgan/core/threads.hpp"
#include "secgan/data/source.hpp"
#include "secgan/evaluation/evaluate.hpp"
#include "secgan/evaluation/extractor.hpp"
#include "secgan/evaluation/report.hpp"

namespace secgan {

struct EvaluateSettings {
  DataSource data;
  EvaluationProtocol protocol;
  bool masks = false;
  std::string inception;
  ResizeFilter inception_resize = ResizeFilter::kBilinear;
  std::string swav;
  ExtractorProgram extractor;
  ExtractorProgram identity;
  int64_t batch = 50;
  std::string device = "auto";
  int64_t threads = 0;

  static constexpr auto fields() {
    using O = EvaluateSettings;
    return std::tuple{
        field<&O::data>("the photos; side and attributes follow from the bundle, split, crop and count from the protocol"),
        field<&O::protocol>("what is measured, and how"),
        field<&O::masks>("read the data set's masks too, for the parser's IoU; drawn faces always have them"),
        field<&O::inception>("weights of the FID Inception v3; empty: FID, KID and IS are not measured"),
        field<&O::inception_resize>("how photos reach its 299 pixels; pytorch-fid's"),
        field<&O::swav>("weights of SwAV's ResNet-50; empty: ssFID is not measured"),
        field<&O::extractor>("custom features, for a Fréchet distance under the file's name; file empty: none"),
        field<&O::identity>("an embedding network, for the identity cosine; file empty: none"),
        field<&O::batch>("photos at once", rule::kPositive),
        field<&O::device>(kDeviceHelp),
        field<&O::threads>("CPU threads; 0: OMP_NUM_THREADS, or as many as are measured to be fastest", rule::kThreads),
    };
  }
};

struct EvaluationRun {
  Evaluation evaluation;
  ReportContext context;  ///< for write_evaluation
};

/// Loads the bundle and the judges, opens the protocol's split of the data and evaluates.
/// @param given  judges at hand, in place of those that the settings name
/// @throws FileNotFound, Error for files; InvalidArgument for settings that break a rule or do not fit each other.
SECGAN_API EvaluationRun evaluate(const std::filesystem::path& model, const EvaluateSettings& settings, const Judges& given = {},
                                  const std::function<void(int64_t done, int64_t total)>& progress = {});

/// The same on photos that are open already; their split and crop are the caller's to vouch for (the hash covers their
/// pixels). `settings.data` is not read.
SECGAN_API EvaluationRun evaluate(const std::filesystem::path& model, const Dataset& photos, const EvaluateSettings& settings,
                                  const Judges& given = {}, const std::function<void(int64_t done, int64_t total)>& progress = {});

}  // namespace secgan
