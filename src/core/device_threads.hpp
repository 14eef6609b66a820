#pragma once
/// CPU threads of a computation on a device.

#include <ATen/Parallel.h>

#include <cstdint>

#include "secgan/core/device.hpp"

namespace secgan {

/// What MeasuredThreads takes: beside a GPU there is nothing to choose, so that 0 means the process's.
inline int64_t threads_for(const Device& device, int64_t asked) { return asked == 0 && !device.is_cpu() ? at::get_num_threads() : asked; }

}  // namespace secgan
