#pragma once
/// A device for machines without a GPU: its memory is the CPU's, its operations are the CPU's, and it refuses what a GPU refuses, tensors
/// of two devices in one operation. LibTorch's type HPU stands in, as the one without kernels whose modules can be moved.

#include <vector>

#include "secgan/core/device.hpp"

namespace secgan::testing {

inline const Device kStandIn(at::kHPU, 0);

/// What the machine has, and the stand-in.
inline std::vector<Device> devices_to_try() {
  std::vector<Device> devices = available_devices();
  devices.push_back(kStandIn);
  return devices;
}

}  // namespace secgan::testing
