#include <catch2/catch.hpp>
#include <torch/torch.h>

#include <cstring>

#include "secgan/core/error.hpp"
#include "secgan/io/safetensors.hpp"

using namespace secgan;

namespace {

std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + data;
}

std::string refusal(const std::string& bytes) {
  try {
    parse_safetensors(bytes, "x.safetensors");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string one(const std::string& entry, const std::string& data = std::string(8, 'd')) {
  return file_of("{\"a\":" + entry + "}", data);
}

}  // namespace

TEST_CASE("tensors of every type, shape and layout survive, in order", "[io]") {
  torch::manual_seed(1);
  NamedTensors tensors;
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) tensors.emplace_back(c10::toString(type), torch::randn({2, 3}).to(type));
  for (const auto type : {at::kLong, at::kInt, at::kShort, at::kChar, at::kByte, at::kBool}) {
    tensors.emplace_back(c10::toString(type), at::randint(0, 2, {3}).to(type));
  }
  tensors.emplace_back("scalar", torch::tensor(3.5));
  tensors.emplace_back("empty", at::zeros({0, 4}));
  tensors.emplace_back("transposed", torch::randn({3, 5}).t());
  tensors.emplace_back("channels last", torch::randn({2, 3, 4, 4}).contiguous(at::MemoryFormat::ChannelsLast));
  const Safetensors read = parse_safetensors(encode_safetensors(tensors, {{"format", "pt"}, {"ä", "\"quoted\""}}), "memory");
  REQUIRE(read.tensors.size() == tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    INFO(tensors[i].first);
    CHECK(read.tensors[i].first == tensors[i].first);
    CHECK(read.tensors[i].second.scalar_type() == tensors[i].second.scalar_type());
    CHECK(at::equal(read.tensors[i].second, tensors[i].second));
  }
  CHECK(read.metadata.at("ä") == "\"quoted\"");
}

TEST_CASE("the bytes are the published format's", "[io]") {
  const std::string expected = file_of("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}   ", "\x01\x02");
  CHECK(encode_safetensors({{"a", torch::tensor({1, 2}, at::kByte)}}) == expected);
}

TEST_CASE("hostile and damaged files are refused by name", "[io]") {
  const std::string good = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  CHECK(refusal(one(good)) == "accepted");
  CHECK_THAT(refusal("abc"), Catch::Contains("x.safetensors: not a safetensors file"));
  CHECK_THAT(refusal(std::string(8, '\xff')), Catch::Contains("truncated"));
  CHECK_THAT(refusal(one(good).substr(0, 30)), Catch::Contains("truncated"));
  CHECK_THAT(refusal(one(good, std::string(7, 'd'))), Catch::Contains("tensor 'a'") && Catch::Contains("leave the file"));
  CHECK_THAT(refusal(one(good, std::string(9, 'd'))), Catch::Contains("1 bytes of data belong to no tensor"));
  CHECK_THAT(refusal(file_of("[]", "")), Catch::Contains("not a JSON object"));
  CHECK_THAT(refusal(one(R"({"dtype":"F8","shape":[2],"data_offsets":[0,8]})")), Catch::Contains("dtype 'F8' is not supported"));
  CHECK_THAT(refusal(one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})")), Catch::Contains("its shape asks for 12"));
  CHECK_THAT(refusal(one(R"({"dtype":"F32","shape":[1099511627776,1099511627776,4],"data_offsets":[0,8]})")), Catch::Contains("shape is too large"));
  CHECK_THAT(refusal(one(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})")), Catch::Contains("shape is malformed"));
  CHECK_THAT(refusal(one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})")), Catch::Contains("data_offsets"));
  CHECK_THAT(refusal(one(R"({"dtype":"F32","shape":[2]})")), Catch::Contains("is missing"));
  const std::string half = R"({"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  CHECK_THAT(refusal(file_of("{\"a\":" + half + ",\"b\":" + half + "}", "12345678")), Catch::Contains("tensor 'b': data begins at 0, expected 4"));
  CHECK_THAT(refusal(file_of("{\"a\":" + half + ",\"a\":" + half + "}", "1234")), Catch::Contains("'a' stands twice"));
  CHECK_THROWS_WITH(encode_safetensors({{"a", at::zeros({1})}, {"a", at::zeros({1})}}), Catch::Contains("'a' is given twice"));
  CHECK_THROWS_WITH(encode_safetensors({{"a", at::zeros({1}, at::kComplexFloat)}}), Catch::Contains("no type ComplexFloat"));
}
