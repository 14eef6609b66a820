#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "golden.hpp"
#include "secgan/alignment/detector_file.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

TEST_CASE("a detector's file gives the detector back, and says whose its weights are", "[alignment]") {
  const TemporaryFolder folder;
  const Mtcnn detector;
  fill_golden(detector.state());
  const std::filesystem::path file = folder.path() / "new" / "detector.safetensors";
  save_detector(file, detector);
  const NamedTensors before = detector.state(), after = load_detector(file).state();
  REQUIRE(before.size() == after.size());
  for (size_t i = 0; i < before.size(); ++i) CHECK(at::equal(before[i].second, after[i].second));
  const auto metadata = load_safetensors(file).metadata;
  CHECK(metadata.at("license") == "MIT");
  CHECK_THAT(metadata.at("license_text"),
             Catch::Contains("Copyright (c) 2019 Timothy Esler") && Catch::Contains("shall be included in all"));
}

TEST_CASE("what is no detector is refused by name", "[alignment]") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "other.safetensors";
  write_file(file, encode_safetensors({{"weight", at::zeros({3})}}));
  CHECK_THROWS_WITH(load_detector(file), Catch::Contains("other.safetensors") && Catch::Contains("pnet.conv1.weight"));
  CHECK_THROWS_AS(load_detector(folder.path() / "none"), FileNotFound);
  NamedTensors whole = Mtcnn().state();
  for (auto& [name, tensor] : whole) tensor = tensor.to(at::kLong);
  write_file(file, encode_safetensors(whole));
  CHECK_THROWS_WITH(load_detector(file), Catch::Contains("other.safetensors") && Catch::Contains("is of type int64"));
  write_file(folder.path() / "text.whl", "no archive");
  CHECK_THROWS_WITH(import_facenet_pytorch(folder.path() / "text.whl"),
                    Catch::Contains("text.whl is") && Catch::Contains(".whl file, or a folder"));
  CHECK_THROWS_WITH(import_facenet_pytorch(folder.path()), Catch::Contains("no pnet.pt in it"));
  CHECK_THROWS_AS(import_facenet_pytorch(folder.path() / "none.whl"), FileNotFound);
}
