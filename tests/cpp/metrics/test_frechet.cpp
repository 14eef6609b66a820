#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <eigen3/Eigen/Core>

#include "golden.hpp"
#include "numeric.hpp"
#include "secgan/core/error.hpp"
#include "secgan/metrics/frechet.hpp"
#include "secgan/metrics/frechet_eigen.hpp"
#include "statistics_of.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

GaussianMoments moments_of(const at::Tensor& features) { return statistics_of(features).moments(); }

at::Tensor hashed(int64_t j, int64_t n, int64_t d) {
  at::Tensor out = torch::empty({n, d}, torch::kFloat64);
  for (int64_t k = 0; k < n * d; ++k) out.data_ptr<double>()[k] = golden_value(static_cast<uint32_t>(k), static_cast<uint32_t>(j));
  return out;
}

}  // namespace

TEST_CASE("the Fréchet distance has its published values", "[metrics]") {
  // The first number is pytorch-fid's arithmetic, the second the same formula in 60 digits.
  const double full = frechet_distance(moments_of(hashed(1, 40, 6)), moments_of(1.3 * hashed(2, 50, 6) + 0.2));
  CHECK(full == Approx(0.4086454707192466).margin(1e-12));
  CHECK(full == Approx(0.40864547071924622).margin(1e-13));
  // Fewer samples than dimensions: roots of a singular product lose half their digits in scipy (…2236) and through
  // eigenvalues (…2260), which singular values keep.
  const double singular = frechet_distance(moments_of(hashed(3, 5, 16)), moments_of(hashed(4, 6, 16)));
  CHECK(singular == Approx(10.764592236).margin(1e-7));
  CHECK(singular == Approx(10.764592260).margin(1e-7));
  CHECK(singular == Approx(10.764592312398556756).margin(1e-12));
  // Positive definite, with a condition number of 1e14.
  const at::Tensor scale = at::pow(torch::full({8}, 10.0, torch::kFloat64), -torch::arange(8, torch::kFloat64));
  CHECK(frechet_distance(moments_of(hashed(5, 40, 8) * scale), moments_of(hashed(6, 40, 8) * scale * 1.1)) ==
        Approx(0.0062092763818254874).margin(1e-14));
}

TEST_CASE("commuting covariances have a closed form", "[metrics]") {
  torch::manual_seed(7);
  const at::Tensor m1 = randn64({5}), m2 = randn64({5}), d1 = randn64({5}).square(), d2 = randn64({5}).square();
  const double expected = (m1 - m2).square().sum().item<double>() + (d1.sqrt() - d2.sqrt()).square().sum().item<double>();
  CHECK(frechet_distance(m1, d1.diag(), m2, d2.diag()) == Approx(expected).epsilon(1e-12));
  const at::Tensor q = std::get<0>(at::linalg_qr(randn64({5, 5})));
  const auto rotated = [&](const at::Tensor& d) { return q.mm(d.diag()).mm(q.t()); };
  CHECK(frechet_distance(m1, rotated(d1), m2, rotated(d2)) == Approx(expected).epsilon(1e-12));
  // One dimension: a number squared.
  CHECK(frechet_distance(torch::tensor({1.0}), torch::tensor({{4.0}}), torch::tensor({3.0}), torch::tensor({{9.0}})) == Approx(4 + 1));
  // Singular ones, of different null spaces; and none at all.
  const at::Tensor zero = torch::zeros({2}, torch::kFloat64);
  CHECK(frechet_distance(zero, torch::tensor({{4.0, 0.0}, {0.0, 0.0}}), zero, torch::tensor({{0.0, 0.0}, {0.0, 9.0}})) == Approx(13));
  CHECK(frechet_distance(zero, torch::eye(2) * 4, zero, torch::zeros({2, 2})) == Approx(8));
  CHECK(frechet_distance(zero, torch::zeros({2, 2}), zero, torch::zeros({2, 2})) == 0);
}

TEST_CASE("matrices that are multiplied in strips give what one product gives", "[metrics]") {
  torch::manual_seed(12);
  // More rows than a strip, and no multiple of it. Rotated diagonals commute: closed form.
  const at::Tensor d1 = torch::rand({600}, torch::kFloat64) + 0.5, d2 = torch::rand({600}, torch::kFloat64) + 0.5,
                   zero = torch::zeros({600}, torch::kFloat64);
  const at::Tensor q = std::get<0>(at::linalg_qr(randn64({600, 600})));
  const auto rotated = [&](const at::Tensor& d) { return q.mm(d.diag()).mm(q.t()); };
  CHECK(frechet_distance(zero, rotated(d1), zero, rotated(d2)) ==
        Approx((d1.sqrt() - d2.sqrt()).square().sum().item<double>()).epsilon(1e-9));
  CHECK(frechet_distance(zero, rotated(d1), zero, d2.diag()) ==
        Approx((d1.sum() + d2.sum()).item<double>() -
               2 * at::linalg_svdvals(d1.sqrt().diag().mm(q.t()).mm(d2.sqrt().diag())).sum().item<double>())
            .epsilon(1e-9));
}

TEST_CASE("equal sets are at distance 0 and both directions agree", "[metrics]") {
  torch::manual_seed(8);
  for (const int64_t samples : {8, 100}) {  // singular, regular
    const GaussianMoments a = moments_of(randn64({samples, 20})), b = moments_of(randn64({samples, 20}) * 2);
    const double same = frechet_distance(a, a);
    CHECK(same >= 0);
    CHECK(same < 1e-9);
    CHECK(frechet_distance(a, b) == Approx(frechet_distance(b, a)).epsilon(1e-12));
  }
}

TEST_CASE("the distance scales as a squared length", "[metrics]") {
  torch::manual_seed(9);
  const at::Tensor x = randn64({50, 6}), y = randn64({50, 6}) + 0.5;
  const double distance = frechet_distance(moments_of(x), moments_of(y));
  for (const double scale : {1e-6, 1e6})
    CHECK(frechet_distance(moments_of(x * scale), moments_of(y * scale)) / (scale * scale) == Approx(distance).epsilon(1e-9));
}

TEST_CASE("float32 moments are taken as they are", "[metrics]") {
  torch::manual_seed(10);
  const GaussianMoments a = moments_of(randn64({6, 12})), b = moments_of(randn64({30, 12}) * 2);
  // Singular, and by its rounding to float32 no longer positive semi-definite.
  CHECK(frechet_distance(a.mean.to(at::kFloat), a.covariance.to(at::kFloat), b.mean, b.covariance) ==
        Approx(frechet_distance(a, b)).epsilon(1e-3));
}

TEST_CASE("Eigen's types give the same number, whatever their layout", "[metrics]") {
  torch::manual_seed(11);
  const GaussianMoments a = moments_of(randn64({30, 4})), b = moments_of(randn64({30, 4}) * 2);
  const auto vector = [](const at::Tensor& t) { return Eigen::Map<const Eigen::VectorXd>(t.data_ptr<double>(), t.size(0)); };
  const auto matrix = [](const at::Tensor& t) { return Eigen::Map<const Eigen::MatrixXd>(t.data_ptr<double>(), t.size(0), t.size(1)); };
  CHECK(frechet_distance(vector(a.mean), matrix(a.covariance), vector(b.mean), matrix(b.covariance)) == frechet_distance(a, b));
  Eigen::MatrixXd larger = Eigen::MatrixXd::Constant(6, 6, 1e9);
  larger.block(1, 1, 4, 4) = matrix(b.covariance);
  CHECK(frechet_distance(vector(a.mean), matrix(a.covariance), vector(b.mean), larger.block(1, 1, 4, 4)) == frechet_distance(a, b));
  CHECK_THROWS_WITH(frechet_distance(vector(a.mean), larger, vector(b.mean), matrix(b.covariance)),
                    Catch::Contains("covariance1 must be [D, D]"));
}

TEST_CASE("what is no Gaussian is refused by the argument's name", "[metrics]") {
  const at::Tensor mean = torch::zeros({2}), one = torch::eye(2);
  CHECK_THROWS_WITH(frechet_distance(torch::zeros({2, 2}), one, mean, one), Catch::Contains("mean1 must be [D]"));
  CHECK_THROWS_WITH(frechet_distance(torch::zeros({0}), torch::zeros({0, 0}), torch::zeros({0}), torch::zeros({0, 0})),
                    Catch::Contains("D > 0"));
  CHECK_THROWS_WITH(frechet_distance(mean, one, torch::zeros({3}), torch::eye(3)),
                    Catch::Contains("mean2 must be [D] with dimension 0 = 2"));
  CHECK_THROWS_WITH(frechet_distance(mean, one, mean, torch::eye(3)), Catch::Contains("covariance2 must be [D, D]"));
  CHECK_THROWS_WITH(frechet_distance(mean, torch::tensor({{1.0, 0.5}, {0.4, 1.0}}), mean, one),
                    Catch::Contains("covariance1 is not symmetric"));
  CHECK_THROWS_WITH(frechet_distance(mean, one, mean, torch::tensor({{1.0, 2.0}, {2.0, 1.0}})),
                    Catch::Contains("covariance2 is not positive semi-definite"));
  CHECK_THROWS_WITH(frechet_distance(mean, -one, mean, one), Catch::Contains("covariance1 is not positive semi-definite"));
  CHECK_THROWS_WITH(frechet_distance(mean / 0, one, mean, one), "mean1 must be finite everywhere");
  CHECK_THROWS_WITH(frechet_distance(mean, one / 0, mean, one), "covariance1 must be finite everywhere");
  CHECK_THROWS_WITH(frechet_distance(mean, one.to(at::kLong), mean, one), Catch::Contains("covariance1 must be floating"));
}
