#include <torch/torch.h>
#include <catch2/catch.hpp>

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

std::string safetensors_refusal(const std::string& bytes) {
  try {
    parse_safetensors(bytes, "x.safetensors");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string one(const std::string& entry, const std::string& data = std::string(8, 'd')) { return file_of("{\"a\":" + entry + "}", data); }

}  // namespace

TEST_CASE("tensors of every type, shape and layout survive, in order", "[io]") {
  torch::manual_seed(1);
  NamedTensors tensors;
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16})
    tensors.emplace_back(c10::toString(type), torch::randn({2, 3}).to(type));
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
  CHECK(safetensors_refusal(one(good)) == "accepted");
  CHECK_THAT(safetensors_refusal("abc"), Catch::Contains("x.safetensors: not a safetensors file"));
  CHECK_THAT(safetensors_refusal(std::string(8, '\xff')), Catch::Contains("truncated"));
  CHECK_THAT(safetensors_refusal(one(good).substr(0, 30)), Catch::Contains("truncated"));
  CHECK_THAT(safetensors_refusal(one(good, std::string(7, 'd'))), Catch::Contains("tensor 'a'") && Catch::Contains("leave the file"));
  CHECK_THAT(safetensors_refusal(one(good, std::string(9, 'd'))), Catch::Contains("1 byte of data belongs to no tensor"));
  CHECK_THAT(safetensors_refusal(file_of("[]", "")), Catch::Contains("not a JSON object"));
  CHECK_THAT(safetensors_refusal(one(R"({"dtype":"F8","shape":[2],"data_offsets":[0,8]})")),
             Catch::Contains("dtype 'F8' is not supported"));
  CHECK_THAT(safetensors_refusal(one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})")), Catch::Contains("its shape asks for 12"));
  CHECK_THAT(safetensors_refusal(one(R"({"dtype":"F32","shape":[1099511627776,1099511627776,4],"data_offsets":[0,8]})")),
             Catch::Contains("shape is too large"));
  CHECK_THAT(safetensors_refusal(one(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})")), Catch::Contains("shape is malformed"));
  CHECK_THAT(safetensors_refusal(one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})")), Catch::Contains("data_offsets"));
  CHECK_THAT(safetensors_refusal(one(R"({"dtype":"F32","shape":[2]})")), Catch::Contains("is missing"));
  const std::string half = R"({"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  CHECK_THAT(safetensors_refusal(file_of("{\"a\":" + half + ",\"b\":" + half + "}", "12345678")),
             Catch::Contains("tensor 'b': data begins at 0, expected 4"));
  CHECK_THAT(safetensors_refusal(file_of("{\"a\":" + half + ",\"a\":" + half + "}", "1234")), Catch::Contains("'a' stands twice"));
  CHECK_THROWS_WITH(encode_safetensors({{"a", at::zeros({1})}, {"a", at::zeros({1})}}), Catch::Contains("'a' is given twice"));
  CHECK_THROWS_WITH(encode_safetensors({{"a", at::zeros({1}, at::kComplexFloat)}}), Catch::Contains("no type complex64"));
}

TEST_CASE("what a reader could take in two ways is refused", "[io][record]") {
  // Strides of an empty tensor are products too; an allocation must not be what notices.
  CHECK_THAT(safetensors_refusal(file_of(R"({"a":{"dtype":"F32","shape":[0,1099511627776,1099511627776],"data_offsets":[0,0]}})", "")),
             Catch::Contains("x.safetensors: tensor 'a': shape is too large"));
  // Anything but 0 and 1 in a bool is undefined behavior where it is read.
  CHECK(safetensors_refusal(one(R"({"dtype":"BOOL","shape":[2],"data_offsets":[0,2]})", std::string("\x00\x01", 2))) == "accepted");
  CHECK_THAT(safetensors_refusal(one(R"({"dtype":"BOOL","shape":[2],"data_offsets":[0,2]})", "\x01\x02")),
             Catch::Contains("x.safetensors: tensor 'a': byte 2 is neither true nor false"));
  CHECK_THAT(safetensors_refusal(one(R"({"dtype":"U8","dtype":"I8","shape":[2],"data_offsets":[0,2]})", "\x01\x02")),
             Catch::Contains("x.safetensors: 'dtype' stands twice"));
  CHECK_THAT(safetensors_refusal(file_of(std::string(200'000, '['), "")), Catch::Contains("not a JSON object"));
  CHECK_THROWS_WITH(encode_safetensors({{"__metadata__", at::zeros({1})}}),
                    Catch::Contains("'__metadata__'") && Catch::Contains("reserved"));
  CHECK_THROWS_AS(encode_safetensors({{"caf\xe9", at::zeros({1})}}), InvalidArgument);
}

TEST_CASE("every prefix and every changed header byte is an Error or a whole file", "[io][record]") {
  const std::string good = encode_safetensors({{"a", torch::tensor({1, 2, 3}, at::kShort)}, {"b", torch::tensor({true})}}, {{"k", "v"}});
  for (size_t size = 0; size < good.size(); ++size) CHECK_THROWS_AS(parse_safetensors(good.substr(0, size), "x"), Error);
  for (size_t i = 0; i < good.size(); ++i) {
    for (const int flip : {1, 2, 16, 128, 255}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      try {
        parse_safetensors(bad, "x");
      } catch (const Error&) {  // any other exception fails the test
      }
    }
  }
}
