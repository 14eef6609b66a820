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
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : detector.state()) {
    // Corrections of a tenth of what the fill gives: boxes stay boxes, and share pixels.
    for (const char* head : {"conv4_2", "dense5_2", "dense6_2"}) {
      if (name.find(head) != std::string::npos) at::Tensor(tensor).mul_(0.1);
    }
  }
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
  // Of facenet-pytorch 2.6.0 with the same weights: the first face, the twelfth, the last, and the mean of all; columns as numbers_of.
  constexpr int64_t kFaces = 22;
  constexpr std::array<std::array<double, 15>, 4> kGolden{{{18.84520, 23.65056, 43.44434, 40.72206, 0.84360, -7.53373, -22.23103, -23.08569,
                                                            11.46689, -23.68476, 27.84023, -28.99210, 11.12451, 12.08395, -10.96956},
                                                           {73.65988, 2.35302, 95.58111, 16.60275, 0.74950, 48.89458, 44.82296, 46.27667,
                                                            74.66901, 47.53543, 12.36159, -36.03636, 1.09891, -1.90650, -11.21011},
                                                           {-1.59673, 14.40677, 22.43496, 30.96710, 0.46068, -34.39002, -26.08492,
                                                            -12.96776, 33.69816, -27.79122, 30.44940, -21.07055, 9.99874, 8.30835, 0.92447},
                                                           {29.85108, 23.03056, 53.11060, 39.61091, 0.72743, 4.38419, -0.55907, -0.74751,
                                                            28.86289, -2.77948, 30.59919, -16.73861, 20.74153, 14.24128, 5.77510}}};
  const Mtcnn detector = golden_mtcnn({.thresholds = {0.6, 0.1, 0.1}});
  const std::vector<Face> faces = detector.detect(golden_photo(64, 90));
  REQUIRE(std::ssize(faces) == kFaces);
  std::array<double, 15> mean{};
  for (const Face& face : faces) {
    for (size_t i = 0; i < mean.size(); ++i) mean.at(i) += numbers_of(face).at(i) / kFaces;
  }
  const std::array<std::array<double, 15>, 4> found{numbers_of(faces[0]), numbers_of(faces[11]), numbers_of(faces[21]), mean};
  for (size_t row = 0; row < kGolden.size(); ++row) {
    for (size_t i = 0; i < mean.size(); ++i) {
      CAPTURE(row, i);
      // Five decimals are recorded; pixels carry the rounding of float32 sums times the box.
      CHECK(found.at(row).at(i) == Approx(kGolden.at(row).at(i)).margin(2e-4));
    }
  }
  CHECK(std::ranges::is_sorted(faces, std::ranges::greater(), &Face::score));
}

TEST_CASE("points are those of a second look, at the face cut out upright and at its mirror image", "[alignment]") {
  // A last network that always sees a face, with its points as in the window, but for these shares of it to the right and down.
  const auto shifted_by = [](double right, double down, double score) {
    const Mtcnn detector = golden_mtcnn({.thresholds = {0.6, 0.1, 0.5}});
    const at::NoGradGuard no_grad;
    const auto [size, points] = Mtcnn::window();
    at::Tensor bias = at::empty({10});
    for (int64_t i = 0; i < 5; ++i) {
      bias[i] = (points.at(static_cast<size_t>(i)).x + 0.5) / static_cast<double>(size.width) + right;
      bias[i + 5] = (points.at(static_cast<size_t>(i)).y + 0.5) / static_cast<double>(size.height) + down;
    }
    for (const auto& [name, tensor] : detector.state()) {
      if (name.starts_with("onet.dense6_1") || name.starts_with("onet.dense6_3")) at::Tensor(tensor).zero_();
      if (name == "onet.dense6_1.bias") at::Tensor(tensor)[1].fill_(score);
      if (name == "onet.dense6_3.bias") at::Tensor(tensor).copy_(bias);
    }
    return detector;
  };
  const auto compared = [](const Mtcnn& detector, const auto& check) {
    const at::Tensor photo = golden_photo(64, 90);
    const std::vector<Face> first = detector.detect(photo), second = detector(photo);
    REQUIRE(first.size() == second.size());
    REQUIRE_FALSE(first.empty());
    for (size_t i = 0; i < first.size(); ++i) {
      CHECK(first[i].left == second[i].left);
      CHECK(first[i].score == second[i].score);
      // Of the window, in pixels of the photo: as the eyes lie in both.
      const FivePoints upright = Mtcnn::window().points;
      const double scale = (first[i].points[1].x - first[i].points[0].x) / (upright[1].x - upright[0].x);
      for (size_t p = 0; p < 5; ++p) {
        const auto& [x, y] = second[i].points.at(p);
        check((x - first[i].points.at(p).x) / scale, (y - first[i].points.at(p).y) / scale, p);
      }
    }
  };
  compared(shifted_by(0.03, 0.02, 3), [](double right, double down, size_t p) {
    // The mirror image's shift is the other way. Points that lie askew in the window lie so in its mirror image, and straight on average.
    constexpr std::array<size_t, 5> kMirrored{1, 0, 2, 4, 3};
    const PhotoPoint one = Mtcnn::window().points.at(p), other = Mtcnn::window().points.at(kMirrored.at(p));
    CHECK(right == Approx((47 - one.x - other.x) / 2).margin(1e-3));
    CHECK(down == Approx(0.02 * 48 + (other.y - one.y) / 2).margin(1e-3));
  });
  compared(shifted_by(0, 0.2, 3), [](double right, double down, size_t) {
    // Half an eye distance off, the second look is not believed.
    CHECK(right == 0);
    CHECK(down == 0);
  });
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
  // 3200 x 200 pixels have the area of 800 x 800: three quarters of that are 600, and 5 % of it 30.
  const at::Tensor wide = at::constant_pad_nd(photo, {0, 3200 - photo.size(2)}, 90);
  const auto in_wide = [&](double smallest, double share) {
    return golden_mtcnn({.smallest = smallest, .smallest_share = share, .thresholds = {0.6, 0.2, 0.2}})(wide);
  };
  CHECK((in_wide(20, 0.05) == in_wide(30, 0)));
  CHECK_FALSE((in_wide(20, 0.05) == in_wide(20, 0)));
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
