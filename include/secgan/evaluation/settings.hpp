#pragma once
/// A whole evaluation from settings: what `secgan evaluate` and Python's `secgan.evaluate` call.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "secgan/data/source.hpp"
#include "secgan/evaluation/evaluate.hpp"
#include "secgan/evaluation/extractor.hpp"
#include "secgan/evaluation/report.hpp"

namespace secgan {

struct EvaluateSettings {
  DataSettings data;  ///< its side, attributes, crop and count follow from bundle and protocol
  EvaluationProtocol protocol;
  bool masks = false;     ///< read the data set's masks too, for the parser's IoU; drawn faces always have them
  std::string inception;  ///< weights of the FID Inception v3; empty: FID, KID and IS are not measured
  ResizeFilter inception_resize = ResizeFilter::kBilinear;  ///< how photos reach its 299 pixels; pytorch-fid's
  std::string swav;                                         ///< weights of SwAV's ResNet-50; empty: ssFID is not measured
  ExtractorProgram extractor;  ///< features of one's own, for a Fréchet distance under the file's name; file empty: none
  ExtractorProgram identity;   ///< an embedding network, for the identity cosine; file empty: none
  int64_t batch = 50;
  int64_t threads = 0;  ///< CPU threads; 0: one per core

  static void visit(auto& self, auto&& visit) {
    visit("data", self.data);
    visit("protocol", self.protocol);
    visit("masks", self.masks);
    visit("inception", self.inception);
    visit("inception_resize", self.inception_resize);
    visit("swav", self.swav);
    visit("extractor", self.extractor);
    visit("identity", self.identity);
    visit("batch", self.batch);
    visit("threads", self.threads);
  }
};

struct EvaluationRun {
  Evaluation evaluation;
  ReportContext context;  ///< for write_evaluation
};

/// Loads the bundle and the judges, opens the protocol's split of the data and evaluates.
/// @param own  judges at hand, in place of those that the settings name
/// @throws FileNotFound, Error for files; InvalidArgument for settings that break a rule or do not fit each other.
EvaluationRun evaluate(const std::filesystem::path& model, const EvaluateSettings& settings, const Judges& own = {},
                       const std::function<void(int64_t done, int64_t total)>& progress = {});

/// The same on photos that are open already; their split and crop are the caller's to vouch for (the hash covers their
/// pixels). `settings.data` is not read.
EvaluationRun evaluate(const std::filesystem::path& model, const Dataset& photos, const EvaluateSettings& settings, const Judges& own = {},
                       const std::function<void(int64_t done, int64_t total)>& progress = {});

}  // namespace secgan
