#include "secgan/core/device.hpp"

#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "secgan/core/error.hpp"
#include "secgan/core/scalars.hpp"

using namespace secgan;
using Catch::Contains;

TEST_CASE("devices are found by name, and one that is not there is refused with those that are", "[core][device]") {
  const std::vector<Device> offered = available_devices();
  REQUIRE_FALSE(offered.empty());
  CHECK(offered.front() == Device(at::kCPU));
  CHECK(find_device("cpu") == Device(at::kCPU));
  CHECK(find_device("auto") == (offered.size() > 1 ? offered[1] : offered[0]));
  for (const Device& device : offered) CHECK(find_device(device.str()) == device);
  try {
    find_device("cuda:77");
    FAIL("cuda:77 was found");
  } catch (const InvalidArgument& error) {
    CHECK_THAT(error.what(), Catch::StartsWith("device 'cuda:77' is not there: LibTorch ") && Contains("offers auto, cpu"));
  }
  for (const char* name : {"", "gpu", "CPU", "cuda:-1", "cuda:x", "meta", "cpu:7"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(find_device(name), InvalidArgument);
  }
}

TEST_CASE("scalars become numbers, exactly and in their order", "[core][device]") {
  const NamedTensors scalars{{"a", at::scalar_tensor(0.1, at::kFloat)},
                             {"b", at::scalar_tensor(0.1, at::kDouble)},
                             {"c", at::scalar_tensor(3, at::kLong)},
                             {"d", at::scalar_tensor(-1.0 / 0.0, at::kFloat)}};
  const NamedValues values = values_of(scalars);
  REQUIRE(values.size() == 4);
  CHECK(values[0] == std::pair<std::string, double>("a", static_cast<double>(0.1F)));
  CHECK(values[1] == std::pair<std::string, double>("b", 0.1));
  CHECK(values[2] == std::pair<std::string, double>("c", 3.0));
  CHECK(values[3].second == -std::numeric_limits<double>::infinity());
  CHECK(values_of({}).empty());
}
