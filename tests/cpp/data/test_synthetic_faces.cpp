#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <thread>

#include "numeric.hpp"
#include "secgan/data/synthetic_faces.hpp"

using namespace secgan;

namespace {

constexpr int64_t kGlasses = 3, kMouth = 7, kHair = 10;

at::Tensor labels_with(std::initializer_list<const char*> names) {
  const AttributeSchema schema(synthetic_attribute_names());
  at::Tensor labels = at::zeros({9});
  for (const char* name : names) labels[schema.index(name)] = 1;
  return labels;
}

bool same(const Sample& a, const Sample& b) {
  return at::equal(a.image, b.image) && at::equal(a.mask, b.mask) && at::equal(a.labels, b.labels);
}

/// Mean color of a class, [3].
at::Tensor color_of(const Sample& sample, int64_t id) {
  return sample.image.masked_select(sample.mask.eq(id)).view({3, -1}).to(at::kFloat).mean(1);
}

}  // namespace

TEST_CASE("a drawn face follows from seed and index alone, whatever the order or thread", "[faces]") {
  const SyntheticFaces faces({.count = 30, .image_size = 32, .seed = 5});
  std::vector<Sample> forward, threaded(30);
  for (int64_t i = 0; i < 30; ++i) forward.push_back(faces.get(i));
  std::vector<std::thread> workers;
  for (int64_t t = 0; t < 3; ++t) {
    workers.emplace_back([&, t] {
      for (int64_t i = 29 - t; i >= 0; i -= 3)
        threaded[static_cast<size_t>(i)] = SyntheticFaces({.count = 99, .image_size = 32, .seed = 5}).get(i);
    });
  }
  for (auto& worker : workers) worker.join();
  for (size_t i = 0; i < 30; ++i) CHECK(same(forward[i], threaded[i]));
  CHECK_FALSE(same(forward[0], SyntheticFaces({.count = 30, .image_size = 32, .seed = 6}).get(0)));
  CHECK_FALSE(same(forward[0], forward[1]));
}

TEST_CASE("labels obey the exclusions, vary, and every class is drawn", "[faces]") {
  const SyntheticFaces faces({.count = 400, .image_size = 32});
  const AttributeSchema& schema = faces.attributes();
  at::Tensor sum = at::zeros({9}), classes = at::zeros({12}, at::kLong);
  for (int64_t i = 0; i < faces.size(); ++i) {
    const Sample sample = faces.get(i);
    sum += sample.labels;
    classes += at::bincount(sample.mask.flatten().to(at::kLong), {}, 12);
    for (int64_t a = 0; a < 9; ++a) {
      for (const int64_t b : schema.excluded_by(a)) CHECK((sample.labels[a] * sample.labels[b]).item<float>() == 0);
    }
  }
  for (int64_t a = 0; a < 9; ++a) {
    INFO(schema.names()[static_cast<size_t>(a)]);
    CHECK(sum[a].item<float>() / 400 > 0.1);
    CHECK(sum[a].item<float>() / 400 < 0.6);
  }
  CHECK(classes.size(0) == 12);
  CHECK(classes.min().item<int64_t>() > 400);
}

TEST_CASE("each label shows in picture and mask, and changes nothing else", "[faces]") {
  for (const uint64_t who : {1u, 2u, 3u, 4u, 5u}) {
    const Sample plain = draw_face(who, labels_with({}), 64);
    const Sample glasses = draw_face(who, labels_with({"Eyeglasses"}), 64);
    CHECK_FALSE(plain.mask.eq(kGlasses).any().item<bool>());
    CHECK(glasses.mask.eq(kGlasses).sum().item<int64_t>() > 60);
    // Beyond a pixel around the glasses the two pictures are equal.
    const at::Tensor near = at::max_pool2d(glasses.mask.eq(kGlasses).to(at::kFloat).view({1, 1, 64, 64}), {5, 5}, {1, 1}, {2, 2})[0][0] > 0;
    CHECK_FALSE(glasses.image.ne(plain.image).any(0).logical_and(near.logical_not()).any().item<bool>());

    CHECK_FALSE(draw_face(who, labels_with({"Bald"}), 64).mask.eq(kHair).any().item<bool>());
    CHECK(plain.mask.eq(kHair).sum().item<int64_t>() > 100);
    CHECK_FALSE(plain.mask.eq(kMouth).any().item<bool>());
    CHECK(draw_face(who, labels_with({"Mouth_Slightly_Open"}), 64).mask.eq(kMouth).sum().item<int64_t>() > 15);
    CHECK(draw_face(who, labels_with({"Bangs"}), 64).mask.eq(kHair).sum().item<int64_t>() >
          plain.mask.eq(kHair).sum().item<int64_t>() + 30);

    const Sample black = draw_face(who, labels_with({"Black_Hair"}), 64), blond = draw_face(who, labels_with({"Blond_Hair"}), 64);
    CHECK(at::equal(black.mask, blond.mask));
    CHECK((color_of(blond, kHair) - color_of(black, kHair)).min().item<float>() > 40);
    const Sample pale = draw_face(who, labels_with({"Pale_Skin"}), 64);
    CHECK(at::equal(pale.mask, plain.mask));
    CHECK((color_of(pale, 0) - color_of(plain, 0)).min().item<float>() > 10);
    const Sample moustache = draw_face(who, labels_with({"Mustache"}), 64);
    CHECK(moustache.image.ne(plain.image).any(0).sum().item<int64_t>() > 20);
    CHECK_FALSE(moustache.mask.eq(kHair).ne(plain.mask.eq(kHair)).any().item<bool>());
  }
}

TEST_CASE("a larger side shows the same face, finer", "[faces]") {
  double agreement = 0;
  for (int64_t i = 0; i < 10; ++i) {
    const Sample coarse = SyntheticFaces({.count = 10, .image_size = 64}).get(i);
    const Sample fine = SyntheticFaces({.count = 10, .image_size = 192}).get(i);
    // The middle one of each 3 x 3 block stands where the coarse pixel's center is.
    using at::indexing::Slice;
    const at::Tensor picked = fine.mask.index({Slice(1, 192, 3), Slice(1, 192, 3)});
    agreement += picked.eq(coarse.mask).to(at::kDouble).mean().item<double>() / 10;
    CHECK((at::avg_pool2d(fine.image.to(at::kFloat), {3, 3}) - coarse.image.to(at::kFloat)).abs().mean().item<float>() < 4);
  }
  CHECK(agreement > 0.97);
}

TEST_CASE("wrong options and labels of drawn faces are named", "[faces]") {
  CHECK_THROWS_WITH(SyntheticFaces({.count = 0}), Catch::Contains("count 0"));
  CHECK_THROWS_WITH(SyntheticFaces({.image_size = 31}), Catch::Contains("image_size 31"));
  CHECK_THROWS_WITH(SyntheticFaces({.image_size = 8193}), Catch::Contains("image_size 8193 is above 8192"));
  CHECK_THROWS_WITH(draw_face(1, labels_with({}), 1 << 30), Catch::Contains("image_size must be from 32 to 8192, found 1073741824"));
  CHECK_THROWS_WITH(draw_face(1, at::zeros({8}), 64), Catch::Contains("labels must be [9]"));
  CHECK_THROWS_WITH(draw_face(1, labels_with({"Bald", "Bangs"}), 64), Catch::Contains("exclude one another"));
  CHECK_THROWS_WITH(draw_face(1, labels_with({"Black_Hair", "Blond_Hair"}), 64), Catch::Contains("exclude one another"));
}
