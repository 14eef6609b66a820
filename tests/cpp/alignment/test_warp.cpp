#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <cmath>

#include "alignment/markers.hpp"
#include "secgan/alignment/blend.hpp"
#include "secgan/alignment/warp.hpp"
#include "secgan/core/error.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

const Rect kCrop{4, 24, 170, 170};

/// Whether pixel centers lie strictly within the quad, by the signs of areas; [H, W] bool.
at::Tensor inside(const std::array<PhotoPoint, 4>& corners, int64_t height, int64_t width) {
  const at::Tensor x = at::arange(width, at::kDouble).unsqueeze(0), y = at::arange(height, at::kDouble).unsqueeze(1);
  at::Tensor all = at::ones({height, width}, at::kBool);
  for (size_t i = 0; i < 4; ++i) {
    const PhotoPoint from = corners.at(i), to = corners.at((i + 1) % 4);
    all = all.logical_and((to.x - from.x) * (y - from.y) - (to.y - from.y) * (x - from.x) > 0);
  }
  return all;
}

}  // namespace

TEST_CASE("a face that stands as the layout's is cut out to the pixel", "[alignment]") {
  const at::Tensor photo = drawn_photo(260, 300);
  const AlignedPlace place = aligned_place({.right = -60, .down = -30}, kCrop);
  CHECK(place.width == 170);
  CHECK(place.height == 170);
  CHECK(at::equal(cut_out(photo, place), crop_image(photo, {64, 54, 170, 170})));
  // Beyond the photo's edge its mirror image.
  const at::Tensor edge = cut_out(photo, aligned_place({.right = 14, .down = 24}, kCrop));
  CHECK(at::equal(edge.narrow(2, 10, 160), photo.narrow(1, 0, 170).narrow(2, 0, 160)));
  CHECK(at::equal(edge.narrow(2, 0, 10), photo.narrow(1, 0, 170).narrow(2, 0, 10).flip(2)));
}

TEST_CASE("a turned and scaled face comes upright", "[alignment]") {
  // A field whose value is the layout's own x, painted into the photo.
  const Similarity to_photo = from_celeba(25, 1.7, 260, 240);
  const Similarity to_layout = to_photo.inverse();
  const at::Tensor x = at::arange(520, at::kDouble).unsqueeze(0), y = at::arange(480, at::kDouble).unsqueeze(1);
  const at::Tensor across = x * to_layout.a - y * to_layout.b + to_layout.right;
  const at::Tensor photo = (across + 20).round().clamp(0, 255).to(at::kByte).expand({3, -1, -1}).contiguous();
  const AlignedPlace place = aligned_place(to_layout, kCrop);
  CHECK(place.width == std::llround(170 * 1.7));
  const at::Tensor aligned = cut_out(photo, place)[0].to(at::kDouble);
  const double per_pixel = 170.0 / static_cast<double>(place.width);
  const at::Tensor expected = (at::arange(place.width, at::kDouble) + 0.5) * per_pixel - 0.5 + 4 + 20;
  CHECK((aligned - expected.unsqueeze(0)).abs().max().item<double>() <= 1.01);
}

TEST_CASE("no change is none to the bit, a change stays within the quad", "[alignment]") {
  for (const double degrees : {0.0, 20.0, 90.0, -135.0}) {
    CAPTURE(degrees);
    const at::Tensor photo = drawn_photo(300, 340);
    const AlignedPlace place = aligned_place(from_celeba(degrees, 0.9, 180, 140).inverse(), kCrop);
    const at::Tensor everywhere = at::ones({place.height, place.width});
    at::Tensor after = photo.clone();
    put_back(after, place, at::zeros({3, place.height, place.width}), everywhere);
    CHECK(at::equal(after, photo));
    put_back(after, place, at::full({3, place.height, place.width}, 40.0), everywhere);
    const at::Tensor in = inside(quad(place), 300, 340);
    CHECK(at::equal((after != photo).any(0), in));
    CHECK(at::equal(after, photo + in.to(at::kByte) * 40));
  }
}

TEST_CASE("what is cut out, changed and put back is the change of the photo", "[alignment]") {
  const at::Tensor photo = drawn_photo(300, 340);
  const AlignedPlace place = aligned_place(from_celeba(15, 1.1, 170, 150).inverse(), kCrop);
  const at::Tensor crop = cut_out(photo, place).to(at::kFloat);
  // Half as bright: smooth as the photo is, so that two interpolations move it by little.
  at::Tensor after = photo.clone();
  put_back(after, place, crop * -0.5, at::ones({place.height, place.width}));
  const at::Tensor in = inside(quad(place), 300, 340);
  const at::Tensor expected = at::where(in, photo.to(at::kFloat) * 0.5, photo.to(at::kFloat));
  CHECK((after.to(at::kFloat) - expected).abs().max().item<double>() <= 3);
  CHECK((after.to(at::kFloat) - expected).abs().mean().item<double>() < 0.3);
}

TEST_CASE("a picture that is laid over hides the photo where its weight is 1", "[alignment]") {
  const at::Tensor photo = at::randint(0, 256, {3, 300, 340}, at::kByte);  // all detail
  const AlignedPlace place = aligned_place(from_celeba(15, 1.1, 170, 150).inverse(), kCrop);
  at::Tensor after = photo.clone();
  at::Tensor weights = at::zeros({place.height, place.width});
  put_over(after, place, at::full({3, place.height, place.width}, 77.0), weights);
  CHECK(at::equal(after, photo));
  weights.fill_(1);
  put_over(after, place, at::full({3, place.height, place.width}, 77.0), weights);
  CHECK(at::equal(after, at::where(inside(quad(place), 300, 340), at::full({}, 77, at::kByte), photo)));
}

TEST_CASE("a face beyond the photo's edge is put back as far as there is photo", "[alignment]") {
  const at::Tensor photo = drawn_photo(120, 100);
  const AlignedPlace place = aligned_place(from_celeba(0, 0.5, 5, 60).inverse(), kCrop);
  CHECK(share_inside(place, 100, 120) == Approx(0.56).margin(0.02));
  at::Tensor after = photo.clone();
  put_back(after, place, at::full({3, place.height, place.width}, 30.0), at::ones({place.height, place.width}));
  CHECK(at::equal((after != photo).any(0), inside(quad(place), 120, 100)));
  CHECK(share_inside(aligned_place(from_celeba(0, 0.3, 50, 60).inverse(), kCrop), 100, 120) == 1);
  CHECK_THROWS_WITH(cut_out(photo, aligned_place(from_celeba(0, 0.3, -400, 60).inverse(), kCrop)), Catch::Contains("outside of the photo"));
}

TEST_CASE("classes are put back by the nearest", "[alignment]") {
  const AlignedPlace place = aligned_place(from_celeba(30, 1, 150, 150).inverse(), kCrop);
  const at::Tensor mask = at::full({300, 300}, 11, at::kByte);
  at::Tensor ids = at::full({place.height, place.width}, 3, at::kByte);
  ids.narrow(1, 0, place.width / 2).fill_(7);
  put_back_classes(mask, place, ids);
  const at::Tensor in = inside(quad(place), 300, 300);
  CHECK(at::equal(mask == 11, in.logical_not()));
  CHECK(at::equal((mask == 7).logical_or(mask == 3), in));
  CHECK((mask == 7).sum().item<int64_t>() == Approx((mask == 3).sum().item<int64_t>()).margin(200));
}

TEST_CASE("large faces are cut out at 2048 pixels at most", "[alignment]") {
  const AlignedPlace place = aligned_place(from_celeba(0, 30, 2600, 2600).inverse(), kCrop);
  CHECK(place.width == 2048);
  CHECK(place.height == 2048);
}

TEST_CASE("weights are 1 in the face, 0 at the edge, and smooth", "[alignment]") {
  const FaceLayout layout = celeba_layout();
  for (const double scale : {0.4, 2.0}) {
    CAPTURE(scale);
    const AlignedPlace place = aligned_place(from_celeba(10, scale, 200, 200).inverse(), kCrop);
    const at::Tensor edge = edge_weights(place.height, place.width);
    // A parser that sees nothing, one that sees everything, and none.
    for (const at::Tensor& head : {head_weights(at::zeros({64, 64}), layout, place), head_weights(at::ones({64, 64}), layout, place),
                                   ellipse_weights(layout, place)}) {
      const at::Tensor weights = head * edge;
      CHECK(weights.min().item<double>() >= 0);
      CHECK(weights.max().item<double>() <= 1);
      for (const PhotoPoint& point : layout.points) {
        const auto column = static_cast<int64_t>((point.x - 4 + 0.5) * scale), row = static_cast<int64_t>((point.y - 24 + 0.5) * scale);
        CHECK(weights[row][column].item<double>() > 0.97);
      }
      for (const int64_t dim : {0, 1}) {
        const int64_t last = weights.size(dim) - 1;
        CHECK(weights.select(dim, 0).max().item<double>() < 0.02);
        CHECK(weights.select(dim, last).max().item<double>() < 0.02);
        // No step that an eye would find: 1 is reached over a tenth of the side or more.
        const double steepest = weights.diff(1, dim).abs().max().item<double>() * static_cast<double>(last);
        CHECK(steepest < 20);
      }
    }
  }
}

TEST_CASE("a parsed head is edited and its background is not", "[alignment]") {
  const AlignedPlace place = aligned_place(from_celeba(0, 1, 89, 109).inverse(), kCrop);
  at::Tensor head = at::zeros({128, 128});
  head.narrow(0, 20, 90).narrow(1, 30, 70).fill_(1);
  const at::Tensor weights = head_weights(head, celeba_layout(), place);
  CHECK(weights[85][85].item<double>() == Approx(1));
  CHECK(weights[30][45].item<double>() > 0.9);  // in the head, at its rim
  CHECK(weights[85][10].item<double>() == Approx(0).margin(1e-6));
  CHECK(weights[160][160].item<double>() == Approx(0).margin(1e-6));
}

TEST_CASE("of two faces side by side each edits its own", "[alignment]") {
  const Similarity left = from_celeba(0, 1, 150, 150), right = from_celeba(0, 1, 240, 150);
  const AlignedPlace place = aligned_place(left.inverse(), kCrop);
  const at::Tensor alone = own_weights(celeba_points(left), {}, place);
  CHECK(alone.min().item<double>() == 1);
  const at::Tensor weights = own_weights(celeba_points(left), {celeba_points(right)}, place);
  const auto at = [&](double x, double y) {
    const PhotoPoint shown = place.to_layout({x, y});
    return weights[std::llround(shown.y - 24)][std::llround(shown.x - 4)].item<double>();
  };
  CHECK(at(150, 160) == Approx(1));
  CHECK(at(195, 160) == Approx(0.5).margin(0.05));
  CHECK(at(230, 160) == Approx(0).margin(0.01));
  // Both together give every pixel once.
  const AlignedPlace other = aligned_place(right.inverse(), kCrop);
  const at::Tensor theirs = own_weights(celeba_points(right), {celeba_points(left)}, other);
  CHECK((weights.narrow(1, 90, 80) + theirs.narrow(1, 0, 80) - 1).abs().max().item<double>() < 1e-4);
}
