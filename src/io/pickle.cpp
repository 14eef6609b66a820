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

#include "core/counted.hpp"
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

/// torch's name of a type, as in `torch.float8_e4m3fn`.
std::optional<at::ScalarType> scalar_type_named(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, at::ScalarType>, 19> kTypeNames{{{"float64", at::kDouble},
                                                                                    {"float32", at::kFloat},
                                                                                    {"float16", at::kHalf},
                                                                                    {"bfloat16", at::kBFloat16},
                                                                                    {"float8_e4m3fn", at::kFloat8_e4m3fn},
                                                                                    {"float8_e4m3fnuz", at::kFloat8_e4m3fnuz},
                                                                                    {"float8_e5m2", at::kFloat8_e5m2},
                                                                                    {"float8_e5m2fnuz", at::kFloat8_e5m2fnuz},
                                                                                    {"complex64", at::kComplexFloat},
                                                                                    {"complex128", at::kComplexDouble},
                                                                                    {"int64", at::kLong},
                                                                                    {"int32", at::kInt},
                                                                                    {"int16", at::kShort},
                                                                                    {"int8", at::kChar},
                                                                                    {"uint8", at::kByte},
                                                                                    {"uint16", at::kUInt16},
                                                                                    {"uint32", at::kUInt32},
                                                                                    {"uint64", at::kUInt64},
                                                                                    {"bool", at::kBool}}};
  const auto* const found = std::ranges::find(kTypeNames, name, &std::pair<std::string_view, at::ScalarType>::first);
  return found != kTypeNames.end() ? std::optional(found->second) : std::nullopt;
}

/// torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …): a view of the storage, which must hold it.
PickleValue rebuild_tensor(const PickleList& arguments, const at::Tensor& storage) {
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
  if (!empty && (last < 0 || last >= storage.numel())) {
    refuse(fmt::format("a tensor of [{}] leaves its storage of {}", fmt::join(size, ", "), counted(storage.numel(), "value")));
  }
  // A stride of 0 could ask for more memory than there is. The strides of an empty tensor are products too: counted without the zeros.
  int64_t values = 1;
  for (const int64_t extent : size) {
    const bool overflows = __builtin_mul_overflow(values, std::max<int64_t>(extent, 1), &values);
    if (empty && overflows) refuse("a tensor that is too large");
    if (!empty && (overflows || values > storage.numel()))
      refuse("a tensor that repeats its storage, as an expanded one: save it .contiguous()");
  }
  if (empty) return {at::empty(size, storage.options())};
  // The storage may be part of another one.
  return {storage.as_strided(size, stride, storage.storage_offset() + offset)};
}

/// A view that stands for the negative or the conjugate of what its storage holds, as its metadata {"neg": True} say.
PickleValue seen_as(PickleValue value, const PickleRef& metadata) {
  const auto* const said = as<PickleDict>(metadata);
  const auto* const tensor = std::get_if<at::Tensor>(&value.value);
  if (said == nullptr || tensor == nullptr) return value;
  at::Tensor seen = *tensor;
  for (const auto& [key, flag] : said->items) {
    const auto* const name = as<std::string>(key);
    const auto* const set = as<bool>(flag);
    if (set != nullptr && !*set) continue;
    if (name != nullptr && *name == "neg" && seen.scalar_type() != at::kBool) {
      seen = at::_neg_view(seen);  // costs no memory, whatever many views share the storage
    } else if (name != nullptr && *name == "conj" && seen.is_complex()) {
      seen = seen.conj();
    } else {
      return {PickleOpaque{PickleOpaque::Kind::kTensor, key}};
    }
  }
  return {seen};
}

/// What a call of the rebuilding functions makes of arguments (storage, offset, size, stride, requires_grad, hooks, [type,] metadata).
/// @param typed  the storage is of bytes, the seventh argument says of what
PickleValue rebuild_tensor(const PickleList& arguments, bool typed) {
  if (arguments.items.size() < (typed ? 7 : 4)) refuse("a tensor with too few arguments");
  const PickleRef& stored = arguments.items[0];
  if (const auto* unknown = as<PickleOpaque>(stored); unknown != nullptr && unknown->kind == PickleOpaque::Kind::kTensor) return {*unknown};
  const auto* storage = as<at::Tensor>(stored);
  if (storage == nullptr) refuse("a tensor without storage");
  const size_t metadata = typed ? 7 : 6;
  const PickleRef said = arguments.items.size() > metadata ? arguments.items[metadata] : nullptr;
  if (!typed) return seen_as(rebuild_tensor(arguments, *storage), said);
  const auto* name = as<PickleGlobal>(arguments.items[6]);
  if (name == nullptr) refuse("a tensor without a type");
  constexpr std::string_view kPrefix = "torch.";
  const auto type = name->name.starts_with(kPrefix) ? scalar_type_named(std::string_view(name->name).substr(kPrefix.size())) : std::nullopt;
  if (!type) return {PickleOpaque{PickleOpaque::Kind::kTensor, arguments.items[6]}};
  if (storage->nbytes() % c10::elementSize(*type) != 0) refuse("a storage that is no whole number of values");
  return seen_as(rebuild_tensor(arguments, storage->view(*type)), said);
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
  size_t size() const { return entries_.size(); }

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
PickleValue value_of_bytes(std::string_view bytes) {
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

/// What the operations work on. Whatever takes memory is spent from a budget.
class Machine {
 public:
  Machine(std::string_view& bytes, const PersistentLoad& persistent_load, size_t file_size)
      : input_(bytes),
        persistent_load_(persistent_load),
        budget_(std::min(kFreeMemory + kMemoryPerByte * std::min({bytes.size(), file_size, kMostMemory}), kMostMemory)) {}

  Input& input() { return input_; }
  Stack& stack() { return stack_; }
  Op next() { return Op{input_.number<uint8_t>()}; }

  void push(PickleValue value) { push_again(made(std::move(value))); }
  /// A value that was made before.
  void push_again(PickleRef value) {
    spend_stack();
    stack_.push(std::move(value));
  }
  void mark() {
    spend_stack();
    stack_.mark();
  }

  void append(std::vector<PickleRef> items) {
    PickleRef owner = stack_.top();
    if (auto* opaque = std::get_if<PickleOpaque>(&owner->value)) {  // an object's own list
      if (!opaque->state) opaque->state = made({PickleList{}});
      owner = opaque->state;
    }
    auto* list = std::get_if<PickleList>(&owner->value);
    if (list == nullptr || list->tuple) return;
    spend(items.size() * kEntry);
    std::ranges::move(items, std::back_inserter(list->items));
  }
  void set_items(std::vector<PickleRef> items) {
    if (items.size() % 2 != 0) refuse("a key without a value");
    PickleRef owner = stack_.top();
    if (auto* opaque = std::get_if<PickleOpaque>(&owner->value)) {  // a dictionary of the object's own kind
      if (!opaque->state) opaque->state = made({PickleDict{}});
      owner = opaque->state;
    }
    auto* dict = std::get_if<PickleDict>(&owner->value);
    if (dict == nullptr) return;
    spend(items.size() * kEntry);
    for (size_t i = 0; i < items.size(); i += 2) dict->items.emplace_back(std::move(items[i]), std::move(items[i + 1]));
  }
  /// An object's attributes. State dictionaries keep `_metadata` there, which nobody asks for.
  void build() {
    PickleRef state = stack_.pop();
    if (auto* opaque = std::get_if<PickleOpaque>(&stack_.top()->value); opaque != nullptr && !opaque->state)
      opaque->state = std::move(state);
  }

  void remember(uint64_t place) {
    if (memo_.insert_or_assign(place, stack_.top()).second) spend(kMemoEntry);
  }
  void remember_next() { remember(memo_.size()); }
  void recall(uint64_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) refuse("an unknown memo entry");
    push_again(found->second);
  }

  /// A name whose parts are on the stack.
  void name_global() {
    const PickleRef name = stack_.pop(), module = stack_.pop();
    if (!as<std::string>(name) || !as<std::string>(module)) refuse("a global without a name");
    push({PickleGlobal{*as<std::string>(module) + "." + *as<std::string>(name)}});
  }

  /// What a call would have made, for the handful of calls that state dictionaries consist of.
  void reduce() {
    PickleRef arguments = stack_.pop(), callee = stack_.pop();
    // A tensor of a subclass, or with attributes: (function, class, its arguments, state).
    for (int depth = 0; depth < 8; ++depth) {
      const auto* function = as<PickleGlobal>(callee);
      const auto* list = as<PickleList>(arguments);
      if (function == nullptr || list == nullptr) return push({PickleOpaque{PickleOpaque::Kind::kCall, callee}});
      const bool wrapped = function->name == "torch._tensor._rebuild_from_type_v2" || function->name == "torch._tensor._rebuild_from_type";
      if (!wrapped || list->items.size() < 3) return push_again(called(callee, *function, *list));
      PickleRef inner = list->items[0], parts = list->items[2];
      callee = std::move(inner);
      arguments = std::move(parts);
    }
    refuse("calls inside calls without end");
  }
  /// An object of a class, which the topmost but `count` value is; they all go.
  void make_object(size_t count) { push({PickleOpaque{PickleOpaque::Kind::kObject, stack_.pop(count).front()}}); }

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
  // What an honest pickle of a million values takes, and more for larger files: in bytes.
  static constexpr size_t kFreeMemory = size_t{64} << 20, kMemoryPerByte = 112, kMostMemory = size_t{2} << 30;
  static constexpr size_t kValue = 160, kEntry = 48, kMemoEntry = 80, kTensor = 800;

  void spend(size_t memory) {
    if (memory > budget_) refuse("asks for more memory than a file of this size has use for");
    budget_ -= memory;
  }
  /// The stack gives its memory back to itself only: what counts is how high it was.
  void spend_stack() {
    if (stack_.size() < highest_) return;
    ++highest_;
    spend(2 * sizeof(PickleRef));
  }
  static size_t value_cost(const PickleValue& value) {
    const auto* const text = std::get_if<std::string>(&value.value);
    const auto* const global = std::get_if<PickleGlobal>(&value.value);
    const auto* const list = std::get_if<PickleList>(&value.value);
    return kValue + (text != nullptr ? text->size() : 0) + (global != nullptr ? global->name.size() : 0) +
           (list != nullptr ? list->items.size() * sizeof(PickleRef) : 0) + (std::holds_alternative<at::Tensor>(value.value) ? kTensor : 0);
  }
  PickleRef made(PickleValue value) {
    spend(value_cost(value));
    return document_.make(std::move(value));
  }

  PickleRef called(const PickleRef& callee, const PickleGlobal& function, const PickleList& arguments) {
    const std::string& name = function.name;
    if (name == "torch.Size" && arguments.items.size() == 1 && as<PickleList>(arguments.items[0])) return arguments.items[0];
    if (name == "collections.OrderedDict") return made({ordered_dict(arguments)});
    if (name == "collections.defaultdict" || name == "builtins.dict" || name == "__builtin__.dict") return made({PickleDict{}});
    if (name == "torch._utils._rebuild_tensor_v2" || name == "torch._utils._rebuild_tensor") return made(rebuild_tensor(arguments, false));
    if (name == "torch._utils._rebuild_tensor_v3") return made(rebuild_tensor(arguments, true));
    // The tensor and what is said of it.
    constexpr std::array<std::string_view, 3> kPassing{"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
                                                       "torch._utils._rebuild_device_tensor_from_cpu_tensor"};
    const bool passes = std::ranges::find(kPassing, name) != kPassing.end() && !arguments.items.empty();
    if (passes && (as<at::Tensor>(arguments.items[0]) || as<PickleOpaque>(arguments.items[0]))) return arguments.items[0];
    return made({PickleOpaque{PickleOpaque::Kind::kCall, callee}});
  }

  /// Python 3 makes it empty, Python 2 of a list of pairs.
  PickleDict ordered_dict(const PickleList& arguments) {
    PickleDict dict;
    const auto* pairs = arguments.items.size() == 1 ? as<PickleList>(arguments.items[0]) : nullptr;
    if (pairs == nullptr) return dict;
    spend(2 * kEntry * pairs->items.size());  // one list may be asked for again and again
    for (const auto& item : pairs->items) {
      const auto* pair = as<PickleList>(item);
      if (pair == nullptr || pair->items.size() != 2) refuse("a dictionary's item is no pair");
      dict.items.emplace_back(pair->items[0], pair->items[1]);
    }
    return dict;
  }

  Input input_;
  const PersistentLoad& persistent_load_;
  size_t budget_;
  size_t highest_ = 0;
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
  on[Op::kProto] = [](Machine& m) {
    const auto version = m.input().number<uint8_t>();
    if (version > 5) refuse(fmt::format("protocol {} is unknown", version));
  };
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
  on[Op::kLong1] = [](Machine& m) { m.push(value_of_bytes(m.input().counted<uint8_t>())); };
  on[Op::kLong4] = [](Machine& m) { m.push(value_of_bytes(m.input().counted<uint32_t>())); };
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
  on[Op::kMark] = [](Machine& m) { m.mark(); };
  on[Op::kPop] = [](Machine& m) { m.stack().drop(); };
  on[Op::kPopMark] = [](Machine& m) { m.stack().pop_to_mark(); };
  on[Op::kDup] = [](Machine& m) { m.push_again(m.stack().top()); };
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
  on[Op::kNewObj] = [](Machine& m) { m.make_object(2); };    // class, arguments
  on[Op::kNewObjEx] = [](Machine& m) { m.make_object(3); };  // class, arguments, arguments by name
  on[Op::kInst] = [](Machine& m) {                           // module, name
    const std::string_view module = m.input().line(), name = m.input().line();
    m.stack().pop_to_mark();
    m.push({PickleGlobal{fmt::format("{}.{}", module, name)}});
    m.make_object(1);
  };
  on[Op::kObj] = [](Machine& m) {  // class and arguments above the mark
    const std::vector<PickleRef> parts = m.stack().pop_to_mark();
    if (parts.empty()) refuse("an object without a class");
    m.push_again(parts.front());
    m.make_object(1);
  };
  on[Op::kBuild] = [](Machine& m) { m.build(); };
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

PickleDocument read_pickle(std::string_view& bytes, const PersistentLoad& persistent_load, size_t file_size) {
  Machine machine(bytes, persistent_load, file_size);
  for (Op op = machine.next(); op != Op::kStop; op = machine.next()) {
    const auto operation = kOperations[op];
    if (operation == nullptr) refuse(fmt::format("operation {:#04x} is unknown", static_cast<uint8_t>(op)));
    operation(machine);
  }
  return machine.finish();
}

std::string describe(const PickleOpaque& opaque) {
  const auto* const maker = as<PickleGlobal>(opaque.maker);
  const std::string_view name = maker != nullptr ? std::string_view(maker->name).substr(0, 200) : "what is not told";
  switch (opaque.kind) {
    case PickleOpaque::Kind::kValue: break;
    case PickleOpaque::Kind::kObject: return fmt::format("an object of class '{}'", name);
    case PickleOpaque::Kind::kCall: return fmt::format("made by '{}', which is not read", name);
    case PickleOpaque::Kind::kTensor: return fmt::format("of type '{}', which is not read", name);
  }
  return "a value that is not read";
}

std::optional<at::ScalarType> storage_type(std::string_view global) {
  constexpr std::array<std::pair<std::string_view, at::ScalarType>, 12> kStorages{{{"DoubleStorage", at::kDouble},
                                                                                   {"FloatStorage", at::kFloat},
                                                                                   {"HalfStorage", at::kHalf},
                                                                                   {"BFloat16Storage", at::kBFloat16},
                                                                                   {"LongStorage", at::kLong},
                                                                                   {"IntStorage", at::kInt},
                                                                                   {"ShortStorage", at::kShort},
                                                                                   {"CharStorage", at::kChar},
                                                                                   {"ByteStorage", at::kByte},
                                                                                   {"BoolStorage", at::kBool},
                                                                                   {"ComplexFloatStorage", at::kComplexFloat},
                                                                                   {"ComplexDoubleStorage", at::kComplexDouble}}};
  if (is_untyped_storage(global)) return at::kByte;
  for (const std::string_view prefix : {"torch.cuda.", "torch."}) {
    if (!global.starts_with(prefix)) continue;
    for (const auto& [name, type] : kStorages) {
      if (global.substr(prefix.size()) == name) return type;
    }
  }
  return std::nullopt;
}

bool is_untyped_storage(std::string_view global) {
  return global == "torch.storage.UntypedStorage" || global == "torch.storage._UntypedStorage" || global == "torch.UntypedStorage";
}

}  // namespace secgan
