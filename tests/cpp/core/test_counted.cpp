#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "core/counted.hpp"

using namespace secgan;

TEST_CASE("counts are said as people say them", "[core]") {
  CHECK(counted(0, "photo") == "0 photos");
  CHECK(counted(1, "photo") == "1 photo");
  CHECK(counted(size_t{2}, "photo") == "2 photos");
  CHECK(counted(1, "row repeats", "rows repeat") == "1 row repeats");
  CHECK(counted(3, "class", "classes") == "3 classes");
  CHECK(counted_of(1, 4, "photo", "was", "were") == "1 of 4 photos was");
  CHECK(counted_of(1, 1, "photo", "was", "were") == "1 of 1 photo was");
  CHECK(counted_of(size_t{2}, int64_t{4}, "photo", "was", "were") == "2 of 4 photos were");
}
