#pragma once
/// Networks that come as a program in a file: TorchScript, or compiled ahead of time.

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>

#include "secgan/core/device.hpp"
#include "secgan/core/export.hpp"

namespace secgan {

/// One tensor in, one out. Of several outputs the first counts.
using TensorFunction = std::function<at::Tensor(const at::Tensor&)>;

// Such files are programs: load none that you do not trust.

/// A TorchScript file (torch.jit.save): evaluation mode, weights without gradients, the input's gradient kept.
/// @param device  of its weights; its inputs must be there
/// @throws FileNotFound, or Error naming the file when it is no TorchScript.
SECGAN_API TensorFunction load_torchscript(const std::filesystem::path& file, const Device& device = at::kCPU);

/// A package of AOTInductor (torch._inductor.aoti_compile_and_package): without gradients.
/// @throws FileNotFound, or Error naming the file; for an exported program that is not compiled with what compiles it.
SECGAN_API TensorFunction load_compiled_program(const std::filesystem::path& file);

/// Either, distinguished by what the file holds.
SECGAN_API TensorFunction load_program(const std::filesystem::path& file);

}  // namespace secgan
