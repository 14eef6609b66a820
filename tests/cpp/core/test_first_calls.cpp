#include "core/first_calls.hpp"

#include <catch2/catch.hpp>

using namespace secgan;

TEST_CASE("The first call of each elementwise function was one thread's, before anything else ran", "[core]") {
  CHECK(first_calls_settled());
}
