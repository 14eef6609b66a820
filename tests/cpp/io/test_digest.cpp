#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <string>

#include "secgan/core/error.hpp"
#include "secgan/io/digest.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

TEST_CASE("SHA-256 is that of FIPS 180-4's examples, of bytes and of files", "[io]") {
  const std::pair<std::string, std::string> examples[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  const TemporaryFolder folder;
  for (const auto& [bytes, digest] : examples) {
    CHECK(sha256(bytes) == digest);
    CHECK(sha256_file(folder.write("file", bytes)) == digest);
  }
  // Several pieces.
  const std::string long_bytes(5 << 20, 'b');
  CHECK(sha256_file(folder.write("long", long_bytes)) == sha256(long_bytes));
}

TEST_CASE("a digest of a file that is none names it", "[io]") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(sha256_file(folder / "missing"), FileNotFound);
  CHECK_THROWS_WITH(sha256_file(folder / "missing"), Catch::Contains("missing'"));
  CHECK_THROWS_WITH(sha256_file(folder.path()), Catch::Contains("cannot be read"));
}

TEST_CASE("a digest of tensors follows names, types, shapes and values, not how they lie in memory", "[io]") {
  const at::Tensor a = torch::arange(6, at::kFloat).view({2, 3});
  const std::string digest = sha256_tensors({{"a", a}});
  CHECK(digest == sha256_tensors({{"a", a.t().contiguous().t()}}));
  CHECK(digest != sha256_tensors({{"b", a}}));
  CHECK(digest != sha256_tensors({{"a", a.view({3, 2})}}));
  CHECK(digest != sha256_tensors({{"a", a.view(at::kInt)}}));
  CHECK(digest != sha256_tensors({{"a", a + 1}}));
  CHECK(sha256_tensors({{"a", a}, {"n", at::zeros({0})}}) != digest);
}
