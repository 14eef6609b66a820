#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <catch2/catch.hpp>

#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "secgan/core/fast_paths.hpp"
#include "secgan/core/kept_memory.hpp"

using namespace secgan;

namespace {

/// Sanitizers keep their own books.
bool keeps() {
  const KeptMemory kept;
  const at::Tensor large = at::empty({1 << 20});
  return KeptMemory::held() > 0;
}

/// Tensors of changing sizes that begin and end in any order, each filled with its number.
void make_and_drop(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<at::Tensor> tensors(60);
  for (int turn = 0; turn < 2000; ++turn) {
    at::Tensor& tensor = tensors[random() % tensors.size()];
    if (tensor.defined()) {
      // What lies beside it has not written into it, nor it beside itself.
      REQUIRE(tensor.min().item<int64_t>() == tensor.max().item<int64_t>());
      tensor.reset();
    } else {
      const int64_t size = int64_t{1} << random() % 19;  // to 4 MiB
      tensor = at::full({size + static_cast<int64_t>(random() % 97)}, turn, at::kLong);
      REQUIRE(reinterpret_cast<uintptr_t>(tensor.data_ptr()) % 64 == 0);
    }
  }
}

}  // namespace

TEST_CASE("kept memory is given again, and tensors never share it", "[core]") {
  if (!keeps()) return;
  c10::Allocator* const before = c10::GetCPUAllocator();
  {
    const KeptMemory kept;
    make_and_drop(1);
    const uint64_t held = KeptMemory::held();
    CHECK(held > 0);
    for (unsigned turn = 0; turn < 3; ++turn) make_and_drop(1);
    CHECK(KeptMemory::held() == held);  // the same again fits into it
    void* const place = at::empty({1 << 20}).data_ptr();
    CHECK(at::empty({1 << 20}).data_ptr() == place);
    const at::Tensor nothing = at::empty({0, 3});
    CHECK(nothing.numel() == 0);
    std::thread other([] { make_and_drop(2); });
    make_and_drop(3);
    other.join();
  }
  CHECK(KeptMemory::held() == 0);
  CHECK(c10::GetCPUAllocator() == before);
}

TEST_CASE("tensors outlive kept memory, which goes with the last of them", "[core]") {
  if (!keeps()) return;
  at::Tensor survivor;
  {
    const KeptMemory kept;
    std::optional<KeptMemory> inner(std::in_place);
    survivor = at::full({300'000}, 7);
    inner.reset();
    CHECK(at::empty({1 << 20}).data_ptr() != nullptr);
    CHECK(KeptMemory::held() > 0);  // the outer one is still there
  }
  CHECK(KeptMemory::held() > 0);
  CHECK(survivor.sum().item<double>() == 2'100'000);
  survivor.resize_({600'000});
  CHECK(survivor.slice(0, 0, 300'000).sum().item<double>() == 2'100'000);
  CHECK(KeptMemory::held() > 0);  // a storage stays with the allocator that it began with
  survivor.reset();
  CHECK(KeptMemory::held() == 0);
  const FastPathsGuard plain(false);
  const KeptMemory none;
  const at::Tensor large = at::empty({1 << 20});
  CHECK(KeptMemory::held() == 0);
}
