#include "secgan/core/random.hpp"

#include <ATen/CPUGeneratorImpl.h>

namespace secgan {

at::Generator seeded_generator(uint64_t seed) { return at::detail::createCPUGenerator(seed); }

}  // namespace secgan
