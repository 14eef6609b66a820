#pragma once
/// Where networks compute: the CPU or a GPU.

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"

namespace secgan {

using at::Device;

/// What a setting or a flag of that kind says.
inline constexpr const char* kDeviceHelp = "where the networks are: auto (a GPU where there is one), cpu, cuda, cuda:1, mps";

/// What this LibTorch can compute on, on this machine: the CPU and each GPU ("cpu", "cuda:0", "cuda:1", "mps:0").
SECGAN_API std::vector<Device> available_devices();

/// A device by name: "auto" is a GPU where there is one, else the CPU; "cpu", "cuda", "cuda:1", "mps". In a job of several processes of one
/// machine (environment: LOCAL_RANK) "auto" and "cuda" are the process's own GPU.
/// @throws InvalidArgument that says what this LibTorch offers, for a name that is none or a device that is not there.
SECGAN_API Device find_device(std::string_view name);

/// The tensor on that device; without waiting for the copy where the device has a queue of its own (CUDA).
SECGAN_API at::Tensor to_device(const at::Tensor& tensor, const Device& device);

}  // namespace secgan
