#include <torch/torch.h>
#include <catch2/catch.hpp>
#include <cmath>

#include "alignment/markers.hpp"
#include "secgan/alignment/faces.hpp"
#include "secgan/core/error.hpp"

using namespace secgan;
using namespace secgan::testing;

TEST_CASE("points of a turned photo are told in the photo's own pixels", "[alignment]") {
  const FivePoints points = celeba_points(from_celeba(6, 0.9, 120, 140));
  at::Tensor upright = drawn_photo(260, 220);
  mark(upright, points);
  for (const int64_t turns : {0, 1, 2, 3}) {
    CAPTURE(turns);
    const FoundFaces found = find_faces(find_marked, at::rot90(upright, turns, {1, 2}).contiguous());
    REQUIRE(found.faces.size() == 1);
    CHECK(found.quarter_turns == (4 - turns) % 4);
    for (size_t i = 0; i < 5; ++i) {
      const double x = std::round(points[i].x), y = std::round(points[i].y);
      const std::array<PhotoPoint, 4> expected{{{x, y}, {y, 219 - x}, {219 - x, 259 - y}, {259 - y, x}}};
      CHECK(found.faces[0].points[i].x == Approx(expected.at(static_cast<size_t>(turns)).x));
      CHECK(found.faces[0].points[i].y == Approx(expected.at(static_cast<size_t>(turns)).y));
    }
    CHECK(found.faces[0].left < found.faces[0].right);
    CHECK(found.faces[0].top < found.faces[0].bottom);
  }
}

TEST_CASE("a photo with an upright face is looked at once", "[alignment]") {
  int looks = 0;
  const FaceDetector detector = [&](const at::Tensor& photo) {
    ++looks;
    return find_marked(photo);
  };
  at::Tensor photo = drawn_photo(260, 220);
  find_faces(detector, photo);
  CHECK(looks == 4);
  mark(photo, celeba_points(from_celeba(0, 0.9, 120, 140)));
  find_faces(detector, photo);
  CHECK(looks == 5);
}

TEST_CASE("a face that is found on its side counts less than the same upright", "[alignment]") {
  // As MTCNN: it finds many a face that lies, with points that are off.
  const FaceDetector detector = [](const at::Tensor& photo) {
    std::vector<Face> faces = find_marked(photo);
    if (!faces.empty()) return faces;
    for (const int64_t turns : {1, 3}) {
      if (find_marked(at::rot90(photo, turns, {1, 2})).empty()) continue;
      FivePoints lying{{{60, 150}, {60, 90}, {90, 120}, {120, 150}, {120, 90}}};
      return std::vector<Face>{{40, 60, 140, 180, 1, lying}};
    }
    return faces;
  };
  at::Tensor upright = drawn_photo(260, 220);
  mark(upright, celeba_points(from_celeba(6, 0.9, 120, 140)));
  CHECK(find_faces(detector, upright).quarter_turns == 0);
  CHECK(find_faces(detector, at::rot90(upright, 1, {1, 2}).contiguous()).quarter_turns == 3);
  CHECK(find_faces(detector, at::rot90(upright, 3, {1, 2}).contiguous()).quarter_turns == 1);
}

TEST_CASE("a face of whose standing upright the detector is not certain does not end the search", "[alignment]") {
  // As MTCNN: in photos that stand on their heads it sees upright faces, too, with scores just below those of real ones.
  double score_of_seeming = 0.998;
  const FivePoints points = celeba_points(from_celeba(0, 0.9, 120, 140));
  const FaceDetector detector = [&](const at::Tensor& photo) {
    std::vector<Face> faces = find_marked(photo);
    if (!faces.empty()) return faces;
    Face seeming = face_of(points);
    seeming.score = score_of_seeming;
    return std::vector{seeming};
  };
  at::Tensor photo = drawn_photo(260, 220);
  mark(photo, points);
  const at::Tensor on_its_head = at::rot90(photo, 2, {1, 2}).contiguous();
  CHECK(find_faces(detector, on_its_head).quarter_turns == 2);
  score_of_seeming = 1;
  CHECK(find_faces(detector, on_its_head).quarter_turns == 0);
}

TEST_CASE("a face that leaves the photo is looked at with a margin", "[alignment]") {
  const FivePoints right = celeba_points(from_celeba(0, 0.6, 30, 100)), wrong = celeba_points(from_celeba(0, 1.2, -20, 100));
  at::Tensor shown;
  const auto detector = [&](const at::Tensor& photo) {
    shown = photo;
    const Face cut{-60, 40, 40, 160, 1, wrong};
    if (photo.size(2) == 200) return std::vector{cut};
    const auto margin = static_cast<double>(photo.size(2) - 200) / 2;
    Face whole{-10 + margin, 50 + margin, 70 + margin, 150 + margin, 1, right};
    for (PhotoPoint& point : whole.points) point = {point.x + margin, point.y + margin};
    return std::vector{whole};
  };
  const at::Tensor photo = drawn_photo(180, 200);
  const FoundFaces found = find_faces(detector, photo);
  REQUIRE(found.faces.size() == 1);
  CHECK(found.faces[0].points[0].x == Approx(right[0].x));
  CHECK(found.faces[0].points[4].y == Approx(right[4].y));
  CHECK(found.faces[0].left == -10);
  REQUIRE(shown.sizes() == at::IntArrayRef({3, 180 + 120, 200 + 120}));
  CHECK(at::equal(shown.narrow(1, 60, 180).narrow(2, 60, 200), photo));
  CHECK(shown[0][0][0].item<int>() == 127);
}

TEST_CASE("a face that is found twice is one, and one far off is none", "[alignment]") {
  const FivePoints points = celeba_points(from_celeba(0, 0.6, 90, 100)), beside = celeba_points(from_celeba(0, 0.6, 140, 100));
  const auto moved = [&](double by, double score) {
    Face face = face_of(points);
    for (PhotoPoint& point : face.points) point.x += by;
    face.score = score;
    return face;
  };
  const auto found_of = [&](const std::vector<Face>& faces) {
    return find_faces([&](const at::Tensor&) { return faces; }, drawn_photo(200, 200)).faces;
  };
  const std::vector<Face> once = found_of({moved(0, 0.95), moved(2, 0.99), moved(-2, 0.96)});
  REQUIRE(once.size() == 1);
  CHECK(once[0].score == 0.99);
  CHECK(found_of({face_of(points), face_of(beside)}).size() == 2);
  CHECK(found_of({moved(1e300, 1), moved(std::nan(""), 1), moved(-5000, 1), moved(190, 1)}).empty());
  CHECK(found_of({moved(0, 1), moved(180, 1)}).size() == 1);
}

TEST_CASE("faces come by size", "[alignment]") {
  const std::vector<Face> given{face_at(from_celeba(0, 0.3, 50, 50)), face_at(from_celeba(0, 0.9, 90, 90)),
                                face_at(from_celeba(0, 0.5, 140, 140))};
  const FoundFaces found = find_faces([&](const at::Tensor&) { return given; }, drawn_photo(200, 200));
  CHECK((found.faces == std::vector{given[1], given[2], given[0]}));
  CHECK(chosen_faces({}, found.faces) == std::vector<size_t>{0});
  CHECK(chosen_faces(parse_face_choice("all"), found.faces) == std::vector<size_t>{0, 1, 2});
  CHECK(chosen_faces(parse_face_choice("3"), found.faces) == std::vector<size_t>{2});
  CHECK_THROWS_WITH(chosen_faces(parse_face_choice("4"), found.faces), "face 4 was asked for, and 3 faces were found");
  CHECK_THROWS_WITH(chosen_faces({}, {}), "no face was found");
  for (const char* text : {"", "0", "-1", "first", "1.5", "2 "})
    CHECK_THROWS_WITH(parse_face_choice(text), Catch::Contains("is none of: largest, all, or a number from 1"));
}
