#pragma once
/// The same code compiled for several widths of the processor's vectors; its best is taken at run time.

// A function is inlined into callers that may use more of the processor than itself.
#if defined(__GNUC__) && defined(__x86_64__)
#define SECGAN_INLINE [[gnu::always_inline]] inline
#define SECGAN_X86_LEVELS 1
#else
#define SECGAN_INLINE inline
#define SECGAN_X86_LEVELS 0
#endif

namespace secgan {

/// How wide the vectors are that the processor has: 64, 32 or 16 bytes.
enum class VectorLevel { kPlain, kAvx2, kAvx512 };
VectorLevel processor_vectors();

}  // namespace secgan

/// Defines `void name(Task&, VectorLevel)`, which calls the inlined function `body` compiled for that level; kBytes is the vectors' width
/// there.
#if SECGAN_X86_LEVELS
#define SECGAN_LEVELS(name, Task, body)                                                           \
  [[gnu::target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]] void name##_avx512(Task& task) { \
    [[maybe_unused]] constexpr int kBytes = 64;                                                   \
    body(task);                                                                                   \
  }                                                                                               \
  [[gnu::target("avx2,fma")]] void name##_avx2(Task& task) {                                      \
    [[maybe_unused]] constexpr int kBytes = 32;                                                   \
    body(task);                                                                                   \
  }                                                                                               \
  void name##_plain(Task& task) {                                                                 \
    [[maybe_unused]] constexpr int kBytes = 16;                                                   \
    body(task);                                                                                   \
  }                                                                                               \
  void name(Task& task, VectorLevel level) {                                                      \
    switch (level) {                                                                              \
      case VectorLevel::kAvx512: return name##_avx512(task);                                      \
      case VectorLevel::kAvx2: return name##_avx2(task);                                          \
      case VectorLevel::kPlain: return name##_plain(task);                                        \
    }                                                                                             \
  }
#else
#define SECGAN_LEVELS(name, Task, body)         \
  void name(Task& task, VectorLevel) {          \
    [[maybe_unused]] constexpr int kBytes = 16; \
    body(task);                                 \
  }
#endif
