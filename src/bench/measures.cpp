// Of the consistency terms and of the Fréchet distance.

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "bench/bench.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/core/random.hpp"
#include "secgan/metrics/frechet.hpp"
#include "secgan/ops/semantic_consistency.hpp"

namespace secgan {

BenchResult bench_loss(const BenchSettings& settings, const BenchProgress& progress) {
  const Device device = find_device(settings.device);
  const at::Generator random = seeded_generator(1);
  const ClassMerge merge(Labels::kFaceParsing);
  const auto logits = [&](int64_t classes) {
    return to_device(at::randn({settings.batch, classes, settings.image_size, settings.image_size}, random), device).requires_grad_(true);
  };
  const at::Tensor of_photo = logits(merge.input_classes()), of_mask = logits(kSecganClasses);
  const std::vector<double> seconds = timed(settings, device, progress, [&] {
    const auto [photo_term, mask_term] = semantic_consistency(merge.log_probabilities(of_photo), of_mask.log_softmax(1));
    torch::autograd::grad({photo_term + mask_term}, {of_photo, of_mask});
  });
  return {{{"milliseconds", 1000 * median(seconds)}, {"peak_bytes", peak_memory(device)}}, seconds};
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
