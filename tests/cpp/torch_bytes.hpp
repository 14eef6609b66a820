#pragma once
/// Files as torch.save writes them, put together by hand: pickles out of operations, archives out of entries.

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/named_tensors.hpp"

namespace secgan::testing {

/// A number's bytes, little-endian.
template <class T>
std::string bytes_of(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// Pickle code that leaves one value on the stack.
using Code = std::string;

inline Code code_joined(const std::vector<Code>& parts) {
  Code out;
  for (const Code& part : parts) out += part;
  return out;
}

inline Code code_text(std::string_view text) { return code_joined({"X", bytes_of(static_cast<uint32_t>(text.size())), std::string(text)}); }
inline Code code_integer(int64_t value) { return code_joined({"\x8a\x08", bytes_of(value)}); }
inline Code code_global(std::string_view module, std::string_view name) {
  return code_joined({"c", std::string(module), "\n", std::string(name), "\n"});
}

inline Code code_tuple(const std::vector<Code>& values) { return code_joined({"(", code_joined(values), "t"}); }
inline Code code_list(const std::vector<Code>& values) { return code_joined({"](", code_joined(values), "e"}); }
inline Code code_integers(at::IntArrayRef values) {
  std::vector<Code> codes;
  for (const int64_t value : values) codes.push_back(code_integer(value));
  return code_tuple(codes);
}

using CodeItems = std::vector<std::pair<std::string, Code>>;
inline Code code_items(const CodeItems& items) {
  Code out = "(";
  for (const auto& [key, value] : items) out += code_text(key) + value;
  return out + "u";
}
inline Code code_dict(const CodeItems& items) { return code_joined({"}", code_items(items)}); }
inline Code code_ordered_dict(const CodeItems& items) { return code_global("collections", "OrderedDict") + ")R" + code_items(items); }

/// A call of a function, as pickles ask for one.
inline Code code_call(std::string_view module, std::string_view name, const std::vector<Code>& arguments) {
  return code_global(module, name) + code_tuple(arguments) + "R";
}

/// An object of a class with attributes, as Python pickles one.
inline Code code_object(std::string_view module, std::string_view name, const CodeItems& attributes) {
  return code_global(module, name) + ")\x81" + code_dict(attributes) + "b";
}

/// A storage; `legacy` ones say whether they are views of another.
inline Code code_storage(std::string_view type, std::string_view key, int64_t count, bool legacy = false) {
  std::vector<Code> id{code_text("storage"), code_global("torch", type), code_text(key), code_text("cpu"), code_integer(count)};
  if (legacy) id.emplace_back("N");
  return code_tuple(id) + "Q";
}

/// A view of a storage.
inline Code code_tensor(const Code& storage, int64_t offset, const Code& size, const Code& stride) {
  return code_call("torch._utils", "_rebuild_tensor_v2",
                   {storage, code_integer(offset), size, stride, "\x89", code_global("collections", "OrderedDict") + ")R"});
}

/// A whole pickle of protocol 2.
inline std::string pickle_of(const Code& value) { return code_joined({"\x80\x02", value, "."}); }

/// A zip archive of entries that are stored, not compressed.
inline std::string zip_of(const std::vector<std::pair<std::string, std::string>>& entries) {
  static const auto table = [] {
    std::array<uint32_t, 256> remainders{};
    for (uint32_t i = 0; i < 256; ++i) {
      remainders[i] = i;
      for (int bit = 0; bit < 8; ++bit) remainders[i] = (remainders[i] >> 1) ^ (0xedb88320U & (0U - (remainders[i] & 1U)));
    }
    return remainders;
  }();
  const auto checksum = [](std::string_view bytes) {
    uint32_t crc = 0xffffffffU;
    for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<uint8_t>(c)) & 0xffU];
    return ~crc;
  };
  const auto u16 = [](size_t value) { return bytes_of(static_cast<uint16_t>(value)); };
  const auto u32 = [](size_t value) { return bytes_of(static_cast<uint32_t>(value)); };
  std::string files, directory;
  for (const auto& [name, content] : entries) {
    const std::string header = u16(20) + u16(0) + u16(0) + u16(0) + u16(33) + u32(checksum(content)) + u32(content.size()) +
                               u32(content.size()) + u16(name.size()) + u16(0);
    directory += "PK\x01\x02" + u16(20) + header + u16(0) + u16(0) + u16(0) + u32(0) + u32(files.size()) + name;
    files += "PK\x03\x04" + header + name + content;
  }
  return files + directory + "PK\x05\x06" + u32(0) + u16(entries.size()) + u16(entries.size()) + u32(directory.size()) + u32(files.size()) +
         u16(0);
}

enum class TorchFormat {
  kZip,     ///< since PyTorch 1.6
  kLegacy,  ///< before
};

/// Code of tensors, and the file around it that holds their storages.
class TorchFile {
 public:
  explicit TorchFile(TorchFormat format = TorchFormat::kZip) : format_(format) {}

  /// A storage of this contiguous tensor's values.  @return its code, for code_tensor
  Code storage(const at::Tensor& values) {
    const std::string key = std::to_string(storages_.size());
    storages_.emplace_back(key, values.contiguous());
    return code_storage(storage_type(values.scalar_type()), key, values.numel(), format_ == TorchFormat::kLegacy);
  }
  /// A tensor with a storage of its own, of which it is all.
  Code tensor(const at::Tensor& values) {
    const at::Tensor whole = values.detach().contiguous();
    return code_tensor(storage(whole), 0, code_integers(whole.sizes()), code_integers(whole.strides()));
  }
  CodeItems tensors(const NamedTensors& state, std::string_view prefix = "") {
    CodeItems items;
    for (const auto& [name, value] : state) items.emplace_back(std::string(prefix) + name, tensor(value));
    return items;
  }
  /// As Module.state_dict() gives it.
  Code state_dict(const NamedTensors& state, std::string_view prefix = "") {
    const Code metadata = code_ordered_dict({{"", code_dict({{"version", code_integer(1)}})}});
    return code_ordered_dict(tensors(state, prefix)) + code_dict({{"_metadata", metadata}}) + "b";
  }

  /// The file of this object.
  std::string save(const Code& object) const { return format_ == TorchFormat::kZip ? zip(pickle_of(object)) : legacy(pickle_of(object)); }

  std::string zip(const std::string& pickle) const {
    std::vector<std::pair<std::string, std::string>> entries{{"archive/data.pkl", pickle}, {"archive/byteorder", "little"}};
    for (const auto& [key, values] : storages_) entries.emplace_back("archive/data/" + key, content(values));
    entries.emplace_back("archive/version", "3\n");
    return zip_of(entries);
  }
  std::string legacy(const std::string& pickle) const {
    std::vector<Code> keys;
    std::string data;
    for (const auto& [key, values] : storages_) {
      keys.push_back(code_text(key));
      data += bytes_of(values.numel()) + content(values);
    }
    return legacy_head() + pickle + pickle_of(code_list(keys)) + data;
  }
  /// What stands before the object: magic number, version of the protocol, the machine.
  static std::string legacy_head() {
    const Code sizes = code_dict({{"short", code_integer(2)}, {"int", code_integer(4)}, {"long", code_integer(4)}});
    const Code machine = code_dict({{"protocol_version", code_integer(1001)}, {"little_endian", "\x88"}, {"type_sizes", sizes}});
    return pickle_of("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") + pickle_of("M\xe9\x03") + pickle_of(machine);
  }

 private:
  static std::string_view storage_type(at::ScalarType type) {
    switch (type) {
      case at::kDouble: return "DoubleStorage";
      case at::kFloat: return "FloatStorage";
      case at::kHalf: return "HalfStorage";
      case at::kBFloat16: return "BFloat16Storage";
      case at::kLong: return "LongStorage";
      case at::kInt: return "IntStorage";
      case at::kShort: return "ShortStorage";
      case at::kChar: return "CharStorage";
      case at::kByte: return "ByteStorage";
      case at::kBool: return "BoolStorage";
      default: return "ComplexFloatStorage";
    }
  }
  static std::string content(const at::Tensor& values) { return {static_cast<const char*>(values.const_data_ptr()), values.nbytes()}; }

  TorchFormat format_;
  NamedTensors storages_;
};

/// The file of one network's state.
inline std::string torch_file(const NamedTensors& state, TorchFormat format = TorchFormat::kZip) {
  TorchFile file(format);
  const Code object = file.state_dict(state);
  return file.save(object);
}

}  // namespace secgan::testing
