// Of the consistency terms and of the Fréchet distance.

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "bench/bench.hpp"
#include "core/median.hpp"
#include "secgan/core/kept_memory.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/core/random.hpp"
#include "secgan/metrics/frechet.hpp"
#include "secgan/ops/semantic_consistency.hpp"

namespace secgan {

BenchResult bench_loss(const BenchSettings& settings, const BenchProgress& progress) {
  const Device device = find_device(settings.device);
  const KeptMemory kept;  // as a training has it
  const at::Generator random = seeded_generator(1);
  const ClassMerge merge(Labels::kFaceParsing);
  const auto logits = [&](int64_t classes) {
    return to_device(at::randn({settings.batch, classes, settings.image_size, settings.image_size}, random), device).requires_grad_(true);
  };
  const auto work = [&](const at::Tensor& of_photo, const at::Tensor& of_mask) {
    const auto [photo_term, mask_term] = semantic_consistency(Segmentation(of_photo, merge.table()), Segmentation(of_mask));
    torch::autograd::grad({photo_term + mask_term}, {of_photo, of_mask});
  };
  const at::Tensor of_photo = logits(merge.input_classes()), of_mask = logits(kSecganClasses);
  // A few pixels first: the code that is read from disk is no part of what the work needs.
  const auto few = [](const at::Tensor& all) { return all.detach().slice(2, 0, 8).slice(3, 0, 8).clone().requires_grad_(true); };
  work(few(of_photo), few(of_mask));
  const double before = peak_memory(device);
  const std::vector<double> seconds = timed(settings, device, progress, [&] { work(of_photo, of_mask); });
  const double peak = peak_memory(device);
  return {{{"milliseconds", 1000 * median(seconds)}, {"peak_bytes", peak}, {"working_bytes", peak - before}}, seconds};
}

BenchResult bench_frechet(const BenchSettings& settings, const BenchProgress& progress) {
  const at::Generator random = seeded_generator(1);
  const auto moments = [&] {
    const at::Tensor samples = at::randn({2 * settings.dims, settings.dims}, random, at::kDouble);
    return std::pair(samples.mean(0), samples.t().cov());
  };
  const auto [mean1, covariance1] = moments();
  const auto [mean2, covariance2] = moments();
  double distance = 0;
  const std::vector<double> seconds =
      timed(settings, at::kCPU, progress,
            [&, &m1 = mean1, &c1 = covariance1, &m2 = mean2, &c2 = covariance2] { distance = frechet_distance(m1, c1, m2, c2); });
  return {{{"milliseconds", 1000 * median(seconds)}, {"distance", distance}, {"peak_bytes", peak_memory(at::kCPU)}}, seconds};
}

}  // namespace secgan
