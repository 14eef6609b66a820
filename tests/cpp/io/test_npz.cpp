#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <cstring>

#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/npz.hpp"
#include "temporary_folder.hpp"

using namespace secgan;

namespace {

const std::filesystem::path kGolden = std::filesystem::path(SECGAN_GOLDEN_DIR) / "npz";

at::Tensor array(const NamedTensors& arrays, const std::string& name) {
  for (const auto& [key, tensor] : arrays) {
    if (key == name) return tensor;
  }
  FAIL("no array " << name);
  return {};
}

std::string refusal(const std::string& bytes) {
  try {
    parse_npz(bytes, "x.npz");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal_of(const std::string& name) { return refusal(read_file(kGolden / name)); }

/// An archive of one stored array with this header and 8 bytes of data; its checksum is right.
std::string with_header(const std::string& header) {
  std::string member("\x93NUMPY\x01\x00", 8);
  member += {static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  member += header + std::string(8, '\0');
  uint32_t crc = 0xffffffffU;
  for (const char c : member) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320U & (0U - (crc & 1U)));
  }
  crc = ~crc;
  const auto number = [](uint64_t value, int width) {
    std::string out;
    for (int i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
    return out;
  };
  const std::string name = "a.npy", shared = number(20, 2) + number(0, 2) + number(0, 2) + number(0, 2) + number(33, 2) + number(crc, 4) +
                                             number(member.size(), 4) + number(member.size(), 4) + number(name.size(), 2) + number(0, 2);
  const std::string local = "PK\x03\x04" + shared + name + member;
  const std::string directory =
      std::string("PK\x01\x02") + number(20, 2) + shared + number(0, 2) + number(0, 2) + number(0, 2) + number(0, 4) + number(0, 4) + name;
  return local + directory + "PK\x05\x06" + number(0, 4) + number(1, 2) + number(1, 2) + number(directory.size(), 4) +
         number(local.size(), 4) + number(0, 2);
}

}  // namespace

TEST_CASE("arrays that NumPy wrote are read: every type, both orders, stored and deflated", "[io]") {
  for (const std::string file : {"stored.npz", "deflated.npz"}) {
    INFO(file);
    const NamedTensors arrays = load_npz(kGolden / file);
    REQUIRE(arrays.size() == 12);
    CHECK(arrays[0].first == "f8");
    const at::Tensor quarters = torch::arange(6, torch::kFloat64).view({2, 3}) / 4;
    for (const auto& [name, type] : {std::pair{"f8", at::kDouble}, std::pair{"f4", at::kFloat}, std::pair{"f2", at::kHalf}}) {
      CHECK(array(arrays, name).scalar_type() == type);
      CHECK(at::equal(array(arrays, name).to(at::kDouble), quarters));
    }
    CHECK(at::equal(array(arrays, "i8"), torch::tensor({{int64_t{1}, int64_t{-2}}, {int64_t{3}, int64_t{1} << 40}})));
    CHECK(at::equal(array(arrays, "i4"), torch::tensor({-7}, at::kInt)));
    CHECK(at::equal(array(arrays, "i2"), torch::tensor({300, -5}, at::kShort)));
    CHECK(at::equal(array(arrays, "i1"), torch::tensor({-1, 2}, at::kChar)));
    CHECK(at::equal(array(arrays, "u1"), torch::tensor({200, 2}, at::kByte)));
    CHECK(at::equal(array(arrays, "b1"), torch::tensor({true, false})));
    CHECK(at::equal(array(arrays, "fortran"), torch::arange(24, torch::kFloat64).view({2, 3, 4})));
    CHECK(array(arrays, "fortran").is_contiguous());
    CHECK(at::equal(array(arrays, "scalar"), torch::tensor(3.5, at::kDouble)));
    CHECK(array(arrays, "empty").sizes() == at::IntArrayRef({0, 4}));
  }
}

TEST_CASE("arrays survive writing and reading, in order, and the bytes depend on nothing else", "[io]") {
  torch::manual_seed(2);
  NamedTensors tensors;
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf}) tensors.emplace_back(c10::toString(type), torch::randn({2, 3}).to(type));
  for (const auto type : {at::kLong, at::kInt, at::kShort, at::kChar, at::kByte, at::kBool}) {
    tensors.emplace_back(c10::toString(type), at::randint(0, 2, {5}).to(type));
  }
  tensors.emplace_back("transposed", torch::randn({3, 5}).t());
  tensors.emplace_back("scalar", torch::tensor(int64_t{50000}));
  tensors.emplace_back("empty", at::zeros({0, 4}));
  tensors.emplace_back("ä", torch::randn({1, 2, 3, 4, 5}));
  const std::string bytes = encode_npz(tensors);
  CHECK(bytes == encode_npz(tensors));
  const NamedTensors read = parse_npz(bytes, "memory");
  REQUIRE(read.size() == tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    INFO(tensors[i].first);
    CHECK(read[i].first == tensors[i].first);
    CHECK(read[i].second.scalar_type() == tensors[i].second.scalar_type());
    CHECK(at::equal(read[i].second, tensors[i].second));
  }
  const NamedTensors part = parse_npz(bytes, "memory", {"ä", "scalar", "none"});
  REQUIRE(part.size() == 2);
  CHECK(part[0].first == "scalar");
}

TEST_CASE("what cannot be written is refused", "[io]") {
  CHECK_THROWS_WITH(encode_npz({{"a", torch::zeros({1}, at::kBFloat16)}}), Catch::Contains("'a'") && Catch::Contains("bfloat16"));
  CHECK_THROWS_AS(encode_npz({{"a", torch::zeros({1})}, {"a", torch::zeros({1})}}), InvalidArgument);
  CHECK_THROWS_AS(encode_npz({}), InvalidArgument);
  CHECK_THROWS_AS(encode_npz({{"", torch::zeros({1})}}), InvalidArgument);
}

TEST_CASE("arrays of other kinds are refused by name", "[io]") {
  CHECK_THAT(refusal_of("objects.npz"), Catch::Contains("x.npz: 'a.npy'") && Catch::Contains("Python objects, which are never read"));
  CHECK_THAT(refusal_of("structured.npz"), Catch::Contains("structured"));
  CHECK_THAT(refusal_of("big_endian.npz"), Catch::Contains("'>f8' is not supported"));
  CHECK_THAT(refusal_of("complex.npz"), Catch::Contains("'<c16' is not supported"));
  CHECK_THROWS_AS(load_npz(kGolden / "missing.npz"), FileNotFound);
  CHECK(parse_npz(read_file(kGolden / "objects.npz"), "x.npz", {"other"}).empty());
  CHECK_THAT(refusal("not a zip"), Catch::Contains("x.npz: not an .npz file"));
  CHECK_THAT(refusal(""), Catch::Contains("x.npz: not an .npz file"));
}

TEST_CASE("hostile headers of arrays are refused", "[io]") {
  const auto header = [](const std::string& shape, const std::string& type = "<f8") {
    return with_header("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n");
  };
  REQUIRE(refusal(header("(1,)")) == "accepted");
  REQUIRE(refusal(header("(1L, 1)")) == "accepted");
  CHECK_THAT(refusal(header("(2,)")), Catch::Contains("8 bytes of data, its shape (2) of <f8 asks for 16"));
  CHECK_THAT(refusal(header("()", "<f4")), Catch::Contains("asks for 4"));
  CHECK_THAT(refusal(header("(4611686018427387904, 4)")), Catch::Contains("too large"));
  CHECK_THAT(refusal(header("(0, 4611686018427387904, 4)")), Catch::Contains("too large"));
  CHECK_THAT(refusal(header("(99999999999999999999,)")), Catch::Contains("malformed"));
  CHECK_THAT(refusal(header("(-1,)")), Catch::Contains("malformed"));
  CHECK_THAT(refusal(header("(1 1)")), Catch::Contains("malformed"));
  for (const std::string text :
       {"", "{", "{}", "{'descr': '<f8'", "{'descr': '<f8', 'descr': '<f8', 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}", "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1}"}) {
    INFO(text);
    CHECK_THAT(refusal(with_header(text)), Catch::Contains("'a.npy': malformed header"));
  }
}

TEST_CASE("a file cut off anywhere is refused, in one line that names it", "[io]") {
  for (const std::string file : {"stored.npz", "deflated.npz"}) {
    const std::string whole = read_file(kGolden / file);
    for (size_t size = 0; size < whole.size(); size += 7) {
      const std::string message = refusal(whole.substr(0, size));
      INFO(file << " " << size << ": " << message);
      REQUIRE(message.starts_with("x.npz: "));
      REQUIRE(message.find('\n') == std::string::npos);
    }
  }
}

TEST_CASE("a flipped bit is found, or was in nothing that is read", "[io]") {
  const at::Tensor values = torch::arange(5, torch::kFloat64);
  const std::string whole = encode_npz({{"a", values}});
  int64_t refused = 0;
  for (size_t place = 0; place < whole.size(); ++place) {
    std::string bytes = whole;
    bytes[place] = static_cast<char>(bytes[place] ^ 0x10);
    NamedTensors read;
    try {
      read = parse_npz(bytes, "x.npz");
    } catch (const Error&) {
      ++refused;
      continue;
    }
    INFO(place);
    for (const auto& [name, tensor] : read) {
      if (name == "a") REQUIRE(at::equal(tensor, values));
    }
  }
  CHECK(refused > static_cast<int64_t>(values.nbytes()));
}
