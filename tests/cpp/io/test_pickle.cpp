#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <limits>
#include <random>

#include "core/format.hpp"
#include "io/pickle.hpp"
#include "secgan/core/error.hpp"
#include "torch_bytes.hpp"

using namespace secgan;
using namespace secgan::testing;
using namespace std::string_literals;

namespace {

/// A value as Python writes it; names in <>, values without meaning "?", tensors by shape.
std::string python_text(const PickleRef& ref, int depth = 0) {
  if (depth > 4) return "...";
  struct Writer {
    int depth;
    std::string operator()(PickleNone) const { return "None"; }
    std::string operator()(PickleOpaque) const { return "?"; }
    std::string operator()(bool value) const { return value ? "True" : "False"; }
    std::string operator()(int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return fmt::format("{:.1f}", value); }
    std::string operator()(const std::string& value) const { return "'" + value + "'"; }
    std::string operator()(const PickleGlobal& global) const { return "<" + global.name + ">"; }
    std::string operator()(const at::Tensor& tensor) const { return fmt::format("tensor[{}]", fmt::join(tensor.sizes(), ", ")); }
    std::string operator()(const PickleList& list) const {
      std::vector<std::string> items;
      for (const auto& item : list.items) items.push_back(python_text(item, depth + 1));
      return fmt::format("{}{}{}", list.tuple ? '(' : '[', fmt::join(items, ", "), list.tuple ? ')' : ']');
    }
    std::string operator()(const PickleDict& dict) const {
      std::vector<std::string> items;
      for (const auto& [key, value] : dict.items) items.push_back(python_text(key, depth + 1) + ": " + python_text(value, depth + 1));
      return fmt::format("{{{}}}", fmt::join(items, ", "));
    }
  };
  return std::visit(Writer{depth}, ref->value);
}

/// Four values of float32 for every storage that is asked for.
PickleValue four_values(const PickleValue&) {
  static const at::Tensor values = torch::arange(4, at::kFloat);
  return {values};
}

PickleDocument document_of(std::string_view pickle) { return read_pickle(pickle, four_values); }

/// The value that this code leaves, or what it is refused for.
std::string outcome(const Code& code) {
  try {
    return python_text(document_of(pickle_of(code)).root());
  } catch (const Error& error) {
    return error.what();
  }
}

Code repeated(std::string_view code, int64_t times) {
  Code out;
  for (int64_t i = 0; i < times; ++i) out += code;
  return out;
}

const std::string kUnderflow = "pickle: stack underflow", kNoMark = "pickle: no mark", kTruncated = "pickle: truncated";

}  // namespace

TEST_CASE("numbers are read in every form that pickles have", "[io]") {
  CHECK(outcome("N") == "None");
  CHECK(outcome("\x88") == "True");
  CHECK(outcome("\x89") == "False");
  CHECK(outcome("I01\n") == "True");
  CHECK(outcome("I00\n") == "False");
  CHECK(outcome("I-9223372036854775808\n") == "-9223372036854775808");
  CHECK(outcome("J\xfe\xff\xff\xff"s) == "-2");
  CHECK(outcome("J\x00\x00\x00\x01"s) == "16777216");
  CHECK(outcome("K\xff"s) == "255");
  CHECK(outcome("M\x01\xff"s) == "65281");
  CHECK(outcome("L12L\n") == "12");
  CHECK(outcome("L-12\n") == "-12");
  CHECK(outcome("\x8a\x00"s) == "0");
  CHECK(outcome("\x8a\x01\xff"s) == "-1");
  CHECK(outcome("\x8a\x02\x00\x80"s) == "-32768");
  CHECK(outcome("\x8a\x02\x00\x7f"s) == "32512");
  CHECK(outcome(code_integer(std::numeric_limits<int64_t>::min())) == "-9223372036854775808");
  CHECK(outcome("\x8b\x02\x00\x00\x00\xff\x00"s) == "255");
  CHECK(outcome("\x8a\x09"
                "123456789"s) == "'123456789'");  // beyond 64 bits: its bytes
  CHECK(outcome("F-2.5e1\n") == "-25.0");
  CHECK(outcome("G\xc0\x39\x00\x00\x00\x00\x00\x00"s) == "-25.0");
  for (const std::string text : {"", "x", "1 ", "+1", "1.0", "0x10", "9223372036854775808"}) {
    INFO(text);
    CHECK(outcome("I" + text + "\n") == "pickle: '" + text + "' is not a whole number");
    CHECK(outcome("L" + text + "L\n") == "pickle: '" + text + "' is not a whole number");
  }
}

TEST_CASE("text and bytes are read in every form, whatever they hold", "[io]") {
  CHECK(outcome("S'a b'\n") == "'a b'");
  CHECK(outcome("S''\n") == "''");
  CHECK(outcome("Va b\n") == "'a b'");
  for (const std::string op : {"U", "C", "\x8c"})
    CHECK(outcome(op + "\x03"
                       "a\nb") == "'a\nb'");
  for (const std::string op : {"T", "B", "X"}) CHECK(outcome(op + bytes_of(uint32_t{3}) + "a.b") == "'a.b'");
  for (const std::string op : {"\x8d", "\x8e", "\x96"}) CHECK(outcome(op + bytes_of(uint64_t{2}) + "\0z"s) == "'\0z'"s);
  CHECK(outcome("S'\n") == "pickle: malformed text");
  CHECK(outcome("S\n") == "pickle: malformed text");
}

TEST_CASE("containers are read in every form, nested and empty", "[io]") {
  CHECK(outcome("]") == "[]");
  CHECK(outcome("(l") == "[]");
  CHECK(outcome("(NK\x05l") == "[None, 5]");
  CHECK(outcome("]Na") == "[None]");
  CHECK(outcome("](NK\x05"
                "e") == "[None, 5]");
  CHECK(outcome("](e") == "[]");
  CHECK(outcome(")") == "()");
  CHECK(outcome("(t") == "()");
  CHECK(outcome("(N](K\x01"
                "ett") == "pickle: no mark");
  CHECK(outcome("(N](K\x01"
                "et") == "(None, [1])");
  CHECK(outcome("K\x01K\x02K\x03\x85") == "(3)");
  CHECK(outcome("K\x01K\x02K\x03\x86") == "(2, 3)");
  CHECK(outcome("K\x01K\x02K\x03\x87") == "(1, 2, 3)");
  CHECK(outcome("}") == "{}");
  CHECK(outcome("(d") == "{}");
  CHECK(outcome("(K\x01NK\x02]d") == "{1: None, 2: []}");
  CHECK(outcome("}K\x01Ns") == "{1: None}");
  CHECK(outcome("}(K\x01NK\x02}u") == "{1: None, 2: {}}");
  CHECK(outcome("(Nd") == "pickle: a key without a value");
  CHECK(outcome("}(NNNu") == "pickle: a key without a value");
  // Sets hold nothing of a state dictionary.
  CHECK(outcome("\x8f(NN\x90") == "?");
  CHECK(outcome("(NN\x91") == "?");
  // What is appended to a number or to an object's own list is left out.
  CHECK(outcome("K\x05Na") == "5");
  CHECK(outcome("K\x05(NNe") == "5");
  CHECK(outcome("K\x05(NNu") == "5");
  CHECK(outcome("K\x05NNs") == "5");
}

TEST_CASE("marks and the stack's own operations keep apart what they should", "[io]") {
  CHECK(outcome("K\x01K\x02"
                "0") == "1");
  CHECK(outcome("K\x01(0") == "1");
  CHECK(outcome("K\x01(NN1") == "1");
  CHECK(outcome("K\x01(1") == "1");
  CHECK(outcome("K\x01"
                "2\x86") == "(1, 1)");
  CHECK(outcome("(K\x01(K\x02K\x03tt") == "(1, (2, 3))");
  CHECK(outcome(repeated("(", 10'000) + repeated("t", 10'000)) == "(((((...)))))");
  CHECK(outcome("NK\x01") == "1");  // what is left below goes
}

TEST_CASE("the memo gives back the value itself, in every form", "[io]") {
  for (const Code& put : {"p7\n"s, "q\x07"s, "r\x07\0\0\0"s}) {
    for (const Code& get : {"g7\n"s, "h\x07"s, "j\x07\0\0\0"s}) {
      INFO(put << get);
      CHECK(outcome("]" + put + "0" + get) == "[]");
      CHECK(outcome("(]" + put + get + "Nat") == "([None], [None])");  // one list, twice
    }
  }
  CHECK(outcome("(K\x05\x94K\x06\x94h\x01h\x00t"s) == "(5, 6, 6, 5)");
  CHECK(outcome("K\x05q\x01K\x06q\x01h\x01"s) == "6");
  CHECK(outcome("Np-1\ng-1\n") == "None");
  for (const Code& get : {"g8\n"s, "g-1\n"s, "g9223372036854775807\n"s, "h\x08"s, "h\xff"s, "j\xff\xff\xff\xff"s}) {
    INFO(get);
    CHECK(outcome("Nq\x07" + get) == "pickle: an unknown memo entry");
    CHECK(outcome(get) == "pickle: an unknown memo entry");
  }
  CHECK(outcome("Nq\x07g\n") == "pickle: '' is not a whole number");
}

TEST_CASE("every operation refuses operands that are not there", "[io]") {
  struct Needs {
    Code code;
    int64_t operands;
  };
  for (const auto& [code, operands] :
       std::vector<Needs>{{"", 1},     {"0", 1},    {"2", 1},     {"\x85", 1}, {"\x86", 2},         {"\x87", 3}, {"a", 2},
                          {"s", 3},    {"p0\n", 1}, {"q\x05", 1}, {"b", 2},    {"\x93", 2},         {"R", 2},    {"\x81", 2},
                          {"\x92", 3}, {"Q", 1},    {"\x94", 1},  {"(NNe", 1}, {"r\x05\0\0\0"s, 1}, {"(NNu", 1}, {"(NN\x90", 1}}) {
    for (int64_t there = 0; there < operands; ++there) {
      INFO(fmt::format("operation {:?} with {} values", code, there));
      CHECK(outcome(repeated("N", there) + code) == kUnderflow);
      if (code == "0") continue;  // a mark goes like a value
      CHECK(outcome("N(" + repeated("N", there) + code) == kUnderflow);
    }
  }
  CHECK(outcome("N(0") == "None");
  for (const Code& code : {"1"s, "l"s, "t"s, "d"s, "e"s, "u"s, "\x90"s, "\x91"s, "o"s, "ia\nb\n"s}) {
    INFO(fmt::format("operation {:?}", code));
    CHECK(outcome(code) == kNoMark);
    CHECK(outcome("NNNN" + code) == kNoMark);
    CHECK(outcome("N(1" + code) == kNoMark);
  }
}

TEST_CASE("every beginning of a pickle is truncated, wherever it is cut", "[io]") {
  const Code storage = code_storage("FloatStorage", "0", 4);
  const std::vector<Code> whole{
      "I01\n",
      "J\1\2\3\4",
      "K\1",
      "M\1\2",
      "L12L\n",
      "\x8a\x03"
      "abc",
      "\x8b\x03\0\0\0abc"s,
      "F1.5\n",
      "G12345678",
      "S'ab'\n",
      "Vab\n",
      "U\x02"
      "ab",
      "C\x02"
      "ab",
      "\x8c\x02"
      "ab",
      "T\x02\0\0\0ab"s,
      "B\x02\0\0\0ab"s,
      "X\x02\0\0\0ab"s,
      "\x8d\x02\0\0\0\0\0\0\0ab"s,
      "\x8e\x02\0\0\0\0\0\0\0ab"s,
      "\x96\x02\0\0\0\0\0\0\0ab"s,
      "\x95\x01\0\0\0\0\0\0\0N"s,
      "Np1\ng1\n",
      "Nq\1h\1",
      "Nr\1\0\0\0j\1\0\0\0"s,
      "(iab\ncd\n",
      code_object("argparse", "Namespace", {{"a", "N"}}),
      code_ordered_dict({{"a", code_tensor(storage, 0, code_integers({2, 2}), code_integers({2, 1}))}}),
  };
  for (const Code& code : whole) {
    const std::string pickle = pickle_of(code);
    INFO(fmt::format("{:?}", pickle));
    REQUIRE_NOTHROW(document_of(pickle));
    for (size_t size = 0; size < pickle.size(); ++size) {
      INFO(size);
      REQUIRE_THROWS_WITH(document_of(pickle.substr(0, size)), kTruncated);
    }
  }
}

TEST_CASE("a count beyond the bytes that are there is truncated, without the memory that it asks for", "[io]") {
  for (const Code& code : {"\x8a\xff"s, "\x8b\xff\xff\xff\xff"s, "U\xff"s, "T\xff\xff\xff\xff"s, "X\xff\xff\xff\x7f"s,
                           "\x8d\xff\xff\xff\xff\xff\xff\xff\xff"s, "\x8e\xff\xff\xff\xff\xff\xff\xff\x7f"s, "\x96\0\0\0\0\0\0\0\x80"s}) {
    INFO(fmt::format("{:?}", code));
    CHECK(outcome(code + "abc") == kTruncated);
  }
  CHECK(outcome("X" + bytes_of(uint32_t{5}) + "abc") == kTruncated);  // three letters and the stop
}

TEST_CASE("reading ends behind the pickle, and what follows is untouched", "[io]") {
  const std::string three = pickle_of("K\x01") + pickle_of("S'.'\n") + "rest";
  std::string_view bytes = three;
  CHECK(python_text(read_pickle(bytes, four_values).root()) == "1");
  CHECK(python_text(read_pickle(bytes, four_values).root()) == "'.'");
  CHECK(bytes == "rest");
  CHECK_THROWS_WITH(read_pickle(bytes, four_values), kTruncated);
}

TEST_CASE("operations that no state dictionary is written with are refused by their code", "[io]") {
  const std::string known =
      "\x80\x95.N\x88\x89IJKML\x8a\x8b"
      "FGSTUVX\x8c\x8d"
      "BC\x8e\x96(012]lae)t\x85\x86\x87}dsu\x8f\x90\x91pqr\x94ghjc\x93R\x81\x92iobPQ";
  for (int code = 0; code < 256; ++code) {
    if (known.find(static_cast<char>(code)) != std::string::npos) continue;
    CHECK(outcome(Code(1, static_cast<char>(code))) == fmt::format("pickle: operation {:#04x} is unknown", code));
  }
  CHECK(outcome("P1\n") == "pickle: persistent ids as text");
}

TEST_CASE("classes and functions are names, and what they would make has no meaning", "[io]") {
  CHECK(outcome(code_global("os", "system")) == "<os.system>");
  CHECK(outcome("X\x02\0\0\0osX\x06\0\0\0system\x93"s) == "<os.system>");
  CHECK(outcome("K\x01X\x06\0\0\0system\x93"s) == "pickle: a global without a name");
  CHECK(outcome("X\x02\0\0\0osN\x93"s) == "pickle: a global without a name");

  CHECK(outcome(code_call("os", "system", {code_text("touch sprung")})) == "?");
  CHECK(outcome(code_call("builtins", "eval", {code_text("1")})) == "?");
  CHECK(outcome(code_call("torch._utils", "_rebuild_qtensor", {})) == "?");
  CHECK(outcome("K\x01)R") == "?");                                         // no function
  CHECK(outcome(code_global("collections", "OrderedDict") + "NR") == "?");  // no arguments
  CHECK(outcome("(ios\nsystem\n") == "?");
  CHECK(outcome("(X\x01\0\0\0aios\nsystem\n"s) == "?");
  CHECK(outcome("(cos\nsystem\nNo") == "?");
  CHECK(outcome("cos\nsystem\n)\x81") == "?");
  CHECK(outcome("cos\nsystem\n)}\x92") == "?");
  // An object keeps neither attributes nor items, whatever they are.
  CHECK(outcome(code_object("argparse", "Namespace", {{"lr", "K\x01"}, {"device", code_call("torch", "device", {code_text("cpu")})}})) ==
        "?");
  CHECK(outcome(code_call("mine", "List", {}) + "(NNe") == "?");
  CHECK(outcome(code_call("mine", "Dict", {}) + code_items({{"a", "N"}})) == "?");
  // A dictionary stays one, beside its attributes.
  CHECK(outcome(code_ordered_dict({{"a", "N"}}) + "}b") == "{'a': None}");
}

TEST_CASE("the calls that state dictionaries consist of are understood", "[io]") {
  CHECK(outcome(code_ordered_dict({})) == "{}");
  CHECK(outcome(code_ordered_dict({{"b", "K\x01"}, {"a", "K\x02"}})) == "{'b': 1, 'a': 2}");
  CHECK(outcome("ccollections\nOrderedDict\n(((K\x01K\x02lK\x03K\x04\x86ltR") == "{1: 2, 3: 4}");  // as Python 2 makes it
  CHECK(outcome("ccollections\nOrderedDict\n((NltR") == "pickle: a dictionary's item is no pair");
  CHECK(outcome("ccollections\nOrderedDict\n(((NNNtltR") == "pickle: a dictionary's item is no pair");
  CHECK(outcome("ccollections\nOrderedDict\n(K\x05tR") == "{}");
  CHECK(outcome("ccollections\ndefaultdict\n(cbuiltins\nlist\ntR" + code_items({{"a", "]"}})) == "{'a': []}");
  CHECK(outcome("c__builtin__\ndict\n)R") == "{}");
  CHECK(outcome("cbuiltins\ndict\n)R") == "{}");
  CHECK(outcome("ctorch\nSize\n((K\x01K\x02ttR") == "(1, 2)");
  CHECK(outcome("ctorch\nSize\n(K\x01tR") == "?");
  const Code tensor = code_tensor("NQ", 0, code_integers({4}), code_integers({1}));
  CHECK(outcome(tensor) == "tensor[4]");
  CHECK(outcome(code_call("torch._utils", "_rebuild_tensor", {"NQ", "K\x00"s, code_integers({2}), code_integers({1})})) == "tensor[2]");
  CHECK(outcome(code_call("torch._utils", "_rebuild_parameter", {tensor, "\x88", code_ordered_dict({})})) == "tensor[4]");
  CHECK(outcome(code_call("torch._utils", "_rebuild_parameter", {"N"})) == "?");
  CHECK(outcome(code_call("torch._utils", "_rebuild_parameter", {})) == "?");
}

TEST_CASE("a storage is asked for with its id, and nothing else is", "[io]") {
  std::vector<std::string> ids;
  const auto load = [&](const PickleValue& id) -> PickleValue {
    ids.push_back(python_text(std::make_shared<PickleValue>(id)));
    if (ids.size() == 2) throw Error("no second one");
    return {int64_t{7}};
  };
  const std::string once = pickle_of("(" + code_storage("HalfStorage", "3", 5) + code_call("os", "system", {"N"}) + "t");
  std::string_view bytes = once;
  CHECK(python_text(read_pickle(bytes, load).root()) == "(7, ?)");
  CHECK(ids == std::vector<std::string>{"('storage', <torch.HalfStorage>, '3', 'cpu', 5)"});
  const std::string twice = pickle_of("NQ");
  bytes = twice;
  CHECK_THROWS_WITH(read_pickle(bytes, load), "no second one");
  CHECK(ids.back() == "None");
}

TEST_CASE("a tensor is a view of its storage", "[io]") {
  const auto view = [](int64_t offset, at::IntArrayRef size, at::IntArrayRef stride) {
    const PickleDocument document = document_of(pickle_of(code_tensor("NQ", offset, code_integers(size), code_integers(stride))));
    const auto* tensor = as<at::Tensor>(document.root());
    REQUIRE(tensor != nullptr);
    return tensor->clone();
  };
  CHECK(at::equal(view(0, {2, 2}, {2, 1}), torch::tensor({{0.F, 1.F}, {2.F, 3.F}})));
  CHECK(at::equal(view(0, {2, 2}, {1, 2}), torch::tensor({{0.F, 2.F}, {1.F, 3.F}})));
  CHECK(at::equal(view(1, {2}, {2}), torch::tensor({1.F, 3.F})));
  CHECK(at::equal(view(3, {1}, {1000}), torch::tensor({3.F})));
  CHECK(at::equal(view(2, {}, {}), torch::tensor(2.F)));
  CHECK(at::equal(view(1, {3}, {0}), torch::tensor({1.F, 1.F, 1.F})));
  CHECK(view(0, {0}, {1}).sizes() == at::IntArrayRef({0}));
  CHECK(view(4, {3, 0}, {1, 1}).sizes() == at::IntArrayRef({3, 0}));
  // A view of a view counts from the storage's beginning, and is held to the view's size.
  const Code part = code_tensor("NQ", 2, code_integers({2}), code_integers({1}));
  const auto of_part = [&](int64_t size) { return outcome(code_tensor(part, 0, code_integers({size}), code_integers({1}))); };
  CHECK(of_part(2) == "tensor[2]");
  CHECK(of_part(3) == "pickle: a tensor of [3] leaves its storage of 2 values");
}

TEST_CASE("a tensor that its storage does not hold is refused", "[io]") {
  constexpr int64_t kHuge = int64_t{1} << 62;
  const auto refused = [](int64_t offset, at::IntArrayRef size, at::IntArrayRef stride) {
    return outcome(code_tensor("NQ", offset, code_integers(size), code_integers(stride)));
  };
  CHECK(refused(0, {5}, {1}) == "pickle: a tensor of [5] leaves its storage of 4 values");
  CHECK(refused(3, {2}, {1}) == "pickle: a tensor of [2] leaves its storage of 4 values");
  CHECK(refused(0, {2, 2}, {2, 2}) == "pickle: a tensor of [2, 2] leaves its storage of 4 values");
  CHECK(refused(4, {1}, {1}) == "pickle: a tensor of [1] leaves its storage of 4 values");
  CHECK(refused(4, {}, {}) == "pickle: a tensor of [] leaves its storage of 4 values");
  CHECK(refused(-1, {}, {}) == "pickle: a tensor of [] leaves its storage of 4 values");
  CHECK(refused(kHuge, {1}, {1}) == "pickle: a tensor of [1] leaves its storage of 4 values");
  CHECK(refused(-1, {2}, {1}) == "pickle: a tensor with negative extents");
  CHECK(refused(3, {2}, {-1}) == "pickle: a tensor with negative extents");
  CHECK(refused(0, {-2}, {1}) == "pickle: a tensor with negative extents");
  CHECK(refused(0, {-2, -2}, {1, 1}) == "pickle: a tensor with negative extents");
  CHECK(refused(0, {0, -1}, {1, 1}) == "pickle: a tensor with negative extents");
  CHECK(refused(0, {kHuge, 4}, {kHuge, 1}) == "pickle: a tensor that is too large");
  CHECK(refused(0, {3, 3, 3}, {kHuge, kHuge, kHuge}) == "pickle: a tensor that is too large");
  CHECK(refused(1, {2}, {std::numeric_limits<int64_t>::max()}) == "pickle: a tensor that is too large");
  CHECK(refused(0, {kHuge}, {0}) == "pickle: a tensor that repeats its storage, as an expanded one: save it .contiguous()");
  CHECK(refused(0, {kHuge, kHuge}, {0, 0}) == "pickle: a tensor that repeats its storage, as an expanded one: save it .contiguous()");
  CHECK(refused(0, {5}, {0}) == "pickle: a tensor that repeats its storage, as an expanded one: save it .contiguous()");
  CHECK(refused(0, {2, 2}, {1}) == "pickle: a tensor whose size and stride disagree");
  CHECK(refused(0, std::vector<int64_t>(17, 1), std::vector<int64_t>(17, 1)) == "pickle: a tensor whose size and stride disagree");

  const auto called = [](const std::vector<Code>& arguments) {
    return outcome(code_call("torch._utils", "_rebuild_tensor_v2", arguments));
  };
  const Code one = code_integers({1});
  CHECK(called({}) == "pickle: a tensor with too few arguments");
  CHECK(called({"NQ", "K\x00"s, one}) == "pickle: a tensor with too few arguments");
  CHECK(called({"N", "K\x00"s, one, one}) == "pickle: a tensor without storage");
  CHECK(called({"NQ", "N", one, one}) == "pickle: storage offset is not a whole number");
  CHECK(called({"NQ", "\x88", one, one}) == "pickle: storage offset is not a whole number");
  CHECK(called({"NQ", "K\x00"s, "N", one}) == "pickle: size is not a tuple");
  CHECK(called({"NQ", "K\x00"s, one, "(Nt"}) == "pickle: stride is not a whole number");
  CHECK(called({"NQ",
                "\x8a\x09"
                "123456789"s,
                one, one}) == "pickle: storage offset is not a whole number");
}

TEST_CASE("containers ten thousand deep, or inside themselves, are read and freed", "[io]") {
  constexpr int64_t kDeep = 10'000;
  CHECK(outcome(repeated("]", kDeep) + repeated("a", kDeep - 1)) == "[[[[[...]]]]]");
  CHECK(outcome(")" + repeated("\x85", kDeep)) == "(((((...)))))");
  CHECK(outcome(repeated("}K\x01", kDeep) + "N" + repeated("s", kDeep)) == "{1: {1: {1: {1: {...: ...}}}}}");
  CHECK(outcome(repeated("ccollections\nOrderedDict\n(((K\x01", kDeep) + "N" + repeated("tltR", kDeep)) ==
        "{1: {1: {1: {1: {...: ...}}}}}");
  CHECK(outcome(repeated("]", 300'000) + repeated("a", 299'999)) == "[[[[[...]]]]]");  // deeper than calls may be
  CHECK(outcome("]q\x01h\x01"
                "a") == "[[[[[...]]]]]");
  CHECK(outcome("}q\x01K\x02h\x01s") == "{2: {2: {2: {2: {...: ...}}}}}");
  CHECK(outcome("]q\x01]q\x02h\x01"
                "aah\x02"
                "0") == "[[[[[...]]]]]");  // two lists in each other
  CHECK(outcome("(]q\x01h\x01t"
                "0h\x01") == "[]");
  // Each list holds the one before twice: a value for every path would be 2^60.
  Code doubled = "]q\x01";
  for (int i = 0; i < 60; ++i)
    doubled +=
        "0](h\x01h\x01"
        "eq\x01";
  CHECK(outcome(doubled).starts_with("[[[[[..., ...], [..., ...]], "));
  // Refused in the middle: what was made so far is freed.
  CHECK(outcome(repeated("]q\x01h\x01"
                         "a",
                         1000) +
                "\xff") == "pickle: operation 0xff is unknown");
}

TEST_CASE("a pickle asks for no more memory than its size pays for", "[io]") {
  const std::string refused = "pickle: asks for more memory than a file of this size has use for";
  CHECK(outcome(repeated("N0", 1000) + "N") == "None");
  CHECK(outcome(repeated("N0", 100'000) + "N") == "None");
  // Values, marks, memo entries, storages: each takes a hundred times its byte.
  CHECK(outcome(std::string(5'000'000, 'N')) == refused);
  CHECK(outcome(repeated("NQ0", 2'500'000)) == refused);
  // A packed pickle is as large as its file.
  const std::string packed = pickle_of("N" + std::string(2'000'000, '\x94'));
  std::string_view whole = packed, of_file = packed;
  CHECK(python_text(read_pickle(whole, four_values).root()) == "None");
  CHECK_THROWS_WITH(read_pickle(of_file, four_values, /*file_size=*/2000), refused);
  // A list of pairs, made a dictionary of again and again; one tensor, another view of it again and again.
  const Code pairs = "](" + repeated("NN\x86", 1000) + "eq\x01";
  CHECK(outcome(pairs + "ccollections\nOrderedDict\nq\x02" + repeated("0h\x02(h\x01tR", 6000)) == refused);
  CHECK(outcome("ctorch._utils\n_rebuild_tensor_v2\nq\x01(NQK\x01))tq\x02" + repeated("0h\x01h\x02R", 400'000)) == refused);
  // One name for ever more objects is one name.
  CHECK(outcome("c" + std::string(1'000'000, 'm') + "\nC\nq\x01" + repeated("0h\x01)\x81", 10'000)) == "?");
}

TEST_CASE("random operations are read or refused, and nothing else happens", "[io]") {
  // Mostly operations that need no argument, so that programs go on for a while.
  const std::string common = "NNNN\x88]}()((tldaesu012\x85\x86\x87\x8f\x90\x91\x94RobQ\x81\x92\x93";
  const std::vector<Code> parts{"q\x01",
                                "h\x01",
                                "K\x05",
                                code_text("a"),
                                code_global("torch._utils", "_rebuild_tensor_v2"),
                                code_global("collections", "OrderedDict"),
                                code_global("torch", "Size"),
                                code_integers({2, 2}),
                                code_storage("FloatStorage", "0", 4),
                                "K\x00"s};
  std::mt19937 random(5);
  int64_t read = 0;
  for (int i = 0; i < 20'000; ++i) {
    Code code;
    for (uint32_t length = random() % 40; code.size() < length;) {
      const uint32_t kind = random() % 8;
      if (kind == 0) {
        code += parts[random() % parts.size()];
      } else if (kind == 1) {
        code += static_cast<char>(random() % 256);
      } else {
        code += common[random() % common.size()];
      }
    }
    try {
      document_of(pickle_of(code));
      ++read;
    } catch (const Error& error) {
      REQUIRE_THAT(error.what(), Catch::StartsWith("pickle: "));
    }
  }
  CHECK(read > 1000);
}

TEST_CASE("a storage's type is its class's, on whichever device it was", "[io]") {
  CHECK(storage_type("torch.FloatStorage") == at::kFloat);
  CHECK(storage_type("torch.cuda.HalfStorage") == at::kHalf);
  CHECK(storage_type("torch.BFloat16Storage") == at::kBFloat16);
  CHECK(storage_type("torch.LongStorage") == at::kLong);
  for (const std::string_view name : {"", "torch.", "FloatStorage", "torch.FloatStorage2", "torch.cuda.", "torch.cuda.torch.FloatStorage",
                                      "numpy.FloatStorage", "torch.QInt8Storage"}) {
    INFO(name);
    CHECK_FALSE(storage_type(name).has_value());
  }
}
