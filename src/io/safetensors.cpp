#include "secgan/io/safetensors.hpp"

#include <ATen/ATen.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "core/counted.hpp"
#include "core/dtype.hpp"
#include "core/format.hpp"
#include "io/file_kind.hpp"
#include "io/temporary.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"

namespace secgan {
namespace {

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 15> kTypes{{{"F64", at::kDouble},
                                                                              {"F32", at::kFloat},
                                                                              {"F16", at::kHalf},
                                                                              {"BF16", at::kBFloat16},
                                                                              {"I64", at::kLong},
                                                                              {"I32", at::kInt},
                                                                              {"I16", at::kShort},
                                                                              {"I8", at::kChar},
                                                                              {"U8", at::kByte},
                                                                              {"BOOL", at::kBool},
                                                                              {"U16", at::kUInt16},
                                                                              {"U32", at::kUInt32},
                                                                              {"U64", at::kUInt64},
                                                                              {"F8_E4M3", at::kFloat8_e4m3fn},
                                                                              {"F8_E5M2", at::kFloat8_e5m2}}};
constexpr uint64_t kLargestHeader = 100'000'000;  // the reference reader's own limit

struct Entry {
  std::string name;
  std::optional<at::ScalarType> type;  ///< none: one that is not read
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;
};

/// Reads the header event by event: a tree of it would take many times its bytes, and any depth.
class HeaderEvents final : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderEvents(Safetensors& result, std::vector<Entry>& entries, std::vector<UnreadTensor>* unread, uint64_t data_size,
               std::string_view file)
      : result_(result), entries_(entries), unread_(unread), data_size_(data_size), file_(file) {}

  bool start_object(std::size_t) override {
    ++depth_;
    if (depth_ == 1) return true;
    if (depth_ > 2 || in_list_) malformed();
    fields_.clear();
    dtype_.reset();
    shape_.reset();
    offsets_.reset();
    return true;
  }
  bool key(string_t& name) override {
    auto& seen = depth_ == 1 ? names_ : fields_;
    // A key that stands twice would be two files in one: which of them is read depends on the reader.
    if (!seen.insert(name).second) refuse(fmt::format("{}'{}' stands twice", depth_ == 1 ? "tensor " : "", name));
    (depth_ == 1 ? name_ : field_) = std::move(name);
    return true;
  }
  bool end_object() override {
    if (--depth_ == 1 && name_ != kMetadata) entries_.push_back(entry());
    return true;
  }
  bool string(string_t& text) override {
    if (depth_ == 2 && !in_list_ && name_ == kMetadata) {
      result_.metadata[field_] = std::move(text);
    } else if (depth_ == 2 && !in_list_ && field_ == "dtype") {
      dtype_ = std::move(text);
    } else {
      malformed();
    }
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_list_ || name_ == kMetadata) malformed();
    in_list_ = true;
    list_.clear();
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (!in_list_) return ignore();
    constexpr size_t kMostDimensions = 64;
    if (list_.size() == kMostDimensions) malformed();
    list_.push_back(value);
    return true;
  }
  bool end_array() override {
    in_list_ = false;
    if (field_ == "shape") shape_ = list_;
    if (field_ == "data_offsets") offsets_ = list_;
    return true;
  }
  bool null() override { return ignore(); }
  bool boolean(bool) override { return ignore(); }
  bool number_integer(number_integer_t) override { return ignore(); }
  bool number_float(number_float_t, const string_t&) override { return ignore(); }
  bool binary(binary_t&) override { return ignore(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }

 private:
  static constexpr std::string_view kMetadata = "__metadata__";

  [[noreturn]] void refuse(const std::string& what) const { throw Error(fmt::format("{}: {}", file_, what)); }
  [[noreturn]] void malformed() const {
    if (depth_ == 0) refuse("not a safetensors file: its header is not a JSON object");
    if (name_ == kMetadata) {
      refuse(depth_ == 1 ? "__metadata__ is not an object" : fmt::format("__metadata__ '{}' is not text", field_));
    }
    if (depth_ == 1) refuse(fmt::format("tensor '{}': dtype, shape or data_offsets is missing", name_));
    refuse(fmt::format("tensor '{}': dtype, shape or data_offsets is malformed", name_));
  }
  /// A plain value, which no tensor has but in fields that other versions may add.
  bool ignore() const {
    if (depth_ == 2 && in_list_ && field_ == "shape") refuse(fmt::format("tensor '{}': shape is malformed", name_));
    if (depth_ < 2 || in_list_ || name_ == kMetadata || field_ == "dtype" || field_ == "shape" || field_ == "data_offsets") malformed();
    return true;
  }

  Entry entry() {
    const auto refuse_tensor = [&](const std::string& what) { refuse(fmt::format("tensor '{}': {}", name_, what)); };
    if (!dtype_ || !shape_ || !offsets_) refuse_tensor("dtype, shape or data_offsets is missing");
    if (offsets_->size() != 2) refuse_tensor("dtype, shape or data_offsets is malformed");
    Entry entry{.name = name_, .begin = (*offsets_)[0], .end = (*offsets_)[1]};
    const auto type = std::ranges::find_if(kTypes, [&](const auto& t) { return t.first == *dtype_; });
    const auto place = [&] {
      if (entry.begin > entry.end || entry.end > data_size_) {
        refuse_tensor(
            fmt::format("data_offsets [{}, {}] leave the file's {} of data", entry.begin, entry.end, counted(data_size_, "byte")));
      }
    };
    if (type == kTypes.end()) {
      if (unread_ == nullptr) refuse_tensor(fmt::format("its dtype '{}' is not supported", *dtype_));
      place();
      unread_->push_back({name_, fmt::format("its dtype '{}' is not supported", *dtype_)});
      return entry;
    }
    entry.type = type->second;
    // The strides of an empty tensor are products too: they are counted without the zeros.
    uint64_t extents = c10::elementSize(*entry.type);
    bool empty = false;
    for (const uint64_t extent : *shape_) {
      if (extent > (uint64_t{1} << 40)) refuse_tensor("shape is malformed");
      entry.shape.push_back(static_cast<int64_t>(extent));
      empty = empty || extent == 0;
      if (__builtin_mul_overflow(extents, std::max<uint64_t>(extent, 1), &extents) || extents >> 62 != 0) {
        refuse_tensor("shape is too large");
      }
    }
    const uint64_t bytes = empty ? 0 : extents;
    place();
    if (entry.end - entry.begin != bytes) {
      refuse_tensor(fmt::format("{} of data, its shape asks for {}", counted(entry.end - entry.begin, "byte"), bytes));
    }
    return entry;
  }

  Safetensors& result_;
  std::vector<Entry>& entries_;
  std::vector<UnreadTensor>* unread_;
  uint64_t data_size_;
  std::string_view file_;
  int depth_ = 0;
  bool in_list_ = false;
  std::string name_, field_;
  std::unordered_set<std::string> names_, fields_;
  std::optional<std::string> dtype_;
  std::vector<uint64_t> list_;
  std::optional<std::vector<uint64_t>> shape_, offsets_;
};

/// A file's bytes in memory, read when they are looked at.
class Mapping {
 public:
  explicit Mapping(const std::filesystem::path& path) {
    const detail::RegularFile file(path, std::numeric_limits<uint64_t>::max());
    size_ = file.size();
    if (size_ == 0) return;
    void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.descriptor(), 0);
    if (mapped == MAP_FAILED) detail::fail(path, "cannot be read", errno);
    bytes_ = static_cast<const char*>(mapped);
  }
  ~Mapping() {
    if (bytes_ != nullptr) ::munmap(const_cast<char*>(bytes_), size_);  // NOLINT(cppcoreguidelines-pro-type-const-cast): never written to
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  std::string_view bytes() const { return {bytes_, size_}; }

 private:
  const char* bytes_ = nullptr;
  size_t size_ = 0;
};

/// A tensor of these bytes.
using MakeTensor = std::function<at::Tensor(std::string_view stored, const std::vector<int64_t>& shape, at::ScalarType type)>;

at::Tensor copied(std::string_view stored, const std::vector<int64_t>& shape, at::ScalarType type) {
  at::Tensor tensor = at::empty(shape, type);
  if (!stored.empty()) std::memcpy(tensor.mutable_data_ptr(), stored.data(), stored.size());
  return tensor;
}

Safetensors parse(std::string_view bytes, std::string_view name, std::vector<UnreadTensor>* unread, const MakeTensor& make) {
  const detail::FileKind kind = detail::file_kind(bytes);
  if (kind != detail::FileKind::kSafetensors && kind != detail::FileKind::kUnknown) {
    throw Error(fmt::format("{}: not a safetensors file: it is {}", name, detail::describe(kind)));
  }
  uint64_t header_size = 0;
  if (bytes.size() < sizeof header_size) throw Error(fmt::format("{}: not a safetensors file: {}", name, counted(bytes.size(), "byte")));
  std::memcpy(&header_size, bytes.data(), sizeof header_size);
  if (header_size > kLargestHeader || header_size > bytes.size() - sizeof header_size) {
    throw Error(fmt::format("{}: not a safetensors file, or truncated: header of {} in a file of {}", name, counted(header_size, "byte"),
                            bytes.size()));
  }
  const std::string_view text = bytes.substr(sizeof header_size, header_size);
  const std::string_view data = bytes.substr(sizeof header_size + header_size);
  Safetensors result;
  std::vector<Entry> entries;
  HeaderEvents events(result, entries, unread, data.size(), name);
  // The parser takes a NUL for the end of its text.
  if (text.find('\0') != std::string_view::npos || !nlohmann::json::sax_parse(text, &events)) {
    throw Error(fmt::format("{}: not a safetensors file: its header is not a JSON object", name));
  }
  // The format allows neither holes nor overlaps nor a tail: every byte belongs to one tensor.
  std::vector<const Entry*> by_place;
  for (const Entry& entry : entries) by_place.push_back(&entry);
  std::ranges::sort(by_place, {}, [](const Entry* entry) { return std::pair(entry->begin, entry->end); });
  uint64_t covered = 0;
  for (const Entry* entry : by_place) {
    if (entry->begin != covered)
      throw Error(fmt::format("{}: tensor '{}': data begins at {}, expected {}", name, entry->name, entry->begin, covered));
    covered = entry->end;
  }
  if (covered != data.size())
    throw Error(fmt::format("{}: {} to no tensor", name, counted(data.size() - covered, "byte of data belongs", "bytes of data belong")));

  for (const Entry& entry : entries) {
    if (!entry.type) continue;
    const std::string_view stored = data.substr(entry.begin, entry.end - entry.begin);
    if (entry.type == at::kBool) {
      // Any other value would be undefined behavior where it is read.
      const auto odd = std::ranges::find_if(stored, [](char byte) { return byte != 0 && byte != 1; });
      if (odd != stored.end()) {
        throw Error(fmt::format("{}: tensor '{}': byte {} is neither true nor false", name, entry.name, static_cast<uint8_t>(*odd)));
      }
    }
    result.tensors.emplace_back(entry.name, make(stored, entry.shape, *entry.type));
  }
  return result;
}

}  // namespace

Safetensors parse_safetensors(std::string_view bytes, std::string_view name, std::vector<UnreadTensor>* unread) {
  return parse(bytes, name, unread, copied);
}

Safetensors map_safetensors(const std::filesystem::path& file) {
  const auto mapping = std::make_shared<const Mapping>(file);
  return parse(mapping->bytes(), file.string(), nullptr,
               [&](std::string_view stored, const std::vector<int64_t>& shape, at::ScalarType type) {
                 const bool aligned = reinterpret_cast<uintptr_t>(stored.data()) % c10::elementSize(type) == 0;
                 if (stored.empty() || !aligned) return copied(stored, shape, type);
                 // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): from_blob's signature
                 return at::from_blob(const_cast<char*>(stored.data()), shape, [mapping](void*) {}, at::TensorOptions(type));
               });
}

Safetensors load_safetensors(const std::filesystem::path& file) { return parse_safetensors(read_file(file), file.string()); }

std::string safetensors_header(const std::vector<TensorShape>& shapes, const std::map<std::string, std::string>& metadata) {
  std::string text = "{";
  std::unordered_set<std::string_view> names;
  uint64_t offset = 0;
  // Written entry by entry: an ordered object of them looks through all others for each.
  const auto add = [&](const std::string& key, const nlohmann::ordered_json& value) {
    try {
      text += fmt::format("{}{}:{}", text.size() > 1 ? "," : "", nlohmann::json(key).dump(), value.dump());
    } catch (const nlohmann::json::type_error&) {
      throw InvalidArgument("safetensors: the names of tensors and metadata must be UTF-8");
    }
  };
  if (!metadata.empty()) add("__metadata__", metadata);
  for (const auto& [name, scalar, shape] : shapes) {
    const auto type = std::ranges::find_if(kTypes, [t = scalar](const auto& entry) { return entry.second == t; });
    if (type == kTypes.end()) throw InvalidArgument(fmt::format("tensor '{}': safetensors has no type {}", name, dtype_name(scalar)));
    if (name == "__metadata__") throw InvalidArgument("tensor '__metadata__': the name is reserved by safetensors");
    if (!names.insert(name).second) throw InvalidArgument(fmt::format("tensor '{}' is given twice", name));
    uint64_t bytes = c10::elementSize(scalar);
    for (const int64_t extent : shape) bytes *= static_cast<uint64_t>(extent);
    add(name, {{"dtype", type->first}, {"shape", shape}, {"data_offsets", {offset, offset + bytes}}});
    offset += bytes;
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t size = text.size();
  std::string out(sizeof size, '\0');
  std::memcpy(out.data(), &size, sizeof size);
  out += text;
  return out;
}

std::string safetensors_header(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
  std::vector<TensorShape> shapes;
  for (const auto& [name, tensor] : tensors) shapes.push_back({name, tensor.scalar_type(), tensor.sizes().vec()});
  return safetensors_header(shapes, metadata);
}

void encode_safetensors(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata,
                        const std::function<void(std::string_view bytes)>& append) {
  append(safetensors_header(tensors, metadata));
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor stored = tensor.detach().to(at::kCPU).contiguous();
    append({static_cast<const char*>(stored.const_data_ptr()), stored.nbytes()});
  }
}

std::string encode_safetensors(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
  size_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += tensor.nbytes();
  std::string out;
  encode_safetensors(tensors, metadata, [&](std::string_view piece) {
    if (out.empty()) out.reserve(piece.size() + bytes);  // the header comes first
    out += piece;
  });
  return out;
}

}  // namespace secgan
