#pragma once
/// Counter-based randomness: what a step draws depends on the seed and the step alone, so that a resumed run needs
/// no stored random state to go on exactly as if it had never stopped.

#include <ATen/core/Generator.h>

#include <cstdint>
#include <memory>

#include "secgan/core/export.hpp"

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

/// What a stream of random numbers is for: one seed gives each purpose its own. The values are part of what a seed means.
enum class RandomPurpose : uint64_t {
  kMirroring = 0xf11b,     ///< which samples of a batch are mirrored
  kTargets = 0x9a11,       ///< target labels of a batch, and where its gradient penalty is taken
  kHostPenalty = 0x5e9b,   ///< where the gradient penalty is taken in somebody else's training loop
  kAugmentation = 0xa068,  ///< how a batch is changed before discriminators see it
  kJudgedEdits = 0x1d9e,   ///< how edits are changed before the frozen classifier sees them
  kSteps = 0xd509,         ///< what a network from outside draws in a step, as dropout
  kIdentity = 0xface,      ///< the people of drawn faces
  kDrawnLabels = 0x1abe1,  ///< their labels
  kResampling = 1,         ///< photos of a bootstrap
  kEditsOfPhoto = 2,       ///< which of a photo's edits stand for it in distributions
  kKernelSubsets = 3,      ///< subsets of the kernel distance
  kTiming = 4,             ///< resamples of measured times
};

/// A CPU generator that starts from `seed`.
SECGAN_API at::Generator seeded_generator(uint64_t seed);

/// While it lives, what this thread draws on the CPU without naming a generator, as a network's first weights, comes from a generator of
/// its own that starts from `seed`. The process's random state is neither read nor changed, whatever other threads draw meanwhile.
class SECGAN_API SeedGuard {
 public:
  explicit SeedGuard(uint64_t seed);
  ~SeedGuard();
  SeedGuard(const SeedGuard&) = delete;
  SeedGuard& operator=(const SeedGuard&) = delete;

 private:
  struct Scope;
  std::unique_ptr<Scope> scope_;
};

}  // namespace secgan
