#pragma once
/// `secgan bench`: the library's own paths, timed.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "secgan/core/device.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/core/named_values.hpp"
#include "secgan/core/threads.hpp"
#include "secgan/data/source.hpp"
#include "secgan/nn/engine.hpp"
#include "secgan/parsing/parser.hpp"

namespace secgan {

/// Of every subject; each reads what it needs.
struct BenchSettings {
  int64_t image_size = 128;
  int64_t batch = 8;
  int64_t attributes = 13;
  std::string backbone = "attgan";
  ParserNetwork parser = ParserNetwork::kBisenetResnet18;
  bool small = false;
  bool mask_branch = true;
  Precision precision = Precision::kFloat32;
  Engine engine = Engine::kAuto;
  int64_t dims = 2048;
  int64_t megabytes = 2500;
  std::string model;
  std::string photo;
  DataSource data = {.kind = DataKind::kSynthetic};
  int64_t repeats = 7;
  std::string device = "auto";
  int64_t threads = 0;

  static constexpr auto fields() {
    using O = BenchSettings;
    return std::tuple{
        field<&O::image_size>("side of the photos in pixels", rule::kExtent),
        field<&O::batch>("photos at once", rule::kPositive),
        field<&O::attributes>("that the networks edit", rule::kExtent),
        field<&O::backbone>("preset of all four networks"),
        field<&O::parser>("network of 19 classes, with random weights"),
        field<&O::small>("train-step: networks, losses and updates of the recipe for 64 px, not the published ones"),
        field<&O::mask_branch>("train-step: both branches; false: the photo branch alone"),
        field<&O::precision>("of convolutions and matrix products"),
        field<&O::engine>("edit: what runs the network; auto: openvino where it is there"),
        field<&O::dims>("frechet: dimensions of the features", rule::kPositive),
        field<&O::megabytes>("checkpoint: of its tensors; it is written into the folder for temporary files", rule::kPositive),
        field<&O::model>("edit, start: a bundle; empty: random weights"),
        field<&O::photo>("start: a photo, edited with the bundle in a process of its own"),
        field<&O::data>("load: the photos; drawn ones are written as JPEG files of 178 x 218 into a temporary folder first"),
        field<&O::repeats>("measurements, after two that do not count; the median is told", rule::kPositive),
        field<&O::device>(kDeviceHelp),
        field<&O::threads>("CPU threads; 0: as the process has them", rule::kThreads),
    };
  }
};

/// What was measured.
struct BenchResult {
  NamedValues values;           ///< the figures, the first of them for people first
  std::vector<double> seconds;  ///< of each repeat
  std::string engine = {};      ///< what ran the network, where there is a choice
};

/// Called before each measurement with those that are done and all.
using BenchProgress = std::function<void(int64_t done, int64_t total)>;

/// Seconds of `repeats` calls of `work`, after two that do not count; a device's queue is waited for.
std::vector<double> timed(const BenchSettings& settings, const Device& device, const BenchProgress& progress,
                          const std::function<void()>& work);
/// Most memory held so far: of the process, or, on a GPU, of LibTorch on it.
double peak_memory(const Device& device);

using Bench = BenchResult (*)(const BenchSettings&, const BenchProgress&);
BenchResult bench_train_step(const BenchSettings& settings, const BenchProgress& progress);
BenchResult bench_edit(const BenchSettings& settings, const BenchProgress& progress);
BenchResult bench_load(const BenchSettings& settings, const BenchProgress& progress);
BenchResult bench_loss(const BenchSettings& settings, const BenchProgress& progress);
BenchResult bench_frechet(const BenchSettings& settings, const BenchProgress& progress);
BenchResult bench_checkpoint(const BenchSettings& settings, const BenchProgress& progress);
BenchResult bench_start(const BenchSettings& settings, const BenchProgress& progress);

/// {"bench": …, the figures, "seconds": […], "settings": {…}, "machine": {…}}
std::string bench_json(std::string_view subject, const BenchSettings& settings, const BenchResult& result);

}  // namespace secgan
