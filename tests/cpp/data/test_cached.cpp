#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <thread>

#include "secgan/core/error.hpp"
#include "secgan/data/cached.hpp"

using namespace secgan;

namespace {

/// Picture i is filled with i; those in `broken` cannot be read, and `last` is not read before another has failed.
class Numbers final : public Dataset {
 public:
  Numbers(int64_t size, std::vector<int64_t> broken, int64_t last = -1) : size_(size), broken_(std::move(broken)), last_(last) {}
  int64_t size() const override { return size_; }
  Sample get(int64_t index) const override {
    ++reads;
    // Bounded, so that a cache with one thread fails the test instead of hanging it.
    for (int i = 0; index == last_ && failures_ == 0 && i < 1000; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    for (const int64_t i : broken_) {
      if (i != index) continue;
      ++failures_;
      throw Error("'" + std::to_string(i) + ".jpg' is truncated");
    }
    return {torch::full({3, 2, 2}, index, torch::kByte), {}, {}, std::to_string(index)};
  }
  int64_t image_size() const override { return 2; }
  const AttributeSchema& attributes() const override { return schema_; }
  bool has_masks() const override { return false; }
  Labels label_set() const override { return Labels::kFaceParsing; }
  std::string sample_name(int64_t index) const override { return std::to_string(index) + ".jpg"; }

  mutable std::atomic<int64_t> reads{0};

 private:
  int64_t size_;
  std::vector<int64_t> broken_;
  int64_t last_;
  mutable std::atomic<int64_t> failures_{0};
  AttributeSchema schema_{std::vector<std::string>{"Smiling"}};
};

}  // namespace

TEST_CASE("a cached data set reads each sample once and keeps its place", "[data]") {
  for (const int threads : {0, 1, 3}) {
    const auto source = std::make_shared<Numbers>(50, std::vector<int64_t>{});
    const CachedDataset cached(source, threads);
    REQUIRE(cached.size() == 50);
    for (int64_t round = 0; round < 2; ++round) {
      for (int64_t i = 0; i < 50; ++i) {
        CHECK(cached.get(i).id == std::to_string(i));
        CHECK(at::equal(cached.get(i).image, torch::full({3, 2, 2}, i, torch::kByte)));
      }
    }
    CHECK(source->reads == 50);
    CHECK(cached.image_size() == 2);
    CHECK(cached.attributes().names() == std::vector<std::string>{"Smiling"});
    CHECK(cached.label_set() == Labels::kFaceParsing);
    CHECK(cached.sample_name(4) == "4.jpg");
  }
}

TEST_CASE("caching reports the first broken sample, even when a later one fails sooner", "[data]") {
  const auto source = std::make_shared<Numbers>(50, std::vector<int64_t>{0, 1, 30}, /*last=*/0);
  CHECK_THROWS_WITH(CachedDataset(source, 3), "'0.jpg' is truncated");
}

TEST_CASE("a cache that memory cannot hold is refused before a sample is read, with what helps", "[data]") {
  const auto source = std::make_shared<Numbers>(int64_t{1} << 50, std::vector<int64_t>{});
  CHECK_THROWS_WITH(CachedDataset(source), Catch::Contains("the data cache needs ") && Catch::Contains("data.cache = false"));
  CHECK(source->reads == 0);
}
