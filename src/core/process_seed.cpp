#include "core/process_seed.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <mutex>

namespace secgan {

ProcessSeed::ProcessSeed(uint64_t seed, const c10::Device& device) {
  std::vector<at::Generator> generators{at::detail::getDefaultCPUGenerator()};
  if (!device.is_cpu()) generators.push_back(at::globalContext().defaultGenerator(device));
  for (at::Generator& generator : generators) {
    const std::scoped_lock lock(generator.mutex());
    before_.emplace_back(generator, generator.get_state());
    generator.set_current_seed(seed);
  }
}

ProcessSeed::~ProcessSeed() {
  for (auto& [generator, state] : before_) {
    const std::scoped_lock lock(generator.mutex());
    generator.set_state(state);
  }
}

}  // namespace secgan
