#include "ops/norm_activation.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/tasks.hpp"
#include "secgan/ops/precision.hpp"

// Of one channel of one image, M pixels, with h = gradient * l'(y), r = rstd:
//   J^T gradient = weight r (h - mean h - x Q / M),           Q = sum h x
//   J u          = l'(y) weight r (u - mean u - x P / M),     P = sum u x
//   <u, J^T gradient> = weight r A,                           A = sum u h - sum u sum h / M - P Q / M
//   d/dz of that = -weight r^2 / M (x (A - 2 P Q / M) + Q (u - mean u) + P (h - mean h))

namespace secgan {
namespace {

constexpr int64_t kBlock = 64;    ///< channels of a task: a pixel's lie side by side in memory
constexpr int64_t kSummed = 128;  ///< summed in the numbers' own precision, then in float64

template <class T>
using Computed = std::conditional_t<std::is_same_v<T, double>, double, float>;
template <class C>
using Channels = std::array<C, kBlock>;

/// Some channels of one image; pixels lie `stride` numbers apart.
template <class T>
struct NormTask {
  int64_t pixels, stride, width;
  const T* input;
  T* output;
  const Computed<T>*weight, *bias;
  Computed<T>*mean, *rstd;
  double epsilon;
  Computed<T> slope;
};

/// Images by blocks of channels, as tasks.
struct ChannelBlocks {
  int64_t channels, pixels, blocks, count;
  explicit ChannelBlocks(const at::Tensor& z)
      : channels(z.size(1)), pixels(z.size(2) * z.size(3)), blocks((channels + kBlock - 1) / kBlock), count(z.size(0) * blocks) {}
  int64_t first(int64_t task) const { return task % blocks * kBlock; }
  int64_t width(int64_t task) const { return std::min(kBlock, channels - first(task)); }
  /// Of a pixel's numbers in [N, H, W, C], and of an image's in [N, C].
  int64_t at(int64_t task) const { return task / blocks * pixels * channels + first(task); }
  int64_t of_image(int64_t task) const { return task / blocks * channels + first(task); }
};

/// What both gradients read.
template <class T>
struct NormMaps {
  int64_t pixels, stride, width;
  const T *input, *output, *gradient;
  const Computed<T>*weight, *mean, *rstd;
  Computed<T> slope;

  /// Of all channels of all images.  @param gradient, weight  as the kernels want them: by pixel, contiguous
  NormMaps(const NormActivation& at, const at::Tensor& gradient, const at::Tensor& weight, const ChannelBlocks& blocks)
      : pixels(blocks.pixels),
        stride(blocks.channels),
        width(blocks.channels),
        input(at.input.template const_data_ptr<T>()),
        output(at.output.template const_data_ptr<T>()),
        gradient(gradient.template const_data_ptr<T>()),
        weight(weight.template const_data_ptr<Computed<T>>()),
        mean(at.mean.template const_data_ptr<Computed<T>>()),
        rstd(at.rstd.template const_data_ptr<Computed<T>>()),
        slope(static_cast<Computed<T>>(at.slope)) {}

  NormMaps of_task(const ChannelBlocks& blocks, int64_t task) const {
    NormMaps out = *this;
    const int64_t place = blocks.at(task), image = blocks.of_image(task);
    out.width = blocks.width(task);
    out.input += place, out.output += place, out.gradient += place;
    out.weight += blocks.first(task);
    out.mean += image, out.rstd += image;
    return out;
  }
};

template <class T>
struct NormGradientTask : NormMaps<T> {
  T* of_input;
  Computed<T>*of_weight, *of_bias;
};

template <class T>
struct NormSecondTask : NormMaps<T> {
  const T* covector;
  T *of_gradient, *of_input;
  Computed<T>* of_weight;
};

/// Sums over the pixels of one image; add(offset of the pixel, sums) adds one pixel.
template <class C, size_t kSums, class Add>
SECGAN_INLINE void sum_pixels(int64_t pixels, int64_t stride, int64_t width, std::array<Channels<double>, kSums>& sums, const Add& add) {
  for (auto& sum : sums) sum.fill(0);
  for (int64_t begin = 0; begin < pixels; begin += kSummed) {
    std::array<Channels<C>, kSums> part;
    for (auto& sum : part) sum.fill(0);
    const int64_t end = std::min(begin + kSummed, pixels);
    for (int64_t p = begin; p < end; ++p) add(p * stride, part);
    for (size_t s = 0; s < kSums; ++s) {
      for (int64_t c = 0; c < width; ++c) sums[s][c] += part[s][c];
    }
  }
}

#define SECGAN_LAMBDA __attribute__((always_inline))

/// @tparam kChannels  the task's width where it is known to the compiler, else 0
template <class T, int64_t kChannels>
SECGAN_INLINE void forward_channels(NormTask<T>& t) {
  using C = Computed<T>;
  const int64_t width = kChannels > 0 ? kChannels : t.width;
  const auto count = static_cast<double>(t.pixels);
  std::array<Channels<double>, 1> sums;
  sum_pixels<C>(t.pixels, t.stride, width, sums, [&](int64_t at, auto& part) SECGAN_LAMBDA {
    const T* const z = t.input + at;
    for (int64_t c = 0; c < width; ++c) part[0][c] += static_cast<C>(z[c]);
  });
  Channels<C> mean{}, scale{}, shift{};
  for (int64_t c = 0; c < width; ++c) t.mean[c] = mean[c] = static_cast<C>(sums[0][c] / count);
  sum_pixels<C>(t.pixels, t.stride, width, sums, [&](int64_t at, auto& part) SECGAN_LAMBDA {
    const T* const z = t.input + at;
    for (int64_t c = 0; c < width; ++c) {
      const C d = static_cast<C>(z[c]) - mean[c];
      part[0][c] += d * d;
    }
  });
  for (int64_t c = 0; c < width; ++c) {
    t.rstd[c] = static_cast<C>(1 / std::sqrt(sums[0][c] / count + t.epsilon));
    scale[c] = t.weight[c] * t.rstd[c];
    shift[c] = t.bias[c] - mean[c] * scale[c];
  }
  for (int64_t p = 0; p < t.pixels; ++p) {
    const T* const z = t.input + p * t.stride;
    T* const y = t.output + p * t.stride;
    for (int64_t c = 0; c < width; ++c) {
      const C value = static_cast<C>(z[c]) * scale[c] + shift[c];
      y[c] = static_cast<T>(value > 0 ? value : value * t.slope);
    }
  }
}

template <class T, int64_t kChannels>
SECGAN_INLINE void gradient_channels(NormGradientTask<T>& t) {
  using C = Computed<T>;
  const int64_t width = kChannels > 0 ? kChannels : t.width;
  const auto count = static_cast<double>(t.pixels);
  Channels<C> mean{}, rstd{};
  for (int64_t c = 0; c < width; ++c) mean[c] = t.mean[c], rstd[c] = t.rstd[c];
  std::array<Channels<double>, 2> sums;  // h, h x
  sum_pixels<C>(t.pixels, t.stride, width, sums, [&](int64_t at, auto& part) SECGAN_LAMBDA {
    const T *const z = t.input + at, *const y = t.output + at, *const g = t.gradient + at;
    for (int64_t c = 0; c < width; ++c) {
      const C h = static_cast<C>(g[c]) * (static_cast<C>(y[c]) > 0 ? C(1) : t.slope);
      part[0][c] += h;
      part[1][c] += h * ((static_cast<C>(z[c]) - mean[c]) * rstd[c]);
    }
  });
  Channels<C> scale{}, h_mean{}, hx_mean{};
  for (int64_t c = 0; c < width; ++c) {
    t.of_bias[c] = static_cast<C>(sums[0][c]);
    t.of_weight[c] = static_cast<C>(sums[1][c]);
    scale[c] = t.weight[c] * rstd[c];
    h_mean[c] = static_cast<C>(sums[0][c] / count);
    hx_mean[c] = static_cast<C>(sums[1][c] / count);
  }
  for (int64_t p = 0; p < t.pixels; ++p) {
    const int64_t at = p * t.stride;
    const T *const z = t.input + at, *const y = t.output + at, *const g = t.gradient + at;
    T* const out = t.of_input + at;
    for (int64_t c = 0; c < width; ++c) {
      const C h = static_cast<C>(g[c]) * (static_cast<C>(y[c]) > 0 ? C(1) : t.slope);
      const C x = (static_cast<C>(z[c]) - mean[c]) * rstd[c];
      out[c] = static_cast<T>(scale[c] * (h - h_mean[c] - x * hx_mean[c]));
    }
  }
}

template <class T, int64_t kChannels>
SECGAN_INLINE void second_channels(NormSecondTask<T>& t) {
  using C = Computed<T>;
  const int64_t width = kChannels > 0 ? kChannels : t.width;
  const auto count = static_cast<double>(t.pixels);
  Channels<C> mean{}, rstd{};
  for (int64_t c = 0; c < width; ++c) mean[c] = t.mean[c], rstd[c] = t.rstd[c];
  std::array<Channels<double>, 5> sums;  // h, h x, u, u x, u h
  sum_pixels<C>(t.pixels, t.stride, width, sums, [&](int64_t at, auto& part) SECGAN_LAMBDA {
    const T *const z = t.input + at, *const y = t.output + at, *const g = t.gradient + at, *const u = t.covector + at;
    for (int64_t c = 0; c < width; ++c) {
      const C h = static_cast<C>(g[c]) * (static_cast<C>(y[c]) > 0 ? C(1) : t.slope);
      const C x = (static_cast<C>(z[c]) - mean[c]) * rstd[c], v = static_cast<C>(u[c]);
      part[0][c] += h;
      part[1][c] += h * x;
      part[2][c] += v;
      part[3][c] += v * x;
      part[4][c] += v * h;
    }
  });
  Channels<C> scale{}, h_mean{}, u_mean{}, p_mean{}, outer{}, of_x{}, of_u{}, of_h{};
  for (int64_t c = 0; c < width; ++c) {
    const double h = sums[0][c], q = sums[1][c], u = sums[2][c], p = sums[3][c];
    const double a = sums[4][c] - u * h / count - p * q / count;
    scale[c] = t.weight[c] * rstd[c];
    h_mean[c] = static_cast<C>(h / count);
    u_mean[c] = static_cast<C>(u / count);
    p_mean[c] = static_cast<C>(p / count);
    outer[c] = -scale[c] * rstd[c];
    of_x[c] = static_cast<C>((a - 2 * p * q / count) / count);
    of_u[c] = static_cast<C>(q / count);
    of_h[c] = static_cast<C>(p / count);
    t.of_weight[c] = static_cast<C>(rstd[c] * a);
  }
  for (int64_t p = 0; p < t.pixels; ++p) {
    const int64_t at = p * t.stride;
    const T *const z = t.input + at, *const y = t.output + at, *const g = t.gradient + at, *const u = t.covector + at;
    T *const of_gradient = t.of_gradient + at, *const of_input = t.of_input + at;
    for (int64_t c = 0; c < width; ++c) {
      const C side = static_cast<C>(y[c]) > 0 ? C(1) : t.slope;
      const C h = static_cast<C>(g[c]) * side - h_mean[c], v = static_cast<C>(u[c]) - u_mean[c];
      const C x = (static_cast<C>(z[c]) - mean[c]) * rstd[c];
      of_gradient[c] = static_cast<T>(side * scale[c] * (v - x * p_mean[c]));
      of_input[c] = static_cast<T>(outer[c] * (x * of_x[c] + of_u[c] * v + of_h[c] * h));
    }
  }
}

#define SECGAN_OF_WIDTH(body)           \
  template <class T>                    \
  SECGAN_INLINE void body(auto& task) { \
    if (task.width == kBlock) {         \
      body##_channels<T, kBlock>(task); \
    } else {                            \
      body##_channels<T, 0>(task);      \
    }                                   \
  }
SECGAN_OF_WIDTH(forward)
SECGAN_OF_WIDTH(gradient)
SECGAN_OF_WIDTH(second)
#undef SECGAN_OF_WIDTH

#define SECGAN_OF_TYPE(T)                                              \
  SECGAN_LEVELS(run_norm, NormTask<T>, (forward<T>))                   \
  SECGAN_LEVELS(run_norm_gradient, NormGradientTask<T>, (gradient<T>)) \
  SECGAN_LEVELS(run_norm_second, NormSecondTask<T>, (second<T>))
SECGAN_OF_TYPE(float)
SECGAN_OF_TYPE(double)
SECGAN_OF_TYPE(at::BFloat16)
#undef SECGAN_OF_TYPE

bool has_kernel(const at::Tensor& z) {
  return z.is_cpu() && z.numel() > 0 &&
         (z.scalar_type() == at::kFloat || z.scalar_type() == at::kDouble || z.scalar_type() == at::kBFloat16);
}

template <class F>
void for_type(at::ScalarType type, const F& f) {
  switch (type) {
    case at::kDouble: return f(double());
    case at::kBFloat16: return f(at::BFloat16());
    default: return f(float());
  }
}

at::Tensor by_pixel(const at::Tensor& z) { return z.contiguous(at::MemoryFormat::ChannelsLast); }
at::Tensor of_images(const at::Tensor& z) {
  return at::empty({z.size(0), z.size(1)}, z.options().dtype(at::promote_types(z.scalar_type(), at::kFloat)));
}
at::Tensor in_map(const at::Tensor& values) { return values.unsqueeze(-1).unsqueeze(-1); }

/// The map's terms as tensors, for devices without a kernel (at::where has none for the meta device).
struct Composed {
  at::Tensor z, x, side, scale;

  explicit Composed(const NormActivation& at)
      : z(full_precision(at.input)),
        x((z - in_map(at.mean)) * in_map(at.rstd)),
        side((at.output > 0).to(z.scalar_type()) * (1 - at.slope) + at.slope),
        scale(in_map(at.weight * at.rstd)) {}

  static at::Tensor sum(const at::Tensor& values) { return values.sum({2, 3}, /*keepdim=*/true); }
};

}  // namespace

NormActivation NormActivation::rows(int64_t begin, int64_t count) const {
  return {input.narrow(0, begin, count),
          output.narrow(0, begin, count),
          mean.narrow(0, begin, count),
          rstd.narrow(0, begin, count),
          weight,
          slope};
}

NormActivation norm_activation(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias, double epsilon, double slope,
                               VectorLevel level) {
  NormActivation out{.weight = weight, .slope = slope};
  if (!has_kernel(input)) {
    out.input = input;
    const at::Tensor z = full_precision(input);
    const at::Tensor mean = z.mean({2, 3}), variance = (z - in_map(mean)).square().mean({2, 3});  // var_mean knows no meta device
    out.mean = mean;
    out.rstd = (variance + epsilon).rsqrt();
    const at::Tensor scale = weight * out.rstd;
    out.output = at::leaky_relu(z * in_map(scale) + in_map(bias - mean * scale), slope).to(input.scalar_type());
    return out;
  }
  out.input = by_pixel(input);
  out.output = at::empty_like(out.input);
  out.mean = of_images(input);
  out.rstd = of_images(input);
  const ChannelBlocks blocks(input);
  const at::Tensor weights = weight.contiguous(), biases = bias.contiguous();
  for_type(input.scalar_type(), [&]<class T>(T) {
    using C = Computed<T>;
    const T* const z = out.input.template const_data_ptr<T>();
    T* const y = out.output.template mutable_data_ptr<T>();
    const C *const w = weights.template const_data_ptr<C>(), *const b = biases.template const_data_ptr<C>();
    C *const mean = out.mean.template mutable_data_ptr<C>(), *const rstd = out.rstd.template mutable_data_ptr<C>();
    for_each_task(blocks.count, [&](int64_t i) {
      const int64_t at = blocks.at(i), first = blocks.first(i), image = blocks.of_image(i);
      NormTask<T> task{blocks.pixels, blocks.channels, blocks.width(i),      z + at, y + at, w + first, b + first, mean + image,
                       rstd + image,  epsilon,         static_cast<C>(slope)};
      run_norm(task, level);
    });
  });
  return out;
}

NormGradient norm_activation_gradient(const at::Tensor& gradient, const NormActivation& at, VectorLevel level) {
  NormGradient out;
  if (!has_kernel(at.input)) {
    const Composed of(at);
    const auto count = static_cast<double>(at.input.size(2) * at.input.size(3));
    const at::Tensor h = gradient * of.side, sum = Composed::sum(h), q = Composed::sum(h * of.x);
    out.input = (of.scale * (h - sum / count - of.x * (q / count))).to(at.input.scalar_type());
    out.weight = q.flatten(1);
    out.bias = sum.flatten(1);
    return out;
  }
  const at::Tensor given = by_pixel(gradient);
  out.input = at::empty_like(at.input);
  out.weight = of_images(at.input);
  out.bias = of_images(at.input);
  const ChannelBlocks blocks(at.input);
  const at::Tensor weights = at.weight.contiguous();
  for_type(at.input.scalar_type(), [&]<class T>(T) {
    using C = Computed<T>;
    const NormMaps<T> maps(at, given, weights, blocks);
    T* const of_input = out.input.template mutable_data_ptr<T>();
    C *const of_weight = out.weight.template mutable_data_ptr<C>(), *const of_bias = out.bias.template mutable_data_ptr<C>();
    for_each_task(blocks.count, [&](int64_t i) {
      const int64_t image = blocks.of_image(i);
      NormGradientTask<T> task{maps.of_task(blocks, i), of_input + blocks.at(i), of_weight + image, of_bias + image};
      run_norm_gradient(task, level);
    });
  });
  return out;
}

NormSecondGradient norm_activation_second_gradient(const at::Tensor& covector, const at::Tensor& gradient, const NormActivation& at,
                                                   VectorLevel level) {
  NormSecondGradient out;
  if (!has_kernel(at.input)) {
    const Composed of(at);
    const auto count = static_cast<double>(at.input.size(2) * at.input.size(3));
    const at::Tensor u = full_precision(covector), h = gradient * of.side, u_sum = Composed::sum(u), h_sum = Composed::sum(h);
    const at::Tensor p = Composed::sum(u * of.x), q = Composed::sum(h * of.x);
    const at::Tensor a = Composed::sum(u * h) - u_sum * h_sum / count - p * q / count;
    const at::Tensor v = u - u_sum / count;
    out.gradient = (of.side * of.scale * (v - of.x * (p / count))).to(at.input.scalar_type());
    out.input = (-of.scale * in_map(at.rstd) / count * (of.x * (a - 2 * p * q / count) + q * v + p * (h - h_sum / count)))
                    .to(at.input.scalar_type());
    out.weight = at.rstd * a.flatten(1);
    return out;
  }
  const at::Tensor given = by_pixel(gradient), along = by_pixel(covector);
  out.gradient = at::empty_like(at.input);
  out.input = at::empty_like(at.input);
  out.weight = of_images(at.input);
  const ChannelBlocks blocks(at.input);
  const at::Tensor weights = at.weight.contiguous();
  for_type(at.input.scalar_type(), [&]<class T>(T) {
    using C = Computed<T>;
    const NormMaps<T> maps(at, given, weights, blocks);
    const T* const u = along.template const_data_ptr<T>();
    T *const of_gradient = out.gradient.template mutable_data_ptr<T>(), *const of_input = out.input.template mutable_data_ptr<T>();
    C* const of_weight = out.weight.template mutable_data_ptr<C>();
    for_each_task(blocks.count, [&](int64_t i) {
      const int64_t place = blocks.at(i);
      NormSecondTask<T> task{maps.of_task(blocks, i), u + place, of_gradient + place, of_input + place, of_weight + blocks.of_image(i)};
      run_norm_second(task, level);
    });
  });
  return out;
}

}  // namespace secgan
