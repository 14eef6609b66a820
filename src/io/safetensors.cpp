#include "secgan/io/safetensors.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"

namespace secgan {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 10> kTypes{{{"F64", at::kDouble},
                                                                              {"F32", at::kFloat},
                                                                              {"F16", at::kHalf},
                                                                              {"BF16", at::kBFloat16},
                                                                              {"I64", at::kLong},
                                                                              {"I32", at::kInt},
                                                                              {"I16", at::kShort},
                                                                              {"I8", at::kChar},
                                                                              {"U8", at::kByte},
                                                                              {"BOOL", at::kBool}}};
constexpr uint64_t kLargestHeader = 100'000'000;  // the reference reader's own limit

struct Entry {
  std::string name;
  at::ScalarType type;
  std::vector<int64_t> shape;
  uint64_t begin, end;
};

Entry parse_entry(const std::string& name, const Json& value, uint64_t size, std::string_view file) {
  const auto refuse = [&](const std::string& what) -> void { throw Error(fmt::format("{}: tensor '{}': {}", file, name, what)); };
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") || !value.contains("data_offsets")) {
    refuse("dtype, shape or data_offsets is missing");
  }
  const auto& dtype = value["dtype"];
  const auto& shape = value["shape"];
  const auto& offsets = value["data_offsets"];
  if (!dtype.is_string() || !shape.is_array() || !offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    refuse("dtype, shape or data_offsets is malformed");
  }
  Entry entry{name, at::kFloat, {}, offsets[0].get<uint64_t>(), offsets[1].get<uint64_t>()};
  const auto type = std::ranges::find_if(kTypes, [&](const auto& t) { return t.first == dtype.get<std::string>(); });
  if (type == kTypes.end()) refuse(fmt::format("dtype '{}' is not supported", dtype.get<std::string>()));
  entry.type = type->second;
  // The strides of an empty tensor are products too: they are counted without the zeros.
  uint64_t extents = c10::elementSize(entry.type);
  bool empty = false;
  for (const auto& extent : shape) {
    if (!extent.is_number_unsigned() || extent.get<uint64_t>() > (uint64_t{1} << 40)) refuse("shape is malformed");
    entry.shape.push_back(static_cast<int64_t>(extent.get<uint64_t>()));
    empty = empty || entry.shape.back() == 0;
    if (__builtin_mul_overflow(extents, std::max<uint64_t>(extent.get<uint64_t>(), 1), &extents) || extents >> 62 != 0) {
      refuse("shape is too large");
    }
  }
  const uint64_t bytes = empty ? 0 : extents;
  if (entry.begin > entry.end || entry.end > size) {
    refuse(fmt::format("data_offsets [{}, {}] leave the file's {} bytes of data", entry.begin, entry.end, size));
  }
  if (entry.end - entry.begin != bytes) refuse(fmt::format("{} bytes of data, its shape asks for {}", entry.end - entry.begin, bytes));
  return entry;
}

}  // namespace

Safetensors parse_safetensors(std::string_view bytes, std::string_view name) {
  uint64_t header_size = 0;
  if (bytes.size() < sizeof header_size) throw Error(fmt::format("{}: not a safetensors file: {} bytes", name, bytes.size()));
  std::memcpy(&header_size, bytes.data(), sizeof header_size);
  if (header_size > kLargestHeader || header_size > bytes.size() - sizeof header_size) {
    throw Error(
        fmt::format("{}: not a safetensors file, or truncated: header of {} bytes in a file of {}", name, header_size, bytes.size()));
  }
  const std::string_view text = bytes.substr(sizeof header_size, header_size);
  const std::string_view data = bytes.substr(sizeof header_size + header_size);
  // A key that stands twice would be two files in one: which of them is read depends on the reader.
  std::array<std::set<std::string>, 2> keys;  // of the header, and of the entry that is being read
  std::string repeated;
  const Json header = Json::parse(
      text,
      [&](int depth, Json::parse_event_t event, Json& parsed) {
        if (event != Json::parse_event_t::key || depth > 2) return true;
        if (depth == 1) keys[1].clear();
        const std::string key = parsed.get<std::string>();
        if (!keys[static_cast<size_t>(depth - 1)].insert(key).second) repeated = (depth == 1 ? "tensor '" : "'") + key + "'";
        return true;
      },
      /*allow_exceptions=*/false);
  if (!header.is_object()) throw Error(fmt::format("{}: not a safetensors file: its header is not a JSON object", name));
  if (!repeated.empty()) throw Error(fmt::format("{}: {} stands twice", name, repeated));

  Safetensors result;
  std::vector<Entry> entries;
  for (const auto& [key, value] : header.items()) {
    if (key != "__metadata__") {
      entries.push_back(parse_entry(key, value, data.size(), name));
      continue;
    }
    if (!value.is_object()) throw Error(fmt::format("{}: __metadata__ is not an object", name));
    for (const auto& [field, content] : value.items()) {
      if (!content.is_string()) throw Error(fmt::format("{}: __metadata__ '{}' is not text", name, field));
      result.metadata[field] = content.get<std::string>();
    }
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
  if (covered != data.size()) throw Error(fmt::format("{}: {} bytes of data belong to no tensor", name, data.size() - covered));

  for (const Entry& entry : entries) {
    at::Tensor tensor = at::empty(entry.shape, entry.type);
    const std::string_view stored = data.substr(entry.begin, entry.end - entry.begin);
    if (entry.type == at::kBool) {
      // Any other value would be undefined behavior where it is read.
      const auto odd = std::ranges::find_if(stored, [](char byte) { return byte != 0 && byte != 1; });
      if (odd != stored.end()) {
        throw Error(fmt::format("{}: tensor '{}': byte {} is neither true nor false", name, entry.name, static_cast<uint8_t>(*odd)));
      }
    }
    if (!stored.empty()) std::memcpy(tensor.mutable_data_ptr(), stored.data(), stored.size());
    result.tensors.emplace_back(entry.name, tensor);
  }
  return result;
}

Safetensors load_safetensors(const std::filesystem::path& file) { return parse_safetensors(read_file(file), file.string()); }

std::string encode_safetensors(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const auto type = std::ranges::find_if(kTypes, [&, t = tensor.scalar_type()](const auto& entry) { return entry.second == t; });
    if (type == kTypes.end())
      throw InvalidArgument(fmt::format("tensor '{}': safetensors has no type {}", name, c10::toString(tensor.scalar_type())));
    if (name == "__metadata__") throw InvalidArgument("tensor '__metadata__': the name is reserved by safetensors");
    if (header.contains(name)) throw InvalidArgument(fmt::format("tensor '{}' is given twice", name));
    header[name] = {{"dtype", type->first}, {"shape", tensor.sizes().vec()}, {"data_offsets", {offset, offset + tensor.nbytes()}}};
    offset += tensor.nbytes();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::type_error&) {
    throw InvalidArgument("safetensors: the names of tensors and metadata must be UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t size = text.size();
  std::string out(sizeof size, '\0');
  std::memcpy(out.data(), &size, sizeof size);
  out.reserve(sizeof size + size + offset);
  out += text;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor stored = tensor.detach().to(at::kCPU).contiguous();
    out.append(static_cast<const char*>(stored.const_data_ptr()), stored.nbytes());
  }
  return out;
}

}  // namespace secgan
