#include "bench/bench.hpp"

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <sys/resource.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "core/processor.hpp"
#include "io/json.hpp"
#include "secgan/version.hpp"

namespace secgan {
namespace {

constexpr int64_t kWarmUps = 2;

/// LibTorch's allocator of a GPU; null on the CPU.
c10::DeviceAllocator* allocator_of(const Device& device) {
  return device.is_cpu() ? nullptr : dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(device.type()));
}

}  // namespace

std::vector<double> timed(const BenchSettings& settings, const Device& device, const BenchProgress& progress,
                          const std::function<void()>& work) {
  const ThreadGuard threads(settings.threads);
  const auto wait = [&] {
    if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
  };
  std::vector<double> seconds;
  for (int64_t i = -kWarmUps; i < settings.repeats; ++i) {
    if (progress) progress(i + kWarmUps, settings.repeats + kWarmUps);
    wait();
    const auto begin = std::chrono::steady_clock::now();
    work();
    wait();
    if (i >= 0) seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  if (progress) progress(settings.repeats + kWarmUps, settings.repeats + kWarmUps);
  return seconds;
}

double peak_memory(const Device& device) {
  if (c10::DeviceAllocator* const allocator = allocator_of(device)) {
    const auto stats = allocator->getDeviceStats(device.index());
    return static_cast<double>(stats.allocated_bytes[0].peak);
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;  // NOLINT(cppcoreguidelines-pro-type-union-access): the system's
}

std::string bench_json(std::string_view subject, const BenchSettings& settings, const BenchResult& result) {
  nlohmann::ordered_json out{{"bench", subject}};
  for (const auto& [name, value] : result.values) out[name] = value;
  out["seconds"] = result.seconds;
  out["settings"] = detail::to_json(settings);
  out["machine"] = {{"processor", processor_name()},
                    {"threads", settings.threads > 0 ? settings.threads : at::get_num_threads()},
                    {"device", find_device(settings.device).str()},
                    {"libtorch", TORCH_VERSION},
                    {"secgan", kVersion}};
  if (!result.engine.empty()) out["engine"] = result.engine;
  return out.dump(2) + "\n";
}

}  // namespace secgan
