#include <catch2/catch.hpp>

#include <thread>

#include "secgan/core/fast_paths.hpp"

using namespace secgan;

TEST_CASE("a guard turns fast paths off and on, in every thread, and puts back what was", "[fast_paths]") {
  const bool before = fast_paths();
  {
    const FastPathsGuard off(false);
    CHECK(!fast_paths());
    {
      const FastPathsGuard on(true);
      bool seen = false;
      std::thread([&] { seen = fast_paths(); }).join();
      CHECK(seen);
    }
    CHECK(!fast_paths());
  }
  CHECK(fast_paths() == before);
}
