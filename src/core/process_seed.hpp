#pragma once

#include <ATen/core/Generator.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace secgan {

/// While it lives, the process's own generators, of the CPU and of `device`, go on from `seed`; then from where they were. For networks
/// from outside, which draw from these, and whose checkpointed parts (torch.utils.checkpoint) put these back: SeedGuard's own generator
/// they would not find. Two at a time, in two threads, disturb each other.
class ProcessSeed {
 public:
  ProcessSeed(uint64_t seed, const c10::Device& device);
  ~ProcessSeed();
  ProcessSeed(const ProcessSeed&) = delete;
  ProcessSeed& operator=(const ProcessSeed&) = delete;

 private:
  std::vector<std::pair<at::Generator, at::Tensor>> before_;  ///< with their states
};

}  // namespace secgan
