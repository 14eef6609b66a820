#include "ops/consistency_kernel.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/huge_pages.hpp"
#include "ops/tasks.hpp"

// A vector of pixels at a time, in registers, by the vector extensions of GCC and Clang.

namespace secgan {
namespace {

constexpr int64_t kChunk = 4096;  ///< pixels of a task; sums of tasks are added in order, whatever the threads

template <class T>
struct Numbers;
template <>
struct Numbers<float> {
  using Int = int32_t;
  static constexpr int kMantissa = 23;
  static constexpr float kRound = 12582912.0F;  ///< 1.5 * 2^23: adding it rounds to a whole number
  static constexpr float kLowest = -87.0F;      ///< exp of less is taken as 0
  static constexpr float kTiny = 1e-30F;        ///< sums below have lost digits: such a pixel is computed in the log domain
  static constexpr float kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  /// exp(r) = 1 + r + r^2 p(r) for |r| <= ln 2 / 2 (Cephes, expf).
  static constexpr std::array<float, 6> kExp{1.9875691500e-4F, 1.3981999507e-3F, 8.3334519073e-3F,
                                             4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F};
  static constexpr int kLogTerms = 4;
};
template <>
struct Numbers<double> {
  using Int = int64_t;
  static constexpr int kMantissa = 52;
  static constexpr double kRound = 6755399441055744.0;  ///< 1.5 * 2^52
  static constexpr double kLowest = -708.0;
  static constexpr double kTiny = 1e-280;
  static constexpr double kLn2High = 6.93147180369123816490e-01, kLn2Low = 1.90821492927058770002e-10;
  /// Taylor's, to r^13: the next term is below 1e-17.
  static constexpr std::array<double, 12> kExp{1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
                                               1.0 / 5040,       1.0 / 720,       1.0 / 120,      1.0 / 24,      1.0 / 6,      1.0 / 2};
  static constexpr int kLogTerms = 11;
};

/// So many bytes of numbers, and of the integers that are as wide.
template <class T, int kBytes>
struct Lanes {
  static constexpr int64_t kCount = kBytes / sizeof(T);
  typedef T Vector __attribute__((vector_size(kBytes)));                           // NOLINT(modernize-use-using): takes no attribute
  typedef typename Numbers<T>::Int Integers __attribute__((vector_size(kBytes)));  // NOLINT(modernize-use-using)
};

template <class Vector, class T>
SECGAN_INLINE void load(const T* from, Vector& to) {
  std::memcpy(&to, from, sizeof(to));
}

template <class Vector, class T>
SECGAN_INLINE void store(const Vector& from, T* to) {
  std::memcpy(to, &from, sizeof(from));
}

/// Past the caches, where `to` is aligned to the vector: what is written last is not what is read first, if it is larger than the caches.
template <class Vector, class T>
SECGAN_INLINE void stream(const Vector& from, T* to) {
#if defined(__clang__)
  __builtin_nontemporal_store(from, reinterpret_cast<Vector*>(to));
#else
#if SECGAN_X86_LEVELS
  // The intrinsics are bound to one instruction set; the template is compiled for each.
  if constexpr (sizeof(Vector) >= 32) {
    asm volatile("vmovntps %1, %0" : "=m"(*reinterpret_cast<Vector*>(to)) : "v"(from));
    return;
  }
#endif
  store(from, to);
#endif
}

/// x = exp(x) for x <= 0 or NaN, to an ulp or two.
template <class T, int kBytes>
SECGAN_INLINE void exponential(typename Lanes<T, kBytes>::Vector& x) {
  using N = Numbers<T>;
  using Vector = typename Lanes<T, kBytes>::Vector;
  using Integers = typename Lanes<T, kBytes>::Integers;
  const auto low = x < N::kLowest;
  const Vector bounded = low ? Vector{} + N::kLowest : x;
  const Vector shifted = bounded * T(1.44269504088896340736) + N::kRound;
  const Vector whole = shifted - N::kRound;
  const Vector r = (bounded - whole * N::kLn2High) - whole * N::kLn2Low;
  Vector p = Vector{} + N::kExp[0];
  for (size_t i = 1; i < N::kExp.size(); ++i) p = p * r + N::kExp[i];
  p = p * (r * r) + (r + T(1));
  // The low bits of `shifted` hold the whole number: added to the exponent they multiply by a power of two.
  const Vector value = (Vector)((Integers)p + ((Integers)shifted << N::kMantissa));
  x = low ? Vector{} : value;
}

/// x = log(x) for normal x > 0 or NaN.
template <class T, int kBytes>
SECGAN_INLINE void logarithm(typename Lanes<T, kBytes>::Vector& x) {
  using N = Numbers<T>;
  using Int = typename N::Int;
  using Vector = typename Lanes<T, kBytes>::Vector;
  using Integers = typename Lanes<T, kBytes>::Integers;
  const Integers bits = (Integers)x;
  const Integers exponent = (bits - std::bit_cast<Int>(T(0.70710678118654752440))) >> N::kMantissa;
  const Vector m = (Vector)(bits - (exponent << N::kMantissa));  // in [sqrt(1/2), sqrt(2))
  const Vector s = (m - T(1)) / (m + T(1)), z = s * s;
  Vector p = Vector{} + T(1) / T(2 * N::kLogTerms + 1);
  for (int i = N::kLogTerms - 1; i >= 0; --i) p = p * z + T(1) / T(2 * i + 1);
  const Vector e = __builtin_convertvector(exponent, Vector);
  const Vector value = e * N::kLn2High + (e * N::kLn2Low + T(2) * s * p);
  x = x == x ? value : x;
}

template <class T>
struct Side {
  const T* logits;
  int64_t stride;  ///< from class to class
  int64_t classes;
  int64_t merged;
  const int64_t* groups;  ///< the merged class of each class
  const int64_t* order;   ///< the classes, members of a merged class beside each other
  const int64_t* ends;    ///< where in the order each merged class ends
  bool identity;
};

/// Of one pixel, in float64 and the log domain: for the ends of rows, and where sums of exponentials have lost their digits.
template <class T>
class ExactPixel {
 public:
  ExactPixel(const Side<T>& side, int64_t pixel) : side_(side), pixel_(pixel) {
    for (int64_t c = 0; c < side.classes; ++c) peak_ = larger(at(c), peak_);
    for (int64_t c = 0; c < side.classes; ++c) sum_ += std::exp(at(c) - peak_);
  }

  double log_probability(int64_t group) const { return log_sum(group) - (peak_ + std::log(sum_)); }

  uint8_t label() const {
    int64_t best = 0;
    for (int64_t j = 1; j < side_.merged; ++j) {
      if (log_sum(j) > log_sum(best)) best = j;
    }
    return static_cast<uint8_t>(best);
  }

  void gradient(int64_t group, double scale, T* out) const {
    const double own = log_sum(group);
    const bool alone = members(group) == 1;
    for (int64_t c = 0; c < side_.classes; ++c) {
      const double share = side_.groups[c] != group ? 0 : alone ? 1 : std::exp(at(c) - own);
      out[c * side_.stride + pixel_] = static_cast<T>(scale * (share - std::exp(at(c) - peak_) / sum_));
    }
  }

 private:
  static double larger(double a, double b) { return a > b ? a : b; }
  double at(int64_t c) const { return side_.logits[c * side_.stride + pixel_]; }
  int64_t begin(int64_t group) const { return group == 0 ? 0 : side_.ends[group - 1]; }
  int64_t members(int64_t group) const { return side_.ends[group] - begin(group); }
  double log_sum(int64_t group) const {
    if (members(group) == 1) return at(side_.order[begin(group)]);
    double peak = kLowest, sum = 0;
    for (int64_t k = begin(group); k < side_.ends[group]; ++k) peak = larger(at(side_.order[k]), peak);
    if (peak == kLowest) return peak;
    for (int64_t k = begin(group); k < side_.ends[group]; ++k) sum += std::exp(at(side_.order[k]) - peak);
    return peak + std::log(sum);
  }

  static constexpr double kLowest = -std::numeric_limits<double>::infinity();
  const Side<T>& side_;
  int64_t pixel_;
  double peak_ = kLowest;
  double sum_ = 0;
};

/// A vector of pixels of one side.
template <class T, int kBytes>
struct Pixels {
  using Vector = typename Lanes<T, kBytes>::Vector;
  using Integers = typename Lanes<T, kBytes>::Integers;

  const Side<T>& side;
  const T* logits;  ///< of the first pixel

  SECGAN_INLINE void find_peak(Vector& peak) const {
    load(logits, peak);
    for (int64_t c = 1; c < side.classes; ++c) {
      Vector x;
      load(logits + c * side.stride, x);
      peak = x > peak ? x : peak;
    }
  }

  /// Peak and arg-max of classes that are not merged.
  SECGAN_INLINE void find_label(Vector& peak, Integers& label) const {
    load(logits, peak);
    label = Integers{};
    for (int64_t c = 1; c < side.classes; ++c) {
      Vector x;
      load(logits + c * side.stride, x);
      const auto more = x > peak;
      peak = more ? x : peak;
      label = more ? Integers{} + static_cast<typename Numbers<T>::Int>(c) : label;
    }
  }

  /// From exp(logit - peak): their sum, that of the class `wanted`, and the arg-max of the merged classes.
  SECGAN_INLINE void sums(const Vector& peak, const Integers& wanted, Vector& sum, Vector& chosen, Integers& label) const {
    Vector best = Vector{} - T(1);
    sum = chosen = Vector{};
    label = Integers{};
    int64_t k = 0;
    for (int64_t j = 0; j < side.merged; ++j) {
      Vector own{};
      for (; k < side.ends[j]; ++k) {
        Vector x;
        load(logits + side.order[k] * side.stride, x);
        x -= peak;
        exponential<T, kBytes>(x);
        own += x;
      }
      const Integers here = Integers{} + static_cast<typename Numbers<T>::Int>(j);
      sum += own;
      chosen = wanted == here ? own : chosen;
      const auto more = own > best;
      label = more ? here : label;
      best = more ? own : best;
    }
  }
};

template <class T>
struct ForwardTask {
  std::array<Side<T>, 2> sides;
  std::array<bool, 2> wanted;
  std::array<uint8_t*, 2> labels;
  std::array<double, 2> sums;
  int64_t pixels;
};

/// Whether a lane is true.
template <class Mask>
SECGAN_INLINE bool any(const Mask& mask) {
  std::array<uint64_t, sizeof(Mask) / sizeof(uint64_t)> words;
  std::memcpy(words.data(), &mask, sizeof(mask));
  uint64_t all = 0;
  for (const uint64_t word : words) all |= word;
  return all != 0;
}

template <class T, int kBytes>
SECGAN_INLINE void forward_body(ForwardTask<T>& task) {
  using Vector = typename Lanes<T, kBytes>::Vector;
  using Integers = typename Lanes<T, kBytes>::Integers;
  constexpr int64_t kCount = Lanes<T, kBytes>::kCount;
  std::array<Vector, 2> totals{};  // of a task: few enough for float32
  std::array<double, 2> rest{};
  // A side whose classes are merged knows its label after its exponentials: it goes between the other's label and the other's exponentials.
  const size_t first = task.sides[0].identity ? 0 : 1, second = 1 - first;
  const auto add = [&](size_t s, const Vector& sum, const Vector& chosen, const Integers& label, int64_t begin)
                       __attribute__((always_inline)) {
                         const auto lost = chosen < Numbers<T>::kTiny;
                         Vector value = chosen / sum;
                         logarithm<T, kBytes>(value);
                         if (any(lost)) [[unlikely]] {
                           for (int64_t i = 0; i < kCount; ++i) {
                             if (lost[i]) value[i] = static_cast<T>(ExactPixel(task.sides[s], begin + i).log_probability(label[i]));
                           }
                         }
                         totals[s] += value;
                       };
  int64_t begin = 0;
  for (; begin + kCount <= task.pixels; begin += kCount) {
    const Pixels<T, kBytes> a{task.sides[first], task.sides[first].logits + begin},
        b{task.sides[second], task.sides[second].logits + begin};
    Vector peak_a, peak_b, sum, chosen;
    Integers label_a, label_b, unused;
    if (task.sides[first].identity) {
      a.find_label(peak_a, label_a);
    } else {
      a.find_peak(peak_a);
      a.sums(peak_a, Integers{}, sum, chosen, label_a);
    }
    if (task.sides[second].identity) {
      b.find_label(peak_b, label_b);
    } else {
      b.find_peak(peak_b);
    }
    if (task.wanted[second] || !task.sides[second].identity) {
      b.sums(peak_b, label_a, sum, chosen, label_b);
      if (task.wanted[second]) add(second, sum, chosen, label_a, begin);
    }
    if (task.wanted[first]) {
      a.sums(peak_a, label_b, sum, chosen, unused);
      add(first, sum, chosen, label_b, begin);
    }
    if (task.wanted[second]) {
      for (int64_t i = 0; i < kCount; ++i) task.labels[first][begin + i] = static_cast<uint8_t>(label_a[i]);
    }
    if (task.wanted[first]) {
      for (int64_t i = 0; i < kCount; ++i) task.labels[second][begin + i] = static_cast<uint8_t>(label_b[i]);
    }
  }
  for (; begin < task.pixels; ++begin) {
    const std::array<ExactPixel<T>, 2> pixels{ExactPixel(task.sides[0], begin), ExactPixel(task.sides[1], begin)};
    for (size_t s = 0; s < 2; ++s) {
      if (!task.wanted[s]) continue;
      const uint8_t label = task.labels[1 - s][begin] = pixels[1 - s].label();
      rest[s] += pixels[s].log_probability(label);
    }
  }
  for (size_t s = 0; s < 2; ++s) {
    task.sums[s] = rest[s];
    for (int64_t i = 0; i < kCount; ++i) task.sums[s] += totals[s][i];
  }
}

template <class T>
struct BackwardTask {
  Side<T> side;
  const uint8_t* labels;
  T* gradient;
  T scale;
  int64_t pixels;
  bool large;  ///< the gradient exceeds the caches
};

template <class T, int kBytes>
SECGAN_INLINE void backward_body(BackwardTask<T>& task) {
  using Int = typename Numbers<T>::Int;
  using Vector = typename Lanes<T, kBytes>::Vector;
  using Integers = typename Lanes<T, kBytes>::Integers;
  constexpr int64_t kCount = Lanes<T, kBytes>::kCount;
  const Side<T>& side = task.side;
  std::array<Vector, kMostClasses> exponentials;
  const bool streamed = task.large && reinterpret_cast<uintptr_t>(task.gradient) % kBytes == 0 && side.stride % kCount == 0;
  int64_t begin = 0;
  for (; begin + kCount <= task.pixels; begin += kCount) {
    const Pixels<T, kBytes> pixels{side, side.logits + begin};
    Vector peak, sum{}, own{};
    Integers label;
    for (int64_t i = 0; i < kCount; ++i) label[i] = task.labels[begin + i];
    pixels.find_peak(peak);
    for (int64_t c = 0; c < side.classes; ++c) {
      Vector x;
      load(pixels.logits + c * side.stride, x);
      x -= peak;
      exponential<T, kBytes>(x);
      exponentials[c] = x;
      sum += x;
      own += label == Integers{} + static_cast<Int>(side.groups[c]) ? x : Vector{};
    }
    const Vector of_all = task.scale / sum, of_own = task.scale / own;
    for (int64_t c = 0; c < side.classes; ++c) {
      const Vector share = label == Integers{} + static_cast<Int>(side.groups[c]) ? of_own : Vector{};
      const Vector value = exponentials[c] * (share - of_all);
      T* const out = task.gradient + c * side.stride + begin;
      if (streamed) {
        stream(value, out);
      } else {
        store(value, out);
      }
    }
    const auto lost = own < Numbers<T>::kTiny;
    if (any(lost)) [[unlikely]] {
      for (int64_t i = 0; i < kCount; ++i) {
        if (lost[i]) ExactPixel(side, begin + i).gradient(label[i], task.scale, task.gradient);
      }
    }
  }
#if SECGAN_X86_LEVELS
  if (streamed) asm volatile("sfence" ::: "memory");  // before another thread reads
#endif
  for (; begin < task.pixels; ++begin) ExactPixel(side, begin).gradient(task.labels[begin], task.scale, task.gradient);
}

SECGAN_LEVELS(forward_chunk, ForwardTask<float>, (forward_body<float, kBytes>))
SECGAN_LEVELS(forward_chunk, ForwardTask<double>, (forward_body<double, kBytes>))
SECGAN_LEVELS(backward_chunk, BackwardTask<float>, (backward_body<float, kBytes>))
SECGAN_LEVELS(backward_chunk, BackwardTask<double>, (backward_body<double, kBytes>))

/// The merge as the kernels read it.
struct Order {
  std::vector<int64_t> order, ends;
  bool identity = true;
  explicit Order(const std::vector<int64_t>& groups) {
    const int64_t merged = *std::ranges::max_element(groups) + 1;
    for (int64_t j = 0; j < merged; ++j) {
      for (size_t c = 0; c < groups.size(); ++c) {
        if (groups[c] == j) order.push_back(static_cast<int64_t>(c));
      }
      ends.push_back(static_cast<int64_t>(order.size()));
    }
    for (size_t c = 0; c < groups.size(); ++c) identity = identity && groups[c] == static_cast<int64_t>(c);
  }
};

template <class T>
Side<T> side_at(const MergedLogits& side, const Order& order, int64_t image, int64_t pixel) {
  const int64_t pixels = side.logits.size(2) * side.logits.size(3), classes = side.logits.size(1);
  return {.logits = side.logits.const_data_ptr<T>() + image * classes * pixels + pixel,
          .stride = pixels,
          .classes = classes,
          .merged = static_cast<int64_t>(order.ends.size()),
          .groups = side.groups.data(),
          .order = order.order.data(),
          .ends = order.ends.data(),
          .identity = order.identity};
}

struct Chunks {
  int64_t pixels, per_image, count;
  explicit Chunks(const at::Tensor& logits)
      : pixels(logits.size(2) * logits.size(3)), per_image((pixels + kChunk - 1) / kChunk), count(logits.size(0) * per_image) {}
  int64_t image(int64_t chunk) const { return chunk / per_image; }
  int64_t begin(int64_t chunk) const { return chunk % per_image * kChunk; }
  int64_t size(int64_t chunk) const { return std::min(kChunk, pixels - begin(chunk)); }
};

constexpr size_t kBeyondCaches = size_t{16} << 20;

}  // namespace

HardTerms hard_consistency_terms(const MergedLogits& first, const MergedLogits& second, std::array<bool, 2> wanted, VectorLevel level) {
  const at::Tensor& logits = first.logits;
  HardTerms out;
  for (size_t s = 0; s < 2; ++s) {
    if (wanted[1 - s]) out.labels[s] = at::empty({logits.size(0), logits.size(2), logits.size(3)}, logits.options().dtype(at::kByte));
  }
  const Chunks chunks(logits);
  const std::array<Order, 2> orders{Order(first.groups), Order(second.groups)};
  std::vector<std::array<double, 2>> sums(chunks.count);
  AT_DISPATCH_FLOATING_TYPES(logits.scalar_type(), "hard_consistency_terms", [&] {
    const std::array<uint8_t*, 2> labels{wanted[1] ? out.labels[0].mutable_data_ptr<uint8_t>() : nullptr,
                                         wanted[0] ? out.labels[1].mutable_data_ptr<uint8_t>() : nullptr};
    for_each_task(chunks.count, [&](int64_t chunk) {
      const int64_t image = chunks.image(chunk), begin = chunks.begin(chunk), place = image * chunks.pixels + begin;
      ForwardTask<scalar_t> task{{side_at<scalar_t>(first, orders[0], image, begin), side_at<scalar_t>(second, orders[1], image, begin)},
                                 wanted,
                                 {wanted[1] ? labels[0] + place : nullptr, wanted[0] ? labels[1] + place : nullptr},
                                 {},
                                 chunks.size(chunk)};
      forward_chunk(task, level);
      sums[chunk] = task.sums;
    });
  });
  for (const auto& sum : sums) {
    for (size_t s = 0; s < 2; ++s) out.sums[s] += sum[s];
  }
  return out;
}

at::Tensor hard_consistency_gradient(const MergedLogits& side, const at::Tensor& labels, double scale, VectorLevel level) {
  at::Tensor gradient = empty_in_huge_pages(side.logits.sizes(), side.logits.options());
  const Chunks chunks(side.logits);
  const Order order(side.groups);
  AT_DISPATCH_FLOATING_TYPES(side.logits.scalar_type(), "hard_consistency_gradient", [&] {
    const uint8_t* const given = labels.const_data_ptr<uint8_t>();
    auto* const out = gradient.mutable_data_ptr<scalar_t>();
    for_each_task(chunks.count, [&](int64_t chunk) {
      const int64_t image = chunks.image(chunk), begin = chunks.begin(chunk);
      BackwardTask<scalar_t> task{side_at<scalar_t>(side, order, image, begin),
                                  given + image * chunks.pixels + begin,
                                  out + image * side.logits.size(1) * chunks.pixels + begin,
                                  static_cast<scalar_t>(scale),
                                  chunks.size(chunk),
                                  gradient.nbytes() >= kBeyondCaches};
      backward_chunk(task, level);
    });
  });
  return gradient;
}

}  // namespace secgan
