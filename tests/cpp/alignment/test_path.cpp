#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "secgan/alignment/path.hpp"
#include "secgan/core/error.hpp"

using namespace secgan;

namespace {

/// Eyes 40 pixels apart, their middle at x, y.
Face face_at(double x, double y) { return face_of({{{x - 20, y}, {x + 20, y}, {x, y + 25}, {x - 16, y + 45}, {x + 16, y + 45}}}); }

double x_of(const std::optional<Face>& face) { return face->points[0].x + 20; }

}  // namespace

TEST_CASE("a face is followed to where it goes, and no other is taken for it", "[alignment]") {
  std::vector<std::vector<Face>> frames;
  for (int t = 0; t < 12; ++t) {
    std::vector<Face> faces{face_at(100 + 10 * t, 80), face_at(300, 80)};
    if (t == 4 || t == 5) faces.erase(faces.begin());  // hidden, the other one stays
    if (t % 2 == 1) std::ranges::reverse(faces);       // which one is larger changes
    frames.push_back(faces);
  }
  const FacePath path = follow_face(frames, {});
  for (size_t t = 0; t < path.size(); ++t) {
    CAPTURE(t);
    REQUIRE(path[t].has_value() == (t != 4 && t != 5));
    if (path[t]) CHECK(x_of(path[t]) == Approx(100 + 10 * static_cast<double>(t)));
  }
  const FacePath second = follow_face(frames, {FaceChoice::Kind::kNumber, 2});
  for (const auto& face : second) CHECK(x_of(face) == Approx(300));
  // One that comes later is followed from then on.
  frames.insert(frames.begin(), 2, {});
  CHECK_FALSE(follow_face(frames, {})[1]);
  CHECK(follow_face(frames, {})[2]);
  CHECK_THROWS_AS(follow_face(frames, {FaceChoice::Kind::kAll, 1}), InvalidArgument);
  CHECK_THROWS_WITH(follow_face(frames, {FaceChoice::Kind::kNumber, 3}), "face 3 was asked for, and no frame has more than 2");
  CHECK_THROWS_WITH(follow_face({{}, {}}, {}), "no face was found in any frame");
  CHECK_THROWS_AS(follow_face({}, {}), NoFaceFound);
}

TEST_CASE("a path that speeds up evenly stays as it is, and gaps in it are filled", "[alignment]") {
  FacePath path;
  const auto place = [](int t) { return 50 + 3.0 * t + 0.5 * t * t; };
  for (int t = 0; t < 20; ++t) path.emplace_back(face_at(place(t), 100 - 2.0 * t));
  for (const size_t hidden : {6, 7}) path[hidden].reset();
  const FacePath steady = smoothed(path);
  for (int t = 0; t < 20; ++t) {
    CAPTURE(t);
    const auto& face = steady[static_cast<size_t>(t)];
    REQUIRE(face);
    CHECK(x_of(face) == Approx(place(t)));
    CHECK(face->points[4].y == Approx(145 - 2.0 * t));
  }
  // A face that is gone for longer, or not there yet, is not invented.
  for (size_t t = 0; t < 20; ++t) path[t] = t == 0 || t >= 10 ? std::optional(face_at(0, 0)) : std::nullopt;
  const FacePath gone = smoothed(path);
  for (size_t t = 1; t < 10; ++t) CHECK_FALSE(gone[t]);
  CHECK(gone[0]);
  path[5] = face_at(0, 0);
  const FacePath filled = smoothed(path);
  for (const auto& face : filled) CHECK(face);
  path[0].reset();
  path[5].reset();
  CHECK_FALSE(smoothed(path)[9]);
  CHECK_THROWS_AS(smoothed(path, 0), InvalidArgument);
  CHECK(smoothed({}).empty());
}

TEST_CASE("points that tremble do so less", "[alignment]") {
  std::mt19937 random(3);  // NOLINT(cert-msc32-c,cert-msc51-cpp)
  std::normal_distribution<double> off(0, 1);
  FacePath path;
  for (int t = 0; t < 400; ++t) path.emplace_back(face_at(100 + off(random), 80 + off(random)));
  const auto trembling = [](const FacePath& of) {
    double sum = 0;
    for (size_t t = 1; t < of.size(); ++t) sum += std::pow(x_of(of[t]) - x_of(of[t - 1]), 2);
    return std::sqrt(sum / static_cast<double>(of.size() - 1));
  };
  CHECK(trembling(path) == Approx(std::sqrt(2)).epsilon(0.1));
  CHECK(trembling(smoothed(path)) < 0.25 * trembling(path));
  CHECK(trembling(smoothed(path, 8)) < trembling(smoothed(path)));
}
