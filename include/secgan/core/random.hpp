#pragma once
/// Counter-based randomness: what a step draws depends on the seed and the step alone, so that a resumed run needs
/// no stored random state to go on exactly as if it had never stopped.

#include <ATen/core/Generator.h>

#include <cstdint>

namespace secgan {

/// A well-mixed 64-bit hash (the finalizer of splitmix64).
constexpr uint64_t mix_bits(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// The hash of a seed and counters, each order and value giving another one.
template <class... Counters>
constexpr uint64_t mix_seed(uint64_t seed, Counters... counters) {
  uint64_t state = mix_bits(seed);
  ((state = mix_bits(state ^ mix_bits(static_cast<uint64_t>(counters) + 0x632be59bd9b4e019ULL))), ...);
  return state;
}

/// A CPU generator that starts from `seed`.
at::Generator seeded_generator(uint64_t seed);

}  // namespace secgan
