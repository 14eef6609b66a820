#include "io/pickle.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <unordered_map>

#include "core/format.hpp"
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

class Machine {
 public:
  Machine(std::string_view& bytes, const PersistentLoad& persistent_load) : bytes_(bytes), persistent_load_(persistent_load) {}

  PickleDocument run() {
    for (char op; (op = take(1)[0]) != '.';) step(op);
    document_.root = pop();
    return std::move(document_);
  }

 private:
  std::string_view take(size_t count) {
    if (count > bytes_.size()) refuse("truncated");
    const std::string_view out = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return out;
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view line() {
    const size_t end = bytes_.find('\n');
    if (end == std::string_view::npos) refuse("truncated");
    const std::string_view out = bytes_.substr(0, end);
    bytes_.remove_prefix(end + 1);
    return out;
  }
  int64_t parsed(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) refuse(fmt::format("'{}' is not a whole number", text));
    return value;
  }

  void push(auto value) {
    // A value costs a hundred times the byte that asks for it; a state dictionary has some ten thousand.
    if (++values_ > kMaxValues) refuse(fmt::format("more than {} values", kMaxValues));
    stack_.push_back(document_.make({std::move(value)}));
  }
  PickleRef pop() {
    if (stack_.empty() || !stack_.back()) refuse("stack underflow");
    PickleRef out = std::move(stack_.back());
    stack_.pop_back();
    return out;
  }
  PickleRef& top() {
    if (stack_.empty() || !stack_.back()) refuse("stack underflow");
    return stack_.back();
  }
  /// Everything above the last mark (a null on the stack), in order; the mark goes.
  std::vector<PickleRef> pop_to_mark() {
    size_t place = stack_.size();
    while (place > 0 && stack_[place - 1]) --place;
    if (place == 0) refuse("no mark");
    std::vector<PickleRef> out(stack_.begin() + static_cast<ptrdiff_t>(place), stack_.end());
    stack_.resize(place - 1);
    return out;
  }
  std::vector<PickleRef> pop_many(size_t count) {
    std::vector<PickleRef> out(count);
    for (size_t i = count; i-- > 0;) out[i] = pop();
    return out;
  }
  void remember(uint64_t place) { memo_[place] = top(); }
  void recall(uint64_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) refuse("an unknown memo entry");
    stack_.push_back(found->second);
  }

  void append(std::vector<PickleRef> items) {
    PickleValue& target = *top();
    auto* list = std::get_if<PickleList>(&target.value);
    for (auto& item : items) {
      if (list == nullptr) continue;  // an opaque object's own list
      list->items.push_back(std::move(item));
    }
  }
  void set_items(std::vector<PickleRef> items) {
    if (items.size() % 2 != 0) refuse("a key without a value");
    PickleValue& target = *top();
    auto* dict = std::get_if<PickleDict>(&target.value);
    for (size_t i = 0; i < items.size(); i += 2) {
      if (dict == nullptr) continue;
      dict->items.emplace_back(items[i], items[i + 1]);
    }
  }

  /// What a call would have made, for the handful of calls that state dictionaries consist of.
  void reduce() {
    const PickleRef arguments = pop();
    const PickleRef callee = pop();
    const auto* global = as<PickleGlobal>(callee);
    const auto* list = as<PickleList>(arguments);
    if (global == nullptr || list == nullptr) return push(PickleOpaque{});
    const std::string& name = global->name;
    if (name == "collections.OrderedDict" || name == "collections.defaultdict" || name == "builtins.dict" || name == "__builtin__.dict") {
      PickleDict dict;
      if (name == "collections.OrderedDict" && list->items.size() == 1) {  // Python 2: a list of pairs
        if (const auto* pairs = as<PickleList>(list->items[0])) {
          for (const auto& item : pairs->items) {
            const auto* pair = as<PickleList>(item);
            if (pair == nullptr || pair->items.size() != 2) refuse("a dictionary's item is no pair");
            dict.items.emplace_back(pair->items[0], pair->items[1]);
          }
        }
      }
      return push(std::move(dict));
    }
    if (name == "torch._utils._rebuild_tensor_v2" || name == "torch._utils._rebuild_tensor") return push(rebuild_tensor(*list));
    if (name == "torch._utils._rebuild_parameter" && !list->items.empty()) {
      if (const auto* tensor = as<at::Tensor>(list->items[0])) return push(*tensor);
    }
    if (name == "torch.Size" && list->items.size() == 1 && as<PickleList>(list->items[0])) {
      stack_.push_back(list->items[0]);
      return;
    }
    push(PickleOpaque{});
  }

  void step(char op) {
    switch (op) {
      case '\x80': take(1); break;             // protocol
      case '\x95': take(8); break;             // frame
      case '(': stack_.emplace_back(); break;  // mark
      case '0':
        if (stack_.empty()) refuse("stack underflow");
        stack_.pop_back();
        break;
      case '1': pop_to_mark(); break;
      case '2': stack_.push_back(top()); break;
      case 'N': push(PickleNone{}); break;
      case '\x88': push(true); break;
      case '\x89': push(false); break;
      case 'I': {
        const std::string_view text = line();
        if (text == "00" || text == "01")
          push(text == "01");
        else
          push(parsed(text));
        break;
      }
      case 'J': push(int64_t{number<int32_t>()}); break;
      case 'K': push(int64_t{number<uint8_t>()}); break;
      case 'M': push(int64_t{number<uint16_t>()}); break;
      case 'L': {
        std::string_view text = line();
        if (text.ends_with('L')) text.remove_suffix(1);
        push(parsed(text));
        break;
      }
      case '\x8a': push_long(number<uint8_t>()); break;
      case '\x8b': push_long(number<uint32_t>()); break;
      case 'F': push(std::strtod(std::string(line()).c_str(), nullptr)); break;
      case 'G': push(std::bit_cast<double>(__builtin_bswap64(number<uint64_t>()))); break;
      case 'S': {
        std::string_view text = line();
        if (text.size() < 2) refuse("malformed text");
        push(std::string(text.substr(1, text.size() - 2)));
        break;
      }
      case 'V': push(std::string(line())); break;
      case 'U':
      case 'C':
      case '\x8c': push(std::string(take(number<uint8_t>()))); break;
      case 'T':
      case 'X':
      case 'B': push(std::string(take(number<uint32_t>()))); break;
      case '\x8d':
      case '\x8e':
      case '\x96': push(std::string(take(number<uint64_t>()))); break;
      case ']': push(PickleList{}); break;
      case '}': push(PickleDict{}); break;
      case ')': push(PickleList{{}, true}); break;
      case '\x8f': push(PickleOpaque{}); break;  // empty set
      case '\x90':
        pop_to_mark();
        top();
        break;  // set items
      case '\x91':
        pop_to_mark();
        push(PickleOpaque{});
        break;
      case 'l': push(PickleList{pop_to_mark()}); break;
      case 't': push(PickleList{pop_to_mark(), true}); break;
      case '\x85': push(PickleList{pop_many(1), true}); break;
      case '\x86': push(PickleList{pop_many(2), true}); break;
      case '\x87': push(PickleList{pop_many(3), true}); break;
      case 'd': {
        auto items = pop_to_mark();
        push(PickleDict{});
        set_items(std::move(items));
        break;
      }
      case 'a': append(pop_many(1)); break;
      case 'e': append(pop_to_mark()); break;
      case 's': set_items(pop_many(2)); break;
      case 'u': set_items(pop_to_mark()); break;
      case 'p': remember(static_cast<uint64_t>(parsed(line()))); break;
      case 'q': remember(number<uint8_t>()); break;
      case 'r': remember(number<uint32_t>()); break;
      case '\x94': remember(memo_.size()); break;
      case 'g': recall(static_cast<uint64_t>(parsed(line()))); break;
      case 'h': recall(number<uint8_t>()); break;
      case 'j': recall(number<uint32_t>()); break;
      case 'c': {
        const std::string module(line());
        push(PickleGlobal{module + "." + std::string(line())});
        break;
      }
      case '\x93': {
        const PickleRef name = pop(), module = pop();
        if (!as<std::string>(name) || !as<std::string>(module)) refuse("a global without a name");
        push(PickleGlobal{*as<std::string>(module) + "." + *as<std::string>(name)});
        break;
      }
      case 'R': reduce(); break;
      case '\x81':
      case '\x92': {  // objects of classes
        pop_many(op == '\x81' ? 2 : 3);
        push(PickleOpaque{});
        break;
      }
      case 'i':
        line();
        line();
        pop_to_mark();
        push(PickleOpaque{});
        break;
      case 'o':
        pop_to_mark();
        push(PickleOpaque{});
        break;
      case 'b':
        pop();
        top();
        break;  // an object's attributes: state dictionaries keep `_metadata` there
      case 'Q': {
        const PickleRef id = pop();
        PickleValue value = persistent_load_(*id);
        stack_.push_back(document_.make(std::move(value)));
        break;
      }
      case 'P': refuse("persistent ids as text");
      default: refuse(fmt::format("operation {:#04x} is unknown", static_cast<uint8_t>(op)));
    }
  }

  void push_long(size_t size) {
    const std::string_view digits = take(size);
    if (size > 8) {  // no tensor's extent; PyTorch's magic number is one
      return push(std::string(digits));
    }
    int64_t value = size > 0 && digits.back() < 0 ? -1 : 0;
    std::memcpy(&value, digits.data(), size);
    push(value);
  }

  std::string_view& bytes_;
  const PersistentLoad& persistent_load_;
  static constexpr int64_t kMaxValues = 5'000'000;
  int64_t values_ = 0;
  PickleDocument document_;
  std::vector<PickleRef> stack_;
  std::unordered_map<uint64_t, PickleRef> memo_;
};

}  // namespace

PickleRef PickleDocument::make(PickleValue value) {
  all_.push_back(std::make_shared<PickleValue>(std::move(value)));
  return all_.back();
}

PickleDocument::~PickleDocument() {
  // Each value gives up its parts while the list still holds them.
  for (const auto& ref : all_) ref->value = PickleNone{};
}

PickleDocument read_pickle(std::string_view& bytes, const PersistentLoad& persistent_load) { return Machine(bytes, persistent_load).run(); }

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
