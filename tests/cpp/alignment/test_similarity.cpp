#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include "alignment/markers.hpp"
#include "secgan/alignment/layout.hpp"
#include "secgan/alignment/similarity.hpp"
#include "secgan/core/error.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

at::Tensor matrix_of(const FivePoints& points) {
  at::Tensor out = at::empty({5, 2}, at::kDouble);
  for (int64_t i = 0; i < 5; ++i) {
    out[i][0] = points.at(static_cast<size_t>(i)).x;
    out[i][1] = points.at(static_cast<size_t>(i)).y;
  }
  return out;
}

/// Umeyama's closed form by singular values (IEEE PAMI 13, equations 40 to 43).
Similarity umeyama(const FivePoints& from, const FivePoints& to) {
  const at::Tensor x = matrix_of(from), y = matrix_of(to), mean_x = x.mean(0), mean_y = y.mean(0);
  const at::Tensor covariance = (y - mean_y).t().mm(x - mean_x) / 5;
  const auto [u, d, v] = at::linalg_svd(covariance);
  at::Tensor sign = at::ones({2}, at::kDouble);
  if (at::linalg_det(covariance).item<double>() < 0) sign[1] = -1;
  const at::Tensor rotation = u.mm(at::diag(sign)).mm(v);
  const double scale = (d * sign).sum().item<double>() / ((x - mean_x).square().sum() / 5).item<double>();
  const at::Tensor move = mean_y - scale * rotation.mv(mean_x);
  return {scale * rotation[0][0].item<double>(), scale * rotation[1][0].item<double>(), move[0].item<double>(), move[1].item<double>()};
}

void check_equal(const Similarity& found, const Similarity& expected) {
  CHECK(found.a == Approx(expected.a).margin(1e-6));
  CHECK(found.b == Approx(expected.b).margin(1e-6));
  CHECK(found.right == Approx(expected.right).margin(1e-6));
  CHECK(found.down == Approx(expected.down).margin(1e-6));
}

}  // namespace

TEST_CASE("a similarity between points is recovered, and of points that fit none it is Umeyama's", "[alignment]") {
  const FivePoints points = celeba_layout().points;
  for (const double degrees : {0.0, 17.0, -90.0, 179.0}) {
    CAPTURE(degrees);
    const Similarity truth = from_celeba(degrees, 2.3, 400, -30);
    FivePoints moved = celeba_points(truth);
    check_equal(fit_similarity(points, moved), truth);
    CHECK(fit_similarity(points, moved).degrees() == Approx(degrees).margin(1e-9));
    torch::manual_seed(5);
    const at::Tensor noise = at::randn({5, 2}, at::kDouble) * 12;
    for (int64_t i = 0; i < 5; ++i) {
      moved.at(static_cast<size_t>(i)).x += noise[i][0].item<double>();
      moved.at(static_cast<size_t>(i)).y += noise[i][1].item<double>();
    }
    check_equal(fit_similarity(points, moved), umeyama(points, moved));
  }
}

TEST_CASE("there and back is where one was", "[alignment]") {
  const Similarity there = from_celeba(33, 0.4, 12, 900);
  const Similarity back = there.inverse();
  for (const PhotoPoint& point : celeba_layout().points) {
    CHECK(back(there(point)).x == Approx(point.x).margin(1e-9));
    CHECK(back(there(point)).y == Approx(point.y).margin(1e-9));
  }
  CHECK(back.scale() == Approx(1 / 0.4));
  CHECK(back.degrees() == Approx(-33));
}

TEST_CASE("points without a transform are refused", "[alignment]") {
  FivePoints same, broken = celeba_layout().points;
  same.fill({3, 4});
  CHECK_THROWS_WITH(fit_similarity(same, celeba_layout().points), Catch::Contains("one place"));
  CHECK_THROWS_WITH(fit_similarity(celeba_layout().points, same), Catch::Contains("one place"));
  broken[2].x = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(fit_similarity(broken, celeba_layout().points), Catch::Contains("finite"));
}

TEST_CASE("a layout at another size keeps its places by the pixels' edges", "[alignment]") {
  const FaceLayout half = celeba_layout({89, 109});
  for (size_t i = 0; i < 5; ++i) {
    CHECK(2 * half.points[i].x + 0.5 == Approx(celeba_layout().points[i].x));
    CHECK(2 * half.points[i].y + 0.5 == Approx(celeba_layout().points[i].y));
  }
  CHECK(celeba_hq_layout(512).points[2].x == Approx((celeba_hq_layout().points[2].x + 0.5) / 2 - 0.5));
}

TEST_CASE("a crop is as far off as its corners lie", "[alignment]") {
  const Rect crop{4, 24, 170, 170};
  CHECK(misalignment(Similarity(), crop, crop) == Approx(0).margin(1e-12));
  CHECK(misalignment({.right = 17}, crop, crop) == Approx(0.1));
  // Twice as large around the same middle: each corner by half a diagonal, less what the place is larger.
  CHECK(misalignment({.a = 2, .right = -88.5, .down = -108.5}, crop, crop) == Approx(std::sqrt(0.125)));
}
