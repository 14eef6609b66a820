#include "io/pickle.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <unordered_map>

#include "core/format.hpp"
#include "core/whole_number.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error("pickle: " + what); }

int64_t integer(const PickleRef& ref, const char* what) {
  if (const auto* value = as<int64_t>(ref)) return *value;
  refuse(fmt::format("{} is not a whole number", what));
}

std::vector<int64_t> integers(const PickleRef& ref, const char* what) {
  const auto* list = as<PickleList>(ref);
  if (list == nullptr) refuse(fmt::format("{} is not a tuple", what));
  std::vector<int64_t> out;
  out.reserve(list->items.size());
  for (const auto& item : list->items) out.push_back(integer(item, what));
  return out;
}

/// torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …): a view of the storage, which must hold it.
at::Tensor rebuild_tensor(const PickleList& arguments) {
  if (arguments.items.size() < 4) refuse("a tensor with too few arguments");
  const auto* storage = as<at::Tensor>(arguments.items[0]);
  if (storage == nullptr) refuse("a tensor without storage");
  const int64_t offset = integer(arguments.items[1], "storage offset");
  const auto size = integers(arguments.items[2], "size");
  const auto stride = integers(arguments.items[3], "stride");
  if (size.size() != stride.size() || size.size() > 16) refuse("a tensor whose size and stride disagree");
  int64_t last = offset;
  bool empty = false;
  for (size_t i = 0; i < size.size(); ++i) {
    int64_t step = 0;
    if (size[i] < 0 || stride[i] < 0 || offset < 0) refuse("a tensor with negative extents");
    if (size[i] == 0) empty = true;
    if (__builtin_mul_overflow(std::max<int64_t>(size[i] - 1, 0), stride[i], &step) || __builtin_add_overflow(last, step, &last)) {
      refuse("a tensor that is too large");
    }
  }
  if (empty) return at::empty(size, storage->options());
  if (last < 0 || last >= storage->numel()) {
    refuse(fmt::format("a tensor of [{}] leaves its storage of {} values", fmt::join(size, ", "), storage->numel()));
  }
  // A stride of 0 could ask for more memory than there is.
  int64_t values = 1;
  for (const int64_t extent : size) {
    if (__builtin_mul_overflow(values, extent, &values) || values > storage->numel()) refuse("a tensor that repeats its storage");
  }
  return storage->as_strided(size, stride, offset);
}

/// The operations by their names in Python's pickletools. Those that are not here no state dictionary is written with.
enum class Op : uint8_t {
  // Around the value.
  kProto = 0x80,
  kFrame = 0x95,
  kStop = '.',
  // Constants.
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kInt = 'I',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong = 'L',
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kFloat = 'F',
  kBinFloat = 'G',
  // Text and bytes.
  kString = 'S',
  kBinString = 'T',
  kShortBinString = 'U',
  kUnicode = 'V',
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinBytes8 = 0x8e,
  kByteArray8 = 0x96,
  // The stack and its marks.
  kMark = '(',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  // Containers.
  kEmptyList = ']',
  kList = 'l',
  kAppend = 'a',
  kAppends = 'e',
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kEmptyDict = '}',
  kDict = 'd',
  kSetItem = 's',
  kSetItems = 'u',
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kFrozenSet = 0x91,
  // The memo.
  kPut = 'p',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kMemoize = 0x94,
  kGet = 'g',
  kBinGet = 'h',
  kLongBinGet = 'j',
  // Names, calls, objects.
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kReduce = 'R',
  kNewObj = 0x81,
  kNewObjEx = 0x92,
  kInst = 'i',
  kObj = 'o',
  kBuild = 'b',
  kPersId = 'P',
  kBinPersId = 'Q',
};

/// The bytes that are left. All reading goes through take() and line(): nothing is read behind the end.
class Input {
 public:
  explicit Input(std::string_view& bytes) : bytes_(bytes) {}

  std::string_view take(uint64_t count) {
    if (count > bytes_.size()) refuse("truncated");
    return cut(count, 0);
  }
  /// Up to the next line feed, which goes too.
  std::string_view line() {
    const size_t end = bytes_.find('\n');
    if (end == std::string_view::npos) refuse("truncated");
    return cut(end, 1);
  }
  /// Little-endian, as this machine is.
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  /// Bytes behind their count.
  template <std::unsigned_integral Count>
  std::string_view counted() {
    return take(number<Count>());
  }

 private:
  std::string_view cut(size_t count, size_t separator) {
    const std::string_view out = bytes_.substr(0, count);
    bytes_.remove_prefix(count + separator);
    return out;
  }

  std::string_view& bytes_;
};

/// Values and, as nulls between them, marks. No operation reaches below the bottom, nor takes a mark for a value.
class Stack {
 public:
  void push(PickleRef value) { entries_.push_back(std::move(value)); }
  void mark() { entries_.emplace_back(); }

  PickleRef& top() {
    if (entries_.empty() || !entries_.back()) refuse("stack underflow");
    return entries_.back();
  }
  PickleRef pop() {
    PickleRef out = std::move(top());
    entries_.pop_back();
    return out;
  }
  /// The topmost values, in the order in which they were pushed.
  std::vector<PickleRef> pop(size_t count) {
    std::vector<PickleRef> out(count);
    for (size_t i = count; i-- > 0;) out[i] = pop();
    return out;
  }
  /// The values above the topmost mark, in the same order; the mark goes too.
  std::vector<PickleRef> pop_to_mark() {
    const auto mark = std::find(entries_.rbegin(), entries_.rend(), nullptr);
    if (mark == entries_.rend()) refuse("no mark");
    std::vector<PickleRef> out(std::make_move_iterator(mark.base()), std::make_move_iterator(entries_.end()));
    entries_.erase(std::prev(mark.base()), entries_.end());
    return out;
  }
  /// Whatever is on top, a mark too.
  void drop() {
    if (entries_.empty()) refuse("stack underflow");
    entries_.pop_back();
  }

 private:
  std::vector<PickleRef> entries_;
};

int64_t decimal(std::string_view text) {
  const std::optional<int64_t> value = whole_number(text);
  if (!value) refuse(fmt::format("'{}' is not a whole number", text));
  return *value;
}

/// INT's argument, with which protocol 1 writes true and false too.
PickleValue int_argument(std::string_view text) {
  if (text == "00" || text == "01") return {text == "01"};
  return {decimal(text)};
}

/// LONG's argument: decimal digits and an L.
PickleValue long_argument(std::string_view text) {
  if (text.ends_with('L')) text.remove_suffix(1);
  return {decimal(text)};
}

/// Two's complement of any length, little-endian. Beyond 64 bits the bytes themselves: no tensor's extent is as long, but PyTorch's magic
/// number is.
PickleValue whole_number(std::string_view bytes) {
  if (bytes.size() > sizeof(int64_t)) return {std::string(bytes)};
  const bool negative = !bytes.empty() && (static_cast<uint8_t>(bytes.back()) & 0x80) != 0;
  int64_t value = negative ? -1 : 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return {value};
}

/// STRING's argument, without its quotes.
PickleValue unquoted(std::string_view text) {
  if (text.size() < 2) refuse("malformed text");
  return {std::string(text.substr(1, text.size() - 2))};
}

/// What the operations work on.
class Machine {
 public:
  Machine(std::string_view& bytes, const PersistentLoad& persistent_load) : input_(bytes), persistent_load_(persistent_load) {}

  Input& input() { return input_; }
  Stack& stack() { return stack_; }
  Op next() { return Op{input_.number<uint8_t>()}; }

  void push(PickleValue value) {
    count(1);
    stack_.push(document_.make(std::move(value)));
  }

  void append(std::vector<PickleRef> items) {
    auto* list = std::get_if<PickleList>(&stack_.top()->value);
    if (list == nullptr) return;  // an opaque object's own list
    std::ranges::move(items, std::back_inserter(list->items));
  }
  void set_items(std::vector<PickleRef> items) {
    if (items.size() % 2 != 0) refuse("a key without a value");
    auto* dict = std::get_if<PickleDict>(&stack_.top()->value);
    if (dict == nullptr) return;
    for (size_t i = 0; i < items.size(); i += 2) dict->items.emplace_back(std::move(items[i]), std::move(items[i + 1]));
  }

  void remember(uint64_t place) { memo_[place] = stack_.top(); }
  void remember_next() { remember(memo_.size()); }
  void recall(uint64_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) refuse("an unknown memo entry");
    stack_.push(found->second);
  }

  /// A name whose parts are on the stack.
  void name_global() {
    const PickleRef name = stack_.pop(), module = stack_.pop();
    if (!as<std::string>(name) || !as<std::string>(module)) refuse("a global without a name");
    push({PickleGlobal{*as<std::string>(module) + "." + *as<std::string>(name)}});
  }

  /// What a call would have made, for the handful of calls that state dictionaries consist of.
  void reduce() {
    const PickleRef arguments = stack_.pop(), callee = stack_.pop();
    const auto* function = as<PickleGlobal>(callee);
    const auto* list = as<PickleList>(arguments);
    if (function == nullptr || list == nullptr) return push({PickleOpaque{}});
    if (function->name == "torch.Size" && list->items.size() == 1 && as<PickleList>(list->items[0])) return stack_.push(list->items[0]);
    push(called(function->name, *list));
  }

  void load_persistent() {
    const PickleRef id = stack_.pop();
    push(persistent_load_(*id));
  }

  /// The value on top is the pickle's.
  PickleDocument finish() {
    document_.set_root(stack_.pop());
    return std::move(document_);
  }

 private:
  /// A value costs a hundred times the byte that asks for it; a state dictionary has some ten thousand.
  void count(size_t values) {
    values_ += values;
    if (values_ > kMaxValues) refuse(fmt::format("more than {} values", kMaxValues));
  }

  PickleValue called(const std::string& function, const PickleList& arguments) {
    if (function == "collections.OrderedDict") return {ordered_dict(arguments)};
    if (function == "collections.defaultdict" || function == "builtins.dict" || function == "__builtin__.dict") return {PickleDict{}};
    if (function == "torch._utils._rebuild_tensor_v2" || function == "torch._utils._rebuild_tensor") return {rebuild_tensor(arguments)};
    if (function == "torch._utils._rebuild_parameter" && !arguments.items.empty()) {
      if (const auto* tensor = as<at::Tensor>(arguments.items[0])) return {*tensor};
    }
    return {PickleOpaque{}};
  }

  /// Python 3 makes it empty, Python 2 of a list of pairs.
  PickleDict ordered_dict(const PickleList& arguments) {
    PickleDict dict;
    const auto* pairs = arguments.items.size() == 1 ? as<PickleList>(arguments.items[0]) : nullptr;
    if (pairs == nullptr) return dict;
    count(pairs->items.size());  // one list may be asked for again and again
    for (const auto& item : pairs->items) {
      const auto* pair = as<PickleList>(item);
      if (pair == nullptr || pair->items.size() != 2) refuse("a dictionary's item is no pair");
      dict.items.emplace_back(pair->items[0], pair->items[1]);
    }
    return dict;
  }

  static constexpr size_t kMaxValues = 5'000'000;
  Input input_;
  const PersistentLoad& persistent_load_;
  size_t values_ = 0;
  PickleDocument document_;
  Stack stack_;
  std::unordered_map<uint64_t, PickleRef> memo_;
};

/// What each operation does; null for those that are unknown.
class Operations {
 public:
  using Operation = void (*)(Machine&);
  constexpr Operation& operator[](Op op) { return by_code_[static_cast<uint8_t>(op)]; }
  constexpr Operation operator[](Op op) const { return by_code_[static_cast<uint8_t>(op)]; }

 private:
  std::array<Operation, 256> by_code_{};
};

constexpr void add_frames(Operations& on) {
  on[Op::kProto] = [](Machine& m) { m.input().number<uint8_t>(); };
  on[Op::kFrame] = [](Machine& m) { m.input().number<uint64_t>(); };
}

constexpr void add_constants(Operations& on) {
  on[Op::kNone] = [](Machine& m) { m.push({PickleNone{}}); };
  on[Op::kNewTrue] = [](Machine& m) { m.push({true}); };
  on[Op::kNewFalse] = [](Machine& m) { m.push({false}); };
  on[Op::kInt] = [](Machine& m) { m.push(int_argument(m.input().line())); };
  on[Op::kBinInt] = [](Machine& m) { m.push({int64_t{m.input().number<int32_t>()}}); };
  on[Op::kBinInt1] = [](Machine& m) { m.push({int64_t{m.input().number<uint8_t>()}}); };
  on[Op::kBinInt2] = [](Machine& m) { m.push({int64_t{m.input().number<uint16_t>()}}); };
  on[Op::kLong] = [](Machine& m) { m.push(long_argument(m.input().line())); };
  on[Op::kLong1] = [](Machine& m) { m.push(whole_number(m.input().counted<uint8_t>())); };
  on[Op::kLong4] = [](Machine& m) { m.push(whole_number(m.input().counted<uint32_t>())); };
  on[Op::kFloat] = [](Machine& m) { m.push({std::strtod(std::string(m.input().line()).c_str(), nullptr)}); };
  on[Op::kBinFloat] = [](Machine& m) { m.push({std::bit_cast<double>(__builtin_bswap64(m.input().number<uint64_t>()))}); };
}

template <std::unsigned_integral Count>
void push_text(Machine& m) {
  m.push({std::string(m.input().counted<Count>())});
}

constexpr void add_text(Operations& on) {
  on[Op::kString] = [](Machine& m) { m.push(unquoted(m.input().line())); };
  on[Op::kUnicode] = [](Machine& m) { m.push({std::string(m.input().line())}); };
  for (const Op op : {Op::kShortBinString, Op::kShortBinBytes, Op::kShortBinUnicode}) on[op] = push_text<uint8_t>;
  for (const Op op : {Op::kBinString, Op::kBinBytes, Op::kBinUnicode}) on[op] = push_text<uint32_t>;
  for (const Op op : {Op::kBinBytes8, Op::kByteArray8, Op::kBinUnicode8}) on[op] = push_text<uint64_t>;
}

constexpr void add_stack(Operations& on) {
  on[Op::kMark] = [](Machine& m) { m.stack().mark(); };
  on[Op::kPop] = [](Machine& m) { m.stack().drop(); };
  on[Op::kPopMark] = [](Machine& m) { m.stack().pop_to_mark(); };
  on[Op::kDup] = [](Machine& m) { m.stack().push(m.stack().top()); };
}

constexpr void add_containers(Operations& on) {
  on[Op::kEmptyList] = [](Machine& m) { m.push({PickleList{}}); };
  on[Op::kList] = [](Machine& m) { m.push({PickleList{m.stack().pop_to_mark()}}); };
  on[Op::kAppend] = [](Machine& m) { m.append(m.stack().pop(1)); };
  on[Op::kAppends] = [](Machine& m) { m.append(m.stack().pop_to_mark()); };

  on[Op::kEmptyTuple] = [](Machine& m) { m.push({PickleList{{}, true}}); };
  on[Op::kTuple] = [](Machine& m) { m.push({PickleList{m.stack().pop_to_mark(), true}}); };
  on[Op::kTuple1] = [](Machine& m) { m.push({PickleList{m.stack().pop(1), true}}); };
  on[Op::kTuple2] = [](Machine& m) { m.push({PickleList{m.stack().pop(2), true}}); };
  on[Op::kTuple3] = [](Machine& m) { m.push({PickleList{m.stack().pop(3), true}}); };

  on[Op::kEmptyDict] = [](Machine& m) { m.push({PickleDict{}}); };
  on[Op::kDict] = [](Machine& m) {
    std::vector<PickleRef> items = m.stack().pop_to_mark();
    m.push({PickleDict{}});
    m.set_items(std::move(items));
  };
  on[Op::kSetItem] = [](Machine& m) { m.set_items(m.stack().pop(2)); };
  on[Op::kSetItems] = [](Machine& m) { m.set_items(m.stack().pop_to_mark()); };

  // No state dictionary needs a set's values.
  on[Op::kEmptySet] = [](Machine& m) { m.push({PickleOpaque{}}); };
  on[Op::kAddItems] = [](Machine& m) {
    m.stack().pop_to_mark();
    m.stack().top();
  };
  on[Op::kFrozenSet] = [](Machine& m) {
    m.stack().pop_to_mark();
    m.push({PickleOpaque{}});
  };
}

constexpr void add_memo(Operations& on) {
  on[Op::kPut] = [](Machine& m) { m.remember(static_cast<uint64_t>(decimal(m.input().line()))); };
  on[Op::kBinPut] = [](Machine& m) { m.remember(m.input().number<uint8_t>()); };
  on[Op::kLongBinPut] = [](Machine& m) { m.remember(m.input().number<uint32_t>()); };
  on[Op::kMemoize] = [](Machine& m) { m.remember_next(); };
  on[Op::kGet] = [](Machine& m) { m.recall(static_cast<uint64_t>(decimal(m.input().line()))); };
  on[Op::kBinGet] = [](Machine& m) { m.recall(m.input().number<uint8_t>()); };
  on[Op::kLongBinGet] = [](Machine& m) { m.recall(m.input().number<uint32_t>()); };
}

/// Whatever would look up a class, or make an object of one, leaves a value without meaning.
constexpr void add_calls(Operations& on) {
  on[Op::kGlobal] = [](Machine& m) {
    const std::string_view module = m.input().line(), name = m.input().line();
    m.push({PickleGlobal{fmt::format("{}.{}", module, name)}});
  };
  on[Op::kStackGlobal] = [](Machine& m) { m.name_global(); };
  on[Op::kReduce] = [](Machine& m) { m.reduce(); };
  on[Op::kNewObj] = [](Machine& m) {  // class, arguments
    m.stack().pop(2);
    m.push({PickleOpaque{}});
  };
  on[Op::kNewObjEx] = [](Machine& m) {  // class, arguments, arguments by name
    m.stack().pop(3);
    m.push({PickleOpaque{}});
  };
  on[Op::kInst] = [](Machine& m) {  // module, name
    m.input().line();
    m.input().line();
    m.stack().pop_to_mark();
    m.push({PickleOpaque{}});
  };
  on[Op::kObj] = [](Machine& m) {
    m.stack().pop_to_mark();
    m.push({PickleOpaque{}});
  };
  on[Op::kBuild] = [](Machine& m) {  // an object's attributes: state dictionaries keep `_metadata` there
    m.stack().pop();
    m.stack().top();
  };
  on[Op::kPersId] = [](Machine&) { refuse("persistent ids as text"); };
  on[Op::kBinPersId] = [](Machine& m) { m.load_persistent(); };
}

constexpr Operations kOperations = [] {
  Operations on;
  add_frames(on);
  add_constants(on);
  add_text(on);
  add_stack(on);
  add_containers(on);
  add_memo(on);
  add_calls(on);
  return on;
}();

}  // namespace

PickleRef PickleDocument::make(PickleValue value) {
  all_.push_back(std::make_shared<PickleValue>(std::move(value)));
  return all_.back();
}

PickleDocument::~PickleDocument() {
  // Each value gives up its parts while the list still holds them.
  for (const auto& ref : all_) ref->value = PickleNone{};
}

PickleDocument read_pickle(std::string_view& bytes, const PersistentLoad& persistent_load) {
  Machine machine(bytes, persistent_load);
  for (Op op = machine.next(); op != Op::kStop; op = machine.next()) {
    const auto operation = kOperations[op];
    if (operation == nullptr) refuse(fmt::format("operation {:#04x} is unknown", static_cast<uint8_t>(op)));
    operation(machine);
  }
  return machine.finish();
}

std::optional<at::ScalarType> storage_type(std::string_view global) {
  constexpr std::array<std::pair<std::string_view, at::ScalarType>, 9> kStorages{{{"DoubleStorage", at::kDouble},
                                                                                  {"FloatStorage", at::kFloat},
                                                                                  {"HalfStorage", at::kHalf},
                                                                                  {"BFloat16Storage", at::kBFloat16},
                                                                                  {"LongStorage", at::kLong},
                                                                                  {"IntStorage", at::kInt},
                                                                                  {"ShortStorage", at::kShort},
                                                                                  {"CharStorage", at::kChar},
                                                                                  {"ByteStorage", at::kByte}}};
  for (const std::string_view prefix : {"torch.cuda.", "torch."}) {
    if (!global.starts_with(prefix)) continue;
    for (const auto& [name, type] : kStorages) {
      if (global.substr(prefix.size()) == name) return type;
    }
  }
  return std::nullopt;
}

}  // namespace secgan
