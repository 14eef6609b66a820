#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <cmath>

#include "study/difference.hpp"

using namespace secgan;

namespace {

/// One seed's metric, a mean over photos.
Interval mean_over_photos(const at::Tensor& photos) { return Bootstrap(photos.size(0), 400, 7).mean(photos); }

}  // namespace

TEST_CASE("Student's interval of a mean is that of the tables", "[study]") {
  const Spread spread = spread_of({0.93, 0.91, 0.95, 0.93});
  CHECK(spread.mean == Approx(0.93));
  CHECK(spread.deviation == Approx(0.0163299316));  // of a sample: n − 1
  CHECK(half_width(spread) == Approx(0.0259846).epsilon(2e-4));  // t(0.975, 3) = 3.18245
  CHECK(std::isnan(half_width(spread_of({0.9}))));
}

TEST_CASE("differences pair seeds and photos", "[study]") {
  torch::manual_seed(3);
  // Photos are far apart, the second way adds a little to each of them: only pairs show it.
  const at::Tensor photos = torch::rand({50}, torch::kDouble) * 100, gain = 0.2 + 0.1 * torch::rand({2, 50}, torch::kDouble);
  const std::vector<Interval> without{mean_over_photos(photos), mean_over_photos(photos + 5)};
  const std::vector<Interval> with{mean_over_photos(photos + gain[0]), mean_over_photos(photos + 5 + gain[1])};
  const Difference d = difference_of(with, without);
  CHECK(d.seeds.mean == Approx(gain.mean().item<double>()));
  CHECK(d.seeds.count == 2);
  CHECK(d.seeds.deviation == Approx(std::abs((gain[0] - gain[1]).mean().item<double>()) / std::sqrt(2.0)));
  // The bootstrap of the differences themselves, photo by photo.
  const Interval direct = Bootstrap(50, 400, 7).mean(gain.mean(0));
  CHECK(d.low == Approx(direct.low));
  CHECK(d.high == Approx(direct.high));
  CHECK(d.low > 0.2);
  CHECK(with[0].low < without[0].high);  // where each interval alone says nothing

  CHECK(difference_of({}, without).seeds.count == 0);
  const Difference unmeasured = difference_of({Interval{.value = 2}}, {Interval{.value = 1}});
  CHECK(unmeasured.seeds.mean == 1);
  CHECK(std::isnan(unmeasured.low));
}

TEST_CASE("the mean of metrics keeps their resamples together", "[study]") {
  torch::manual_seed(4);
  const at::Tensor a = torch::rand({30}, torch::kDouble), b = torch::rand({30}, torch::kDouble);
  const Interval mean = mean_of({mean_over_photos(a), mean_over_photos(b)});
  const Interval direct = mean_over_photos((a + b) / 2);
  CHECK(mean.value == Approx(direct.value));
  CHECK(at::allclose(mean.resampled, direct.resampled));
}
