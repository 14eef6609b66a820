#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <limits>

#include "secgan/core/error.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/io/torch_file.hpp"
#include "temporary_folder.hpp"
#include "torch_bytes.hpp"

using namespace secgan;
using namespace secgan::testing;
using namespace std::string_literals;

namespace {

constexpr TorchFormat kTorchFormats[] = {TorchFormat::kZip, TorchFormat::kLegacy};

/// What the file holds, or what it is refused for.
std::vector<StateDict> dicts_of(const std::string& bytes) { return parse_torch_file(bytes, "w.pth"); }

std::string torch_refusal(const std::string& bytes) {
  try {
    dicts_of(bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::vector<std::string> paths_of(const std::vector<StateDict>& dicts) {
  std::vector<std::string> paths;
  for (const StateDict& dict : dicts) paths.push_back(dict.path);
  return paths;
}

void check_same(const NamedTensors& found, const NamedTensors& expected) {
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    INFO(expected[i].first);
    CHECK(found[i].first == expected[i].first);
    CHECK(found[i].second.scalar_type() == expected[i].second.scalar_type());
    REQUIRE(found[i].second.sizes() == expected[i].second.sizes());
    CHECK(at::equal(found[i].second, expected[i].second));
  }
}

NamedTensors some_state() {
  return {{"conv.weight", torch::arange(6, at::kFloat).view({2, 3}) - 2.5}, {"conv.num_batches_tracked", torch::tensor(int64_t{1} << 40)}};
}

/// {"w": a view of four values of float32}, whose storage may claim something else.
std::string one_view(TorchFormat format, at::IntArrayRef size, at::IntArrayRef stride, int64_t offset, int64_t claimed) {
  TorchFile file(format);
  file.storage(torch::arange(4, at::kFloat));
  const Code storage = code_storage("FloatStorage", "0", claimed, format == TorchFormat::kLegacy);
  return file.save(code_dict({{"w", code_tensor(storage, offset, code_integers(size), code_integers(stride))}}));
}

}  // namespace

TEST_CASE("a state dictionary is read as it was, of every type, in the file's order", "[io]") {
  torch::manual_seed(3);
  NamedTensors state = some_state();
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
    state.emplace_back(c10::toString(type), torch::randn({2, 1, 3}).to(type));
  }
  for (const auto type : {at::kLong, at::kInt, at::kShort, at::kChar, at::kByte}) {
    state.emplace_back(c10::toString(type), at::randint(0, 100, {3}).to(type));
  }
  state.emplace_back("scalar", torch::tensor(-3.5));
  state.emplace_back("empty", torch::zeros({2, 0, 3}));
  state.emplace_back("one", torch::ones({1, 1, 1, 1, 1}));
  state.emplace_back("ä.\n", torch::ones({1}));
  for (const TorchFormat format : kTorchFormats) {
    INFO("legacy " << (format == TorchFormat::kLegacy));
    const std::vector<StateDict> dicts = dicts_of(torch_file(state, format));
    REQUIRE(dicts.size() == 1);
    CHECK(dicts[0].path.empty());
    check_same(dicts[0].tensors, state);
  }
}

TEST_CASE("a tensor of a type that is not known is named, beside those that are read", "[io]") {
  const auto file_of = [](TorchFormat format, const at::Tensor& values = torch::zeros({4}, at::kChar)) {
    TorchFile file(format);
    file.storage(values);
    const Code unknown = code_tensor(code_storage("QInt8Storage", "0", 4, format == TorchFormat::kLegacy), 0, "(K\x04t", "(K\x01t");
    return file.save(code_dict({{"w", file.tensor(torch::ones({2}))},
                                {"q", unknown},
                                {"s", code_call("torch._utils", "_rebuild_sparse_tensor", {"N"})},
                                {"o", code_call("os", "system", {code_text("exit 1")})}}));
  };
  // Before PyTorch 1.6 nothing says how long its values are, of one byte or several, but what stands behind them.
  for (const std::string& file : {file_of(TorchFormat::kZip), file_of(TorchFormat::kLegacy),
                                  file_of(TorchFormat::kLegacy, torch::tensor({int64_t{2}, int64_t{-7}, int64_t{9}, int64_t{1} << 40}))}) {
    const std::vector<StateDict> dicts = dicts_of(file);
    REQUIRE(dicts.size() == 1);
    check_same(dicts[0].tensors, {{"w", torch::ones({2})}});
    REQUIRE(dicts[0].unread.size() == 2);
    CHECK(dicts[0].unread[0].name == "q");
    CHECK(dicts[0].unread[0].why == "of type 'torch.QInt8Storage', which is not read");
    CHECK(dicts[0].unread[1].name == "s");
    CHECK(dicts[0].unread[1].why == "made by 'torch._utils._rebuild_sparse_tensor', which is not read");
  }
  // One of the type last in the file, and one that is empty.
  TorchFile last(TorchFormat::kLegacy);
  const Code tensor = last.tensor(torch::ones({2}));
  for (const int64_t count : {0, 3}) last.storage(torch::zeros({count}, at::kInt));
  const Code none = code_tensor(code_storage("QInt32Storage", "1", 0, true), 0, code_integers({0}), code_integers({1})),
             some = code_tensor(code_storage("QInt32Storage", "2", 3, true), 0, code_integers({3}), code_integers({1}));
  check_same(dicts_of(last.save(code_dict({{"w", tensor}, {"none", none}, {"some", some}})))[0].tensors, {{"w", torch::ones({2})}});
  // What may be read in several ways is not read: the next count's value stands at three places behind.
  const at::Tensor doubtful = torch::tensor({int64_t{2}, int64_t{2}, int64_t{2}, int64_t{2}});
  CHECK(torch_refusal(file_of(TorchFormat::kLegacy, doubtful)) ==
        "w.pth: storage '0' is of type 'torch.QInt8Storage', and nothing tells where it ends");
  const std::string whole = last.save(code_dict({{"w", tensor}, {"none", none}, {"some", some}}));
  CHECK(torch_refusal(whole.substr(0, whole.size() - 10)) == "w.pth: truncated");
}

TEST_CASE("numbers of either byte order are read as what they were", "[io]") {
  const at::Tensor values = torch::tensor({1.5F, -2.25F, 3e-20F});
  const auto file_of = [&](const std::string& order, const at::Tensor& stored) {
    TorchFile file;
    return std::pair(order, zip_of({{"w/data.pkl", pickle_of(code_dict({{"w", file.tensor(stored)}}))},
                                    {"w/byteorder", order},
                                    {"w/data/0", std::string(static_cast<const char*>(stored.const_data_ptr()), stored.nbytes())},
                                    {"w/version", "3"}}));
  };
  const auto swapped = [](const at::Tensor& tensor) {
    const at::Tensor bytes = tensor.view(at::kByte).view({tensor.numel(), tensor.element_size()});
    return bytes.flip(1).contiguous().view(tensor.scalar_type()).view_as(tensor);
  };
  const auto read = [](const auto& file) { return dicts_of(file.second)[0].tensors[0].second; };
  CHECK(at::equal(read(file_of("little", values)), values));
  CHECK(at::equal(read(file_of("big", swapped(values))), values));
  const at::Tensor longs = torch::tensor({int64_t{1}, int64_t{-7}, int64_t{1} << 40}), bytes = torch::arange(5, at::kByte);
  CHECK(at::equal(read(file_of("big", swapped(longs))), longs));
  CHECK(at::equal(read(file_of("big", bytes)), bytes));
  CHECK(torch_refusal(file_of("middle", values).second) == "w.pth: byte order 'middle' is unknown");
}

TEST_CASE("every dictionary of tensors is found, at its path, beside whatever else there is", "[io]") {
  const NamedTensors state = some_state(), other{{"bias", torch::ones({2})}};
  for (const TorchFormat format : kTorchFormats) {
    INFO("legacy " << (format == TorchFormat::kLegacy));
    TorchFile file(format);
    const Code adam = code_dict({{"state", "}(" + code_integer(0) + code_dict({{"exp_avg", file.tensor(torch::ones({2}))}}) + "u"},
                                 {"param_groups", code_list({code_dict({{"lr", "G\x3f\x50\x62\x4d\xd2\xf1\xa9\xfc"}})})}});
    const Code object = code_dict({
        {"epoch", "K\x07"},
        {"args", code_object("argparse", "Namespace", {{"lr", "K\x01"}, {"gpu", "\x88"}, {"names", code_list({code_text("a")})}})},
        {"model", code_dict({{"state_dict", file.state_dict(state)}, {"name", code_text("resnet")}})},
        {"optimizer", adam},
        {"D", file.state_dict(other)},
        {"extra", code_call("os", "system", {code_text("exit 1")})},
        {"device", code_call("torch", "device", {code_text("cuda")})},
        {"array",
         code_call("numpy.core.multiarray", "_reconstruct", {code_global("numpy", "ndarray"), code_integers({0}), code_text("b")})},
        {"loss", file.tensor(torch::tensor(0.5))},
    });
    const std::vector<StateDict> dicts = dicts_of(file.save(object));
    CHECK(paths_of(dicts) == std::vector<std::string>{"model.state_dict", "optimizer.state.0", "D", ""});
    check_same(dicts[0].tensors, state);
    check_same(dicts[2].tensors, other);
    check_same(dicts[3].tensors, {{"loss", torch::tensor(0.5)}});
  }
}

TEST_CASE("names stay as the file has them", "[io]") {
  for (const TorchFormat format : kTorchFormats) {
    TorchFile file(format);
    const NamedTensors one{{"w", torch::ones({1})}};
    Code object = code_ordered_dict(file.tensors(one, "module."));
    object += code_items(file.tensors(one, "module.module."));
    object += code_items(file.tensors(one, "net.module."));
    object += code_items(file.tensors({{"module", torch::ones({1})}}));
    const std::vector<StateDict> dicts = dicts_of(file.save(object));
    REQUIRE(dicts.size() == 1);
    std::vector<std::string> names;
    for (const auto& [name, tensor] : dicts[0].tensors) names.push_back(name);
    CHECK(names == std::vector<std::string>{"module.w", "module.module.w", "net.module.w", "module"});
  }
}

TEST_CASE("views are what they were of their storages, shared or not", "[io]") {
  for (const TorchFormat format : kTorchFormats) {
    INFO("legacy " << (format == TorchFormat::kLegacy));
    TorchFile file(format);
    const at::Tensor values = torch::arange(24, at::kFloat);
    const Code shared = file.storage(values);
    const auto view = [&](int64_t offset, at::IntArrayRef size, at::IntArrayRef stride) {
      return code_tensor(shared, offset, code_integers(size), code_integers(stride));
    };
    const Code parameter = code_call("torch._utils", "_rebuild_parameter", {view(2, {3}, {1}), "\x88", code_ordered_dict({})});
    const Code object =
        code_dict({{"all", view(0, {24}, {1})},
                   {"transposed", view(0, {4, 6}, {1, 4})},
                   {"every third", view(1, {8}, {3})},
                   {"block", view(8, {2, 2, 2}, {8, 4, 1})},
                   {"last", view(23, {}, {})},
                   {"parameter", parameter},
                   {"old function", code_call("torch._utils", "_rebuild_tensor", {shared, "K\x05", "(K\x02t", "(K\x01t"})}});
    const std::vector<StateDict> dicts = dicts_of(file.save(object));
    REQUIRE(dicts.size() == 1);
    check_same(dicts[0].tensors, {{"all", values},
                                  {"transposed", values.view({6, 4}).t()},
                                  {"every third", values.slice(0, 1, 24, 3)},
                                  {"block", values.view({3, 2, 4}).slice(0, 1).slice(2, 0, 2)},
                                  {"last", values[23]},
                                  {"parameter", values.slice(0, 2, 5)},
                                  {"old function", values.slice(0, 5, 7)}});
  }
}

TEST_CASE("old pickles are read: Python 2's dictionaries, operations of the first protocols", "[io]") {
  TorchFile file(TorchFormat::kLegacy);
  const NamedTensors state{{"a", torch::ones({2})}, {"b", torch::arange(3)}};
  std::vector<Code> pairs;
  for (const auto& [name, tensor] : state) pairs.push_back("(S'" + name + "'\n" + file.tensor(tensor) + "l");
  const std::vector<StateDict> dicts = dicts_of(file.save(code_call("collections", "OrderedDict", {code_list(pairs)})));
  REQUIRE(dicts.size() == 1);
  check_same(dicts[0].tensors, state);
}

TEST_CASE("a torch file cut off anywhere is refused, in one line that names it", "[io]") {
  for (const TorchFormat format : kTorchFormats) {
    const std::string whole = torch_file(some_state(), format);
    REQUIRE(torch_refusal(whole) == "accepted");
    for (size_t size = 0; size < whole.size(); ++size) {
      const std::string message = torch_refusal(whole.substr(0, size));
      INFO("legacy " << (format == TorchFormat::kLegacy) << ", " << size << " of " << whole.size() << ": " << message);
      REQUIRE_THAT(message, Catch::StartsWith("w.pth: "));
      REQUIRE(message.find('\n') == std::string::npos);
    }
  }
}

TEST_CASE("a file with any byte changed is read or refused by name", "[io]") {
  for (const TorchFormat format : kTorchFormats) {
    const std::string whole = torch_file({{"w", torch::ones({2})}}, format);
    for (size_t place = 0; place < whole.size(); ++place) {
      for (const int flip : {1, 0x80, 0xff}) {
        std::string bytes = whole;
        bytes[place] = static_cast<char>(bytes[place] ^ flip);
        const std::string message = torch_refusal(bytes);  // any other exception fails the test
        INFO("legacy " << (format == TorchFormat::kLegacy) << ", byte " << place << " ^ " << flip << ": " << message);
        REQUIRE_THAT(message, Catch::StartsWith("w.pth: ") || Catch::Equals("accepted"));
      }
    }
  }
}

TEST_CASE("a tensor that leaves its storage, or a storage its bytes, is refused", "[io]") {
  constexpr int64_t kHuge = int64_t{1} << 62;
  for (const TorchFormat format : kTorchFormats) {
    INFO("legacy " << (format == TorchFormat::kLegacy));
    const auto refused = [&](at::IntArrayRef size, at::IntArrayRef stride, int64_t offset = 0, int64_t claimed = 4) {
      return torch_refusal(one_view(format, size, stride, offset, claimed));
    };
    CHECK(refused({4}, {1}) == "accepted");
    CHECK(refused({2, 2}, {1, 2}) == "accepted");
    CHECK(refused({5}, {1}) == "w.pth: pickle: a tensor of [5] leaves its storage of 4 values");
    CHECK(refused({2}, {1}, 3) == "w.pth: pickle: a tensor of [2] leaves its storage of 4 values");
    CHECK(refused({2}, {1}, -1) == "w.pth: pickle: a tensor with negative extents");
    CHECK(refused({2}, {-1}, 3) == "w.pth: pickle: a tensor with negative extents");
    CHECK(refused({-2}, {1}) == "w.pth: pickle: a tensor with negative extents");
    CHECK(refused({kHuge, 4}, {kHuge, 1}) == "w.pth: pickle: a tensor that is too large");
    CHECK(refused({kHuge}, {0}) == "w.pth: pickle: a tensor that repeats its storage, as an expanded one: save it .contiguous()");
    // An empty tensor needs no memory, but its strides are products too.
    CHECK(refused({0}, {1}) == "accepted");
    CHECK(refused({0, kHuge, 4}, {0, 0, 0}) == "w.pth: pickle: a tensor that is too large");
    CHECK(refused({kHuge, 4, 0}, {0, 0, 0}) == "w.pth: pickle: a tensor that is too large");
    for (const int64_t claimed : {int64_t{3}, int64_t{5}, int64_t{1000}, kHuge - 1, kHuge, std::numeric_limits<int64_t>::max()}) {
      INFO(claimed);
      const std::string message = refused({1}, {1}, 0, claimed);
      if (format == TorchFormat::kZip) {
        CHECK(message == "w.pth: storage '0' of " + std::to_string(claimed) + " values has 16 bytes");
      } else if (claimed < 6) {
        CHECK(message == "w.pth: storage '0' of " + std::to_string(claimed) + " values has 4");
      } else {
        CHECK(message == "w.pth: truncated");
      }
    }
    CHECK(refused({1}, {1}, 0, -1) == "w.pth: a malformed storage");
    CHECK(refused({1}, {1}, 0, std::numeric_limits<int64_t>::min()) == "w.pth: a malformed storage");
  }
}

TEST_CASE("what names no storage is refused", "[io]") {
  const auto refused = [](const std::vector<Code>& id) { return torch_refusal(TorchFile().save(code_tuple(id) + "Q")); };
  const Code storage = code_text("storage"), floats = code_global("torch", "FloatStorage"), key = code_text("0"), cpu = code_text("cpu");
  const std::string none = "w.pth: a persistent id that names no storage", malformed = "w.pth: a malformed storage";
  CHECK(torch_refusal(TorchFile().save(code_text("storage") + "Q")) == none);
  CHECK(refused({}) == none);
  CHECK(refused({storage, floats, key, cpu}) == none);
  CHECK(refused({code_text("module"), floats, key, cpu, "K\x01"}) == none);
  CHECK(refused({"N", floats, key, cpu, "K\x01"}) == none);
  CHECK(refused({storage, code_text("torch.FloatStorage"), key, cpu, "K\x01"}) == malformed);
  CHECK(refused({storage, floats, "K\x00"s, cpu, "K\x01"}) == malformed);
  CHECK(refused({storage, floats, key, cpu, "\x88"}) == malformed);
  CHECK(refused({storage, code_global("os", "system"), key, cpu, "K\x01"}) == "w.pth: no tensors by name in it");
  CHECK_THAT(refused({storage, floats, code_text("../x"), cpu, "K\x01"}), Catch::StartsWith("w.pth: ") && Catch::Contains("../x"));
}

TEST_CASE("archives that are none of PyTorch's are refused by name", "[io]") {
  TorchFile file;
  const std::string pickle = pickle_of(file.state_dict({{"a", torch::ones({2})}})), values(8, '\0');
  const auto archive = [&](const std::string& version) {
    return zip_of({{"w/data.pkl", pickle}, {"w/data/0", values}, {"w/version", version}});
  };
  CHECK(torch_refusal(archive("3\n")) == "accepted");
  CHECK_THAT(torch_refusal(archive("")), Catch::StartsWith("w.pth: damaged"));
  CHECK_THAT(torch_refusal(archive("three")), Catch::StartsWith("w.pth: damaged"));
  CHECK_THAT(torch_refusal(archive("1000")), Catch::StartsWith("w.pth: damaged"));
  CHECK_THAT(torch_refusal(archive(std::string(40, '9'))), Catch::StartsWith("w.pth: damaged"));
  CHECK_THAT(torch_refusal(zip_of({{"w/data.pkl", pickle}, {"w/data/0", values}})), Catch::StartsWith("w.pth: damaged"));
  CHECK(torch_refusal(zip_of({{"data.pkl", pickle}, {"data/0", values}, {"version", "3"}})) ==
        "w.pth: a zip archive of other files, as 'data.pkl', not of torch.save: unpack it first");
  CHECK(torch_refusal(zip_of({{"w/data.pkl", pickle}, {"w/data.pkl", pickle}, {"w/data/0", values}, {"w/version", "3"}})) !=
        "accepted");  // which of them is read depends on the reader
  CHECK(torch_refusal(zip_of({{"w/data.pkl", pickle}, {"w/data/0", values}, {"w/version", "3"}, {"v/data.pkl", pickle}})) ==
        "w.pth: two archives of torch.save in one, 'w/' and 'v/data.pkl'");
  CHECK_THAT(torch_refusal(zip_of({{"w/data.pkl", pickle}, {"w/version", "3"}})), Catch::Contains("data/0"));
  CHECK(torch_refusal(zip_of({{"w/version", "3"}})) == "w.pth: not a torch.save file: it is a zip archive");
  CHECK(torch_refusal(zip_of({{"w/data.pkl", ""}, {"w/version", "3"}})) == "w.pth: pickle: truncated");
  CHECK(torch_refusal(zip_of({})) == "w.pth: not a torch.save file: it is a zip archive");
  CHECK(torch_refusal("PK\x03\x04") != "accepted");
  CHECK(torch_refusal("") == "w.pth: not a torch.save file: it is empty");
  CHECK(torch_refusal(pickle) == "w.pth: not a torch.save file: it is a Python pickle");
}

TEST_CASE("an entry that claims more bytes than the archive has is refused, without reading behind its end", "[io]") {
  // In the central directory.
  const std::string whole = torch_file({{"w", torch::ones({2})}});
  for (const std::string name : {"archive/data.pkl", "archive/data/0", "archive/version"}) {
    const size_t entry = whole.rfind(name) - 46;
    REQUIRE(whole.substr(entry, 4) == "PK\x01\x02");
    for (const uint32_t size : {1000U, 1U << 20, 1U << 30}) {
      std::string bytes = whole;
      bytes.replace(entry + 24, 4, bytes_of(size));
      INFO(name << " of " << size);
      CHECK_THAT(torch_refusal(bytes), Catch::StartsWith("w.pth: damaged or truncated archive"));
    }
  }
}

TEST_CASE("files before PyTorch 1.6 that contradict themselves are refused", "[io]") {
  const std::string head = TorchFile::legacy_head();
  const Code storage = code_storage("FloatStorage", "0", 1, true);
  const std::string object = pickle_of(code_dict({{"w", code_tensor(storage, 0, code_integers({1}), code_integers({1}))}}));
  const std::string value = bytes_of(int64_t{1}) + bytes_of(2.5F);
  const auto refused = [&](const Code& keys, const std::string& data) { return torch_refusal(head + object + pickle_of(keys) + data); };
  REQUIRE(refused(code_list({code_text("0")}), value) == "accepted");
  CHECK(refused(code_list({code_text("0")}), value + "more") == "accepted");
  CHECK(refused("N", value) == "w.pth: no list of storages");
  CHECK(refused(code_list({code_text("1")}), value) == "w.pth: an unknown storage");
  CHECK(refused(code_list({"K\x00"s}), value) == "w.pth: an unknown storage");
  CHECK(refused("]", value) == "w.pth: truncated: storages without values");
  CHECK(refused(code_list({code_text("0"), code_text("0")}), value) == "w.pth: storage '0' stands twice");
  CHECK(refused(code_list({code_text("0")}), bytes_of(int64_t{2}) + bytes_of(2.5)) == "w.pth: storage '0' of 1 value has 2");
  CHECK(refused(code_list({code_text("0")}), bytes_of(int64_t{-1}) + bytes_of(2.5)) == "w.pth: storage '0' of 1 value has -1");
  // A storage may only be asked for by the object.
  CHECK(refused(storage, value) == "w.pth: a storage outside the object");
  CHECK(torch_refusal(TorchFile::legacy_head().substr(0, 15) + pickle_of(storage)) == "w.pth: a storage outside the object");
  // Views of storages, as PyTorch wrote them before 0.4: (key, offset, size).
  const auto viewed = [&](const Code& metadata) {
    const std::vector<Code> view{
        code_text("storage"), code_global("torch", "FloatStorage"), code_text("0"), code_text("cpu"), "K\x04", metadata};
    const Code code = code_tensor(code_tuple(view) + "Q", 0, code_integers({2}), code_integers({1}));
    return head + pickle_of(code_dict({{"w", code}})) + pickle_of(code_list({code_text("0")})) + bytes_of(int64_t{4}) + bytes_of(1.F) +
           bytes_of(2.F) + bytes_of(3.F) + bytes_of(4.F);
  };
  const auto part = [](int64_t offset, int64_t size) { return code_tuple({code_text("v"), code_integer(offset), code_integer(size)}); };
  check_same(dicts_of(viewed(part(1, 2)))[0].tensors, {{"w", torch::tensor({2.F, 3.F})}});
  CHECK(torch_refusal(viewed(part(3, 2))) == "w.pth: a view that leaves its storage");
  CHECK(torch_refusal(viewed(part(-1, 2))) == "w.pth: a view that leaves its storage");
  CHECK_THAT(torch_refusal(viewed(part(1, 1))), Catch::Contains("leaves its storage of 1 value"));
  CHECK(torch_refusal(viewed(")")) == "w.pth: a malformed view of a storage");
  // One key, two storages.
  const Code twice = code_list({storage, code_storage("IntStorage", "0", 1, true)});
  CHECK(torch_refusal(head + pickle_of(twice) + pickle_of("]")) == "w.pth: storage '0' is of two types or sizes");
  const std::string other_version = pickle_of("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") + pickle_of("M\xe8\x03") + pickle_of("}");
  CHECK(torch_refusal(other_version + object + pickle_of(code_list({code_text("0")})) + value) == "w.pth: a version that is unknown");
}

TEST_CASE("a small file does not ask for memory that it does not fill", "[io]") {
  // Storages whose values would follow: all of them, not each, must fit into what is left.
  std::vector<Code> many;
  for (int i = 0; i < 500; ++i) many.push_back(code_storage("DoubleStorage", std::to_string(i), 100'000, true));
  CHECK(torch_refusal(TorchFile::legacy_head() + pickle_of(code_list(many)) + std::string(900'000, '\0')) == "w.pth: truncated");
  // One dictionary, or one long name, in many places.
  const auto everywhere = [](const Code& inner) {
    TorchFile file;
    Code object = file.tensor(torch::ones({1})) +
                  "q\x01"
                  "0" +
                  inner +
                  "q\x02"
                  "0}(";
    for (int i = 0; i < 2000; ++i) object += code_text(std::to_string(i)) + "h\x02";
    return file.save(object + "u");
  };
  Code wide = "}(", repeating = code_text(std::string(10'000, 'n')) +
                                "q\x03"
                                "0}(";
  for (int i = 0; i < 1000; ++i) wide += code_text(std::to_string(i)) + "h\x01";
  for (int i = 0; i < 10'000; ++i) repeating += "h\x03h\x01";
  CHECK(torch_refusal(everywhere(wide + "u")) == "accepted");  // and collected once
  CHECK(torch_refusal(everywhere(repeating + "u")) == "w.pth: names without end");
  CHECK(torch_refusal(everywhere(code_dict({{"w", "h\x01"}}))) == "accepted");
}

TEST_CASE("deep and endless nesting ends", "[io]") {
  TorchFile file;
  const NamedTensors state{{"w", torch::ones({2})}};
  const Code tensors = file.state_dict(state);
  Code deep, closed;
  for (int i = 0; i < 10'000; ++i) {
    deep += code_joined({"}", code_text("a")});
    closed += "s";
  }
  CHECK(torch_refusal(file.save(deep + tensors + closed)) == "w.pth: no tensors by name in it");  // ours looks sixty-four deep
  Code lists, tuples;
  for (int i = 0; i < 10'000; ++i) {
    lists += "]";
    tuples += "\x85";
  }
  const std::vector<StateDict> beside =
      dicts_of(file.save(code_dict({{"lists", lists + std::string(9'999, 'a')}, {"tuples", ")" + tuples}, {"net", tensors}})));
  CHECK(paths_of(beside) == std::vector<std::string>{"net"});
  // A dictionary inside itself is found once.
  const std::vector<StateDict> endless = dicts_of(file.save(tensors + "q\x01" + code_text("self") + "h\x01s"));
  REQUIRE(endless.size() == 1);
  check_same(endless[0].tensors, state);
}

TEST_CASE("a file without tensors by name is refused", "[io]") {
  const auto refused = [](const Code& object) { return torch_refusal(TorchFile().save(object)); };
  const std::string none = "w.pth: no tensors by name in it";
  CHECK(refused("N") == none);
  CHECK(refused("}") == none);
  CHECK(refused(code_dict({{"G", code_ordered_dict({})}, {"epoch", "K\x05"}})) == none);
  CHECK(refused(code_object("mine", "Network", {{"weight", "N"}})) == none);
  CHECK(refused(code_object("mine", "Network", {{"_parameters", "}"}, {"_modules", "}"}})) ==
        none + "; it holds an object of class 'mine.Network', a network itself and not its tensors (save its state_dict())");
  TorchFile file;
  CHECK(torch_refusal(file.save(file.tensor(torch::ones({2})))) == none);
  CHECK(paths_of(dicts_of(file.save(code_list({"N", file.state_dict({{"w", torch::ones({2})}})})))) == std::vector<std::string>{"1"});
  CHECK(torch_refusal(file.save("}K\x01" + file.tensor(torch::ones({2})) + "s")) == none);
}

TEST_CASE("a file of weights is known by its first bytes, whatever its name", "[io]") {
  const TemporaryFolder folder;
  const NamedTensors state = some_state();
  for (const TorchFormat format : kTorchFormats) {
    const std::vector<StateDict> dicts = load_state_dicts(folder.write("w.safetensors", torch_file(state, format)));
    REQUIRE(dicts.size() == 1);
    check_same(dicts[0].tensors, state);
  }
  const std::vector<StateDict> dicts = load_state_dicts(folder.write("w.pth", encode_safetensors(state)));
  REQUIRE(dicts.size() == 1);
  CHECK(dicts[0].path.empty());
  check_same(dicts[0].tensors, state);
  const auto refused = [&](const std::string& bytes, const std::string& message) {
    const auto file = folder.write("x", bytes);
    CHECK_THROWS_AS(load_state_dicts(file), Error);
    CHECK_THROWS_WITH(load_state_dicts(file), Catch::StartsWith(file.string() + ": ") && Catch::Contains(message));
  };
  const std::string neither = "neither a torch.save file nor a safetensors file";
  refused("", neither);
  refused("PK\x03", neither);
  refused("a text that is long enough", neither);
  refused(pickle_of("}"), neither);
  refused(torch_file(state).substr(0, 200), "damaged");
  refused(torch_file(state, TorchFormat::kLegacy).substr(0, 200), "truncated");
  refused(encode_safetensors(state).substr(0, 60), "truncated");
  CHECK_THROWS_AS(load_state_dicts(folder / "nowhere.pth"), FileNotFound);
  CHECK_THROWS_WITH(load_state_dicts(folder / "nowhere.pth"), Catch::Contains("nowhere.pth"));
}
