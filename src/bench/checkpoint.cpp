#include "secgan/training/checkpoint.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>

#include "bench/bench.hpp"
#include "core/format.hpp"
#include "core/median.hpp"
#include "io/temporary.hpp"
#include "secgan/core/random.hpp"

namespace secgan {

BenchResult bench_checkpoint(const BenchSettings& settings, const BenchProgress& progress) {
  constexpr int64_t kTensors = 25, kBytesPerMegabyte = 1'000'000;
  const Device device = find_device(settings.device);
  const int64_t values = std::max<int64_t>(settings.megabytes * kBytesPerMegabyte / kTensors / static_cast<int64_t>(sizeof(float)), 1);
  const at::Generator random = seeded_generator(1);
  Checkpoint checkpoint{.task = "bench"};
  for (int64_t i = 0; i < kTensors; ++i) {
    checkpoint.tensors.emplace_back(fmt::format("tensor_{}", i), to_device(at::randn({values}, random), device));
  }
  const std::filesystem::path place = std::filesystem::temp_directory_path();
  const auto folder = detail::Temporary::folder(place, place);
  RunFolder run(folder.path() / "run", /*resume=*/false);
  const double before = peak_memory(at::kCPU);
  const std::vector<double> seconds = timed(settings, device, progress, [&] { run.save(checkpoint); });
  const double speed = static_cast<double>(settings.megabytes) / median(seconds), peak = peak_memory(at::kCPU);
  return {{{"megabytes_per_second", speed}, {"peak_bytes", peak}, {"working_bytes", peak - before}}, seconds};
}

}  // namespace secgan
