#include "secgan/core/random.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <mutex>

namespace secgan {

at::Generator seeded_generator(uint64_t seed) { return at::detail::createCPUGenerator(seed); }

SeedGuard::SeedGuard(uint64_t seed) : generator_(at::detail::getDefaultCPUGenerator()) {
  const std::scoped_lock lock(generator_.mutex());
  before_ = generator_.get_state();
  generator_.set_current_seed(seed);
}

SeedGuard::~SeedGuard() {
  const std::scoped_lock lock(generator_.mutex());
  generator_.set_state(before_);
}

}  // namespace secgan
