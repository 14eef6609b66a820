#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/metrics/agreement.hpp"

using namespace secgan;
using namespace secgan::testing;

TEST_CASE("intersection over union is counted per class, over batches, and classes that never occur are left out", "[metrics]") {
  MaskAgreement agreement(4);
  CHECK(std::isnan(agreement.mean_iou()));
  CHECK(std::isnan(agreement.pixel_accuracy()));
  agreement.update(torch::tensor({0, 0, 1, 1}), torch::tensor({0, 1, 1, 1}));
  agreement.update(torch::tensor({2}), torch::tensor({2}));
  const std::vector<double> iou = agreement.iou();
  CHECK(iou[0] == Approx(1.0 / 2));
  CHECK(iou[1] == Approx(2.0 / 3));
  CHECK(iou[2] == 1.0);
  CHECK(std::isnan(iou[3]));
  CHECK(agreement.mean_iou() == Approx((0.5 + 2.0 / 3 + 1) / 3));
  CHECK(agreement.pixel_accuracy() == Approx(4.0 / 5));
  CHECK(agreement.counts()[1][0].item<int64_t>() == 1);  // truth 1, predicted 0
  CHECK(agreement.counts().sum().item<int64_t>() == 5);
}

TEST_CASE("mask agreement of parts merges to that of the whole", "[metrics]") {
  torch::manual_seed(20);
  const at::Tensor predicted = torch::randint(0, 3, {4, 5, 5}, at::kByte), truth = torch::randint(0, 3, {4, 5, 5}, at::kLong);
  MaskAgreement whole(3), first(3), second(3);
  whole.update(predicted, truth);
  first.update(predicted.slice(0, 0, 1), truth.slice(0, 0, 1));
  second.update(predicted.slice(0, 1), truth.slice(0, 1));
  first.merge(second);
  CHECK(at::equal(first.counts(), whole.counts()));
  first.reset();
  CHECK(first.counts().sum().item<int64_t>() == 0);
  CHECK(at::equal(whole.counts().sum(1), at::bincount(truth.flatten(), {}, 3)));
  CHECK_THROWS_WITH(first.merge(MaskAgreement(4)), Catch::Contains("3 classes") && Catch::Contains("4"));
}

TEST_CASE("confusion counts are a slow count, photo by photo, and the measures read off them MaskAgreement's", "[metrics]") {
  torch::manual_seed(21);
  constexpr int64_t kPhotos = 3, kIds = 4, kClasses = 5;  // the last class never occurs
  const at::Tensor predicted = torch::randint(0, kIds, {kPhotos, 6, 7}, at::kByte),
                   truth = torch::randint(0, kIds, {kPhotos, 6, 7}, at::kLong);
  at::Tensor slow_counts = at::zeros({kPhotos, kClasses, kClasses}, at::kLong);
  for (int64_t n = 0; n < kPhotos; ++n) {
    for (int64_t y = 0; y < 6; ++y) {
      for (int64_t x = 0; x < 7; ++x) slow_counts[n][truth[n][y][x].item<int64_t>()][predicted[n][y][x].item<int64_t>()] += 1;
    }
  }
  const at::Tensor counts = confusion_counts(predicted, truth, kClasses);
  CHECK(at::equal(counts, slow_counts));
  CHECK(confusion_counts(predicted.slice(0, 0, 0), truth.slice(0, 0, 0), kClasses).sizes() == at::IntArrayRef({0, kClasses, kClasses}));

  const at::Tensor iou = intersection_over_union(counts), mean = mean_intersection_over_union(counts), right = pixel_accuracy(counts);
  REQUIRE(iou.sizes() == at::IntArrayRef({kPhotos, kClasses}));
  for (int64_t n = 0; n < kPhotos; ++n) {
    MaskAgreement one(kClasses);
    one.update(predicted[n], truth[n]);
    const std::vector<double> expected = one.iou();
    double sum = 0, equal = 0;
    for (int64_t k = 0; k < kIds; ++k) {
      const at::Tensor p = predicted[n].eq(k), t = truth[n].eq(k);
      const double both = p.logical_and(t).sum().item<double>(), any = p.logical_or(t).sum().item<double>();
      CHECK(iou[n][k].item<double>() == Approx(both / any));
      CHECK(expected[static_cast<size_t>(k)] == Approx(both / any));
      sum += both / any;
      equal += both;
    }
    CHECK(std::isnan(iou[n][kIds].item<double>()));
    CHECK(mean[n].item<double>() == Approx(sum / kIds));
    CHECK(one.mean_iou() == Approx(sum / kIds));
    CHECK(right[n].item<double>() == Approx(equal / 42));
    CHECK(one.pixel_accuracy() == Approx(equal / 42));
  }
  // Tables add up.
  MaskAgreement all(kClasses);
  all.update(predicted, truth);
  CHECK(at::equal(all.counts(), counts.sum(0)));
  CHECK(mean_intersection_over_union(counts.sum(0)).item<double>() == Approx(all.mean_iou()));
  CHECK(std::isnan(mean_intersection_over_union(at::zeros({2, 2})).item<double>()));
  CHECK(std::isnan(pixel_accuracy(at::zeros({2, 2})).item<double>()));
  CHECK_THROWS_WITH(confusion_counts(predicted, truth, 3), "predicted must hold ids from 0 to 2, found 3");
  CHECK_THROWS_WITH(confusion_counts(predicted[0], truth[0], kClasses), Catch::Contains("truth must be [N, H, W]"));
}

TEST_CASE("ids that are none of the classes are refused instead of counted for another", "[metrics]") {
  MaskAgreement agreement(4);
  CHECK_THROWS_WITH(agreement.update(torch::tensor({0}), torch::tensor({0, 1})), Catch::Contains("predicted and truth"));
  CHECK_THROWS_WITH(agreement.update(torch::tensor({0, 5}), torch::tensor({0, 1})), "predicted must hold ids from 0 to 3, found 5");
  CHECK_THROWS_WITH(agreement.update(torch::tensor({0, 1}), torch::tensor({-1, 1})), "truth must hold ids from 0 to 3, found -1");
  CHECK_THROWS_WITH(agreement.update(torch::tensor({0.5}), torch::tensor({0})), Catch::Contains("predicted must hold integer class ids"));
  CHECK_THROWS_AS(MaskAgreement(0), InvalidArgument);
  CHECK(agreement.counts().sum().item<int64_t>() == 0);
}

TEST_CASE("label agreement counts per attribute", "[metrics]") {
  LabelAgreement agreement(2);
  agreement.update(torch::tensor({{1.0, -1.0}, {-2.0, -3.0}}), torch::tensor({{1.0, 1.0}, {1.0, 0.0}}));
  agreement.update(1, torch::tensor({0.5}), torch::tensor({1.0}));
  CHECK(agreement.rates() == std::vector<double>{0.5, 2.0 / 3});
  CHECK(agreement.mean() == Approx((0.5 + 2.0 / 3) / 2));
  CHECK(at::equal(agreement.right(), torch::tensor({1, 2}, at::kLong)));
  CHECK(at::equal(agreement.total(), torch::tensor({2, 3}, at::kLong)));
}

TEST_CASE("what nobody asked for is not counted, and an attribute without counts has no say in the mean", "[metrics]") {
  const double none = std::nan("");
  LabelAgreement agreement(3), other(3);
  CHECK(std::isnan(agreement.mean()));
  agreement.update(torch::tensor({{1.0, 1.0, 1.0}, {-1.0, -1.0, 1.0}}), torch::tensor({{1.0, none, none}, {1.0, 0.0, none}}));
  CHECK(at::equal(agreement.total(), torch::tensor({2, 1, 0}, at::kLong)));
  CHECK(std::isnan(agreement.rates()[2]));
  CHECK(agreement.mean() == Approx((0.5 + 1) / 2));
  other.update(2, torch::tensor({1.0}), torch::tensor({0.0}));
  agreement.merge(other);
  CHECK(agreement.mean() == Approx((0.5 + 1 + 0) / 3));
  agreement.reset();
  CHECK(agreement.total().sum().item<int64_t>() == 0);
  CHECK_THROWS_WITH(agreement.merge(LabelAgreement(2)), Catch::Contains("3 attributes"));
  CHECK_THROWS_WITH(agreement.update(torch::tensor({{1.0, none, 1.0}}), torch::ones({1, 3})), "logits hold NaN");
  CHECK_THROWS_WITH(agreement.update(torch::ones({1, 2}), torch::ones({1, 2})), Catch::Contains("logits must be [N, A]"));
  CHECK_THROWS_WITH(agreement.update(3, torch::ones({1}), torch::ones({1})), "attribute 3 is not one of 3");
}

TEST_CASE("counts of somebody else are updated in place", "[metrics]") {
  const at::Tensor counts = torch::zeros({2, 2}, at::kLong), right = torch::zeros({1}, at::kLong), total = torch::zeros({1}, at::kLong);
  MaskAgreement(counts).update(torch::tensor({1, 1}), torch::tensor({0, 1}));
  CHECK(at::equal(counts, torch::tensor({{0, 1}, {0, 1}}, at::kLong)));
  LabelAgreement(right, total).update(torch::ones({2, 1}), torch::tensor({{1.0}, {0.0}}));
  CHECK(right.item<int64_t>() == 1);
  CHECK(total.item<int64_t>() == 2);
  CHECK_THROWS_AS(MaskAgreement(torch::zeros({2, 3}, at::kLong)), InvalidArgument);
  CHECK_THROWS_AS(MaskAgreement(torch::zeros({2, 2})), InvalidArgument);
  CHECK_THROWS_AS(LabelAgreement(right, torch::zeros({2}, at::kLong)), InvalidArgument);
}

TEST_CASE("PSNR has its closed form", "[metrics]") {
  const at::Tensor a = at::zeros({2, 3, 4, 4}), b = at::zeros({2, 3, 4, 4});
  b[1].fill_(0.2);
  const at::Tensor values = psnr(a, b);
  CHECK(std::isinf(values[0].item<double>()));
  CHECK(values[1].item<double>() == Approx(20.0).epsilon(1e-6));  // 10 log10(4 / 0.04)
}

TEST_CASE("PSNR refuses what would be another measure", "[metrics]") {
  const at::Tensor a = at::zeros({2, 3, 4, 4});
  CHECK_THROWS_WITH(psnr(a.to(at::kByte), a.to(at::kByte)), Catch::Contains("a must be floating point in [-1, 1], found uint8"));
  CHECK_THROWS_WITH(psnr(a + 128, a), Catch::Contains("a must lie in [-1, 1], found 128"));
  CHECK_THROWS_WITH(psnr(a, a / 0), Catch::Contains("b must lie in [-1, 1]"));
  CHECK_THROWS_WITH(psnr(a, a[0]), Catch::Contains("same shape"));
}
