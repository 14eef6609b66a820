#include "secgan/core/device.hpp"

#include <ATen/ATen.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/detail/MPSHooksInterface.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>

#include "core/format.hpp"
#include "core/whole_number.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

/// Which of a machine's processes this one is; 0 where it is alone.
int64_t local_rank() {
  const char* text = std::getenv("LOCAL_RANK");  // NOLINT(concurrency-mt-unsafe): nothing here writes the environment
  const std::optional<int64_t> rank = text != nullptr ? whole_number(text) : std::nullopt;
  return rank && *rank >= 0 ? *rank : 0;
}

std::vector<Device> of_type(const std::vector<Device>& devices, at::DeviceType type) {
  std::vector<Device> out;
  std::ranges::copy_if(devices, std::back_inserter(out), [&](const Device& device) { return device.type() == type; });
  return out;
}

[[noreturn]] void refuse(std::string_view name, const std::vector<Device>& offered) {
  std::vector<std::string> names{"auto"};
  for (const Device& device : offered) names.push_back(device.str());
  throw InvalidArgument(
      fmt::format("device '{}' is not there: LibTorch {} offers {} on this machine", name, TORCH_VERSION, fmt::join(names, ", ")));
}

}  // namespace

std::vector<Device> available_devices() {
  std::vector<Device> devices{at::kCPU};
  const auto gpus = at::Context::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  for (int i = 0; i < gpus; ++i) devices.emplace_back(at::kCUDA, static_cast<c10::DeviceIndex>(i));
  if (at::detail::getMPSHooks().hasMPS()) devices.emplace_back(at::kMPS, static_cast<c10::DeviceIndex>(0));
  return devices;
}

Device find_device(std::string_view name) {
  const std::vector<Device> offered = available_devices();
  if (name == "auto") return offered.size() == 1 ? offered.front() : find_device(offered[1].is_cuda() ? "cuda" : offered[1].str());
  std::optional<Device> asked;
  try {
    asked.emplace(std::string(name));
  } catch (const c10::Error&) {
    refuse(name, offered);
  }
  const std::vector<Device> alike = of_type(offered, asked->type());
  if (alike.empty()) refuse(name, offered);
  if (asked->is_cpu()) {
    if (asked->has_index() && asked->index() != 0) refuse(name, offered);
    return at::kCPU;
  }
  if (asked->has_index()) {
    if (std::ranges::find(alike, *asked) == alike.end()) refuse(name, offered);
    return *asked;
  }
  return alike[static_cast<size_t>(local_rank()) % alike.size()];
}

at::Tensor to_device(const at::Tensor& tensor, const Device& device) {
  if (!tensor.defined() || tensor.device() == device) return tensor;
  // The copy engine reads pinned memory by itself; LibTorch keeps that memory until it is done.
  if (device.is_cuda() && tensor.is_cpu()) return tensor.pin_memory().to(device, /*non_blocking=*/true);
  return tensor.to(device);
}

}  // namespace secgan
