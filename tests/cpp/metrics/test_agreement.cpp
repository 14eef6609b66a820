#include <catch2/catch.hpp>
#include <torch/torch.h>

#include "numeric.hpp"
#include "secgan/metrics/agreement.hpp"

using namespace secgan;

TEST_CASE("intersection over union is counted per class, over batches, and classes that never occur are left out", "[metrics]") {
  MaskAgreement agreement(4);
  agreement.update(torch::tensor({0, 0, 1, 1}), torch::tensor({0, 1, 1, 1}));
  agreement.update(torch::tensor({2}), torch::tensor({2}));
  const std::vector<double> iou = agreement.iou();
  CHECK(iou[0] == Approx(1.0 / 2));
  CHECK(iou[1] == Approx(2.0 / 3));
  CHECK(iou[2] == 1.0);
  CHECK(std::isnan(iou[3]));
  CHECK(agreement.mean_iou() == Approx((0.5 + 2.0 / 3 + 1) / 3));
  CHECK_THROWS_WITH(agreement.update(torch::tensor({0}), torch::tensor({0, 1})), Catch::Contains("predicted and truth"));
}

TEST_CASE("label agreement counts per attribute", "[metrics]") {
  LabelAgreement agreement(2);
  agreement.update(torch::tensor({{1.0, -1.0}, {-2.0, -3.0}}), torch::tensor({{1.0, 1.0}, {1.0, 0.0}}));
  agreement.update(1, torch::tensor({0.5}), torch::tensor({1.0}));
  CHECK(agreement.rates() == std::vector<double>{0.5, 2.0 / 3});
  CHECK(agreement.mean() == Approx((0.5 + 2.0 / 3) / 2));
}

TEST_CASE("PSNR has its closed form", "[metrics]") {
  const at::Tensor a = at::zeros({2, 3, 4, 4}), b = at::zeros({2, 3, 4, 4});
  b[1].fill_(0.2);
  const at::Tensor values = psnr(a, b);
  CHECK(std::isinf(values[0].item<double>()));
  CHECK(values[1].item<double>() == Approx(20.0).epsilon(1e-6));  // 10 log10(4 / 0.04)
}
