#include "ops/vector_level.hpp"

namespace secgan {

VectorLevel processor_vectors() {
#if SECGAN_X86_LEVELS
  static const VectorLevel level = [] {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl")) {
      return VectorLevel::kAvx512;
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? VectorLevel::kAvx2 : VectorLevel::kPlain;
  }();
  return level;
#else
  return VectorLevel::kPlain;
#endif
}

}  // namespace secgan
