#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>

#include "golden.hpp"
#include "secgan/alignment/mtcnn.hpp"
#include "secgan/core/error.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// Drawn for the golden numbers, in whole numbers.
at::Tensor golden_photo(int64_t height, int64_t width) {
  at::Tensor photo = at::empty({3, height, width}, at::kByte);
  auto at = photo.accessor<uint8_t, 3>();
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) at[c][y][x] = static_cast<uint8_t>(((x * x / 7 + y * 3 + (x * y) / 11) * (c + 2) + c * 40) % 256);
    }
  }
  return photo;
}

Mtcnn golden_mtcnn(const MtcnnOptions& options) {
  const Mtcnn detector(options);
  fill_golden(detector.state());
  return detector;
}

std::array<double, 15> numbers_of(const Face& face) {
  std::array<double, 15> out{face.left, face.top, face.right, face.bottom, face.score};
  for (size_t i = 0; i < 5; ++i) {
    out.at(5 + i) = face.points.at(i).x;
    out.at(10 + i) = face.points.at(i).y;
  }
  return out;
}

}  // namespace

TEST_CASE("names and shapes of the detector's state are facenet-pytorch's", "[alignment]") {
  KeyList keys;
  for (const auto& [name, tensor] : Mtcnn().state()) keys.emplace_back(name, tensor.sizes().vec());
  CHECK(keys == published_keys("mtcnn"));
}

TEST_CASE("boxes, scores and points are facenet-pytorch's", "[alignment]") {
  // Of facenet-pytorch 2.6.0 with the same weights: the first face, the eighth, the last, and the mean of all; columns as numbers_of.
  constexpr int64_t kFaces = 16;
  constexpr std::array<std::array<double, 15>, 4> kGolden{
      {{-25.65479, 58.26683, 85.55357, 1.80048, 0.91102, -42.75201, -54.19706, -51.35884, -30.64383, -62.25791, 25.15639, -92.52483,
        -1.25784, -7.38420, -27.21828},
       {-14.74158, 39.48421, 79.88161, 9.44290, 0.79333, -31.27513, -30.39380, -39.88491, -2.02609, -60.64864, 21.59969, -60.98376, 0.33682,
        -2.42635, -9.49765},
       {-33.88611, 55.03312, 78.44822, 21.81520, 0.65018, -47.82987, -40.27312, -63.41463, -27.55627, -72.13145, 42.44116, -60.65081,
        13.41556, -6.64156, 7.20413},
       {5.27968, 51.38265, 83.18562, 19.00195, 0.77863, -12.01539, -14.65597, -23.00322, 7.73723, -30.18022, 34.51909, -40.40195, 18.05713,
        14.11937, 8.35152}}};
  const Mtcnn detector = golden_mtcnn({.thresholds = {0.6, 0.2, 0.2}});
  const std::vector<Face> faces = detector(golden_photo(64, 90));
  REQUIRE(std::ssize(faces) == kFaces);
  std::array<double, 15> mean{};
  for (const Face& face : faces) {
    for (size_t i = 0; i < mean.size(); ++i) mean.at(i) += numbers_of(face).at(i) / kFaces;
  }
  const std::array<std::array<double, 15>, 4> found{numbers_of(faces[0]), numbers_of(faces[7]), numbers_of(faces[15]), mean};
  for (size_t row = 0; row < kGolden.size(); ++row) {
    for (size_t i = 0; i < mean.size(); ++i) {
      CAPTURE(row, i);
      // Five decimals are recorded; pixels carry the rounding of float32 sums times the box.
      CHECK(found.at(row).at(i) == Approx(kGolden.at(row).at(i)).margin(2e-4));
    }
  }
  CHECK(std::ranges::is_sorted(faces, std::ranges::greater(), &Face::score));
}

TEST_CASE("a photo without a face, and one smaller than any, give none", "[alignment]") {
  const Mtcnn detector = golden_mtcnn({.thresholds = {0.6, 1, 1}});
  CHECK(detector(golden_photo(64, 90)).empty());
  CHECK(golden_mtcnn({.thresholds = {0, 0, 0}})(golden_photo(19, 90)).empty());
  CHECK_THROWS_WITH(detector(at::zeros({1, 30, 30}, at::kByte)), Catch::Contains("photo must be [3, H, W]"));
  CHECK_THROWS_WITH(detector(at::zeros({3, 30, 30})), Catch::Contains("photo must be uint8"));
}

TEST_CASE("large photos are searched for no smaller faces than a share of their side", "[alignment]") {
  // Of 3000 pixels 1 % are 30; the pyramid's largest picture is 1200 high, as of a photo of 2000 pixels whose smallest face is 20.
  const at::Tensor photo = golden_photo(200, 260);
  const auto with = [&](double smallest, double share) {
    return golden_mtcnn({.smallest = smallest, .smallest_share = share, .thresholds = {0.6, 0.2, 0.2}})(photo);
  };
  CHECK((with(20, 0.3) == with(60, 0)));
  CHECK_FALSE((with(20, 0.3) == with(20, 0)));
  CHECK((with(20, 0.01) == with(20, 0)));
}

TEST_CASE("a detector refuses options and weights that are none", "[alignment]") {
  CHECK_THROWS_WITH(Mtcnn({.smallest = 5}), Catch::Contains("smallest must be 12 or more"));
  CHECK_THROWS_WITH(Mtcnn({.factor = 1}), Catch::Contains("factor"));
  CHECK_THROWS_WITH(Mtcnn({.thresholds = {0.5, 2, 0.5}}), Catch::Contains("thresholds"));
  Mtcnn detector;
  NamedTensors state = detector.state();
  state.pop_back();
  CHECK_THROWS_WITH(detector.load(state, "file"), Catch::Contains("file") && Catch::Contains("onet.dense6_3.bias"));
  state = Mtcnn().state();
  state[0].second = at::full_like(state[0].second, std::numeric_limits<double>::infinity());
  CHECK_THROWS_WITH(detector.load(state, "file"), Catch::Contains("pnet.conv1.weight"));
}
