#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <set>

#include "secgan/core/error.hpp"
#include "secgan/data/loader.hpp"

using namespace secgan;

namespace {

/// Photo i is filled with i; its left half is 100 higher, so that a mirrored one is recognized.
class Numbered final : public Dataset {
 public:
  explicit Numbered(int64_t count, int64_t broken = -1) : count_(count), broken_(broken), attributes_({"A"}) {}
  int64_t size() const override { return count_; }
  Sample get(int64_t index) const override {
    if (index == broken_) throw Error("photo 3 is broken");
    Sample sample;
    sample.image = at::full({3, 2, 2}, index, at::kByte);
    sample.image.select(2, 0) += 100;
    sample.mask = torch::tensor({{0, 2}, {0, 2}}, at::kByte);  // CelebAMask-HQ: background, nose
    sample.labels = at::full({1}, static_cast<float>(index));
    return sample;
  }
  int64_t image_size() const override { return 2; }
  const AttributeSchema& attributes() const override { return attributes_; }
  bool has_masks() const override { return true; }
  Labels label_set() const override { return Labels::kCelebAMaskHq; }

 private:
  int64_t count_, broken_;
  AttributeSchema attributes_;
};

std::vector<int64_t> order(Loader& loader, int64_t first, int64_t batches) {
  std::vector<int64_t> out;
  for (int64_t b = first; b < first + batches; ++b) {
    const Batch batch = loader.get(b);
    for (int64_t i = 0; i < batch.labels.size(0); ++i) out.push_back(batch.labels[i][0].item<int64_t>());
  }
  return out;
}

}  // namespace

TEST_CASE("every epoch shows every sample once, in an order of its own, through batches that cross epochs", "[data]") {
  // 10 samples in batches of 4: the third batch takes two of the next epoch.
  Loader loader(std::make_shared<Numbered>(10), {.batch = 4, .seed = 7});
  const std::vector<int64_t> seen = order(loader, 0, 5);
  const std::vector<int64_t> first(seen.begin(), seen.begin() + 10), second(seen.begin() + 10, seen.end());
  CHECK(std::set<int64_t>(first.begin(), first.end()).size() == 10);
  CHECK(std::set<int64_t>(second.begin(), second.end()).size() == 10);
  CHECK(first != second);
  CHECK(first != order(*std::make_unique<Loader>(std::make_shared<Numbered>(10), LoaderOptions{.batch = 4, .seed = 8}), 0, 3));
}

TEST_CASE("batch i is the same whether or not others were read before it", "[data]") {
  Loader once(std::make_shared<Numbered>(10), {.batch = 4, .seed = 7});
  order(once, 0, 3);
  Loader late(std::make_shared<Numbered>(10), {.batch = 4, .seed = 7});
  const Batch a = once.get(3), b = late.get(3);
  CHECK(at::equal(a.photo, b.photo));
  CHECK(at::equal(a.mask, b.mask));
}

TEST_CASE("photos come in [-1, 1], masks merged to the twelve, both mirrored together or not at all", "[data]") {
  Loader loader(std::make_shared<Numbered>(50), {.batch = 50, .seed = 1});
  const Batch batch = loader.get(0);
  int64_t mirrored = 0;
  for (int64_t i = 0; i < 50; ++i) {
    const float value = batch.labels[i][0].item<float>();
    const float left = batch.photo[i][0][0][0].item<float>(), right = batch.photo[i][0][0][1].item<float>();
    const bool flipped = right > left;
    mirrored += flipped;
    CHECK((flipped ? left : right) == Approx(value / 127.5f - 1).margin(1e-6));
    // Background is class 11 of the twelve, nose class 6.
    CHECK(batch.mask[i][0][0].item<int64_t>() == (flipped ? 6 : 11));
  }
  CHECK(mirrored > 10);
  CHECK(mirrored < 40);
  Loader straight(std::make_shared<Numbered>(50), {.batch = 50, .seed = 1, .flip = false});
  CHECK((straight.get(0).photo.select(3, 0) > straight.get(0).photo.select(3, 1)).all().item<bool>());
}

TEST_CASE("an unreadable sample is an error where it is needed, not a hole", "[data]") {
  Loader loader(std::make_shared<Numbered>(4, 3), {.batch = 4});
  CHECK_THROWS_WITH(loader.get(0), "photo 3 is broken");
  CHECK_THROWS_WITH(Loader(std::make_shared<Numbered>(3), {.batch = 4}), Catch::Contains("batch 4 is larger than the data set of 3"));
  CHECK_THROWS_WITH(Loader(std::make_shared<Numbered>(3), {.batch = 0}), Catch::Contains("batch 0"));
  CHECK_THROWS_WITH(Loader(std::make_shared<Numbered>(3), {.batch = 1, .seed = uint64_t{1} << 63}), Catch::Contains("2^63 - 1"));
}
