#pragma once
/// The safetensors format: named tensors and text, nothing that can run code.

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/named_tensors.hpp"

namespace secgan {

struct Safetensors {
  NamedTensors tensors;  ///< in the file's order
  std::map<std::string, std::string> metadata;
};

/// @param name  of the file, for messages
/// @param unread  receives tensors of types that are not known; null: they are an error
/// @throws Error naming file and tensor for anything that breaks the format: sizes that do not fit, gaps, overlaps,
///         unknown types, trailing bytes, keys given twice, bytes that are no bool.
SECGAN_API Safetensors parse_safetensors(std::string_view bytes, std::string_view name, std::vector<UnreadTensor>* unread = nullptr);
SECGAN_API Safetensors load_safetensors(const std::filesystem::path& file);

/// The same without reading the tensors' values, which are views of the file: read when they are used, shared by all processes, and not to
/// be written to. The file must not be cut while they live. Values that do not lie as their type needs are copied.
SECGAN_API Safetensors map_safetensors(const std::filesystem::path& file);

struct TensorShape {
  std::string name;
  at::ScalarType type = at::kFloat;
  std::vector<int64_t> shape;
};
/// What stands before the tensors' values in a file, for values that are written one after another, in the order of `shapes`.
/// @throws as encode_safetensors
SECGAN_API std::string safetensors_header(const std::vector<TensorShape>& shapes, const std::map<std::string, std::string>& metadata = {});
SECGAN_API std::string safetensors_header(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata = {});

/// @param tensors  of any layout; stored contiguous, on the CPU
/// @throws InvalidArgument for a name given twice, reserved ("__metadata__") or not UTF-8, or a type that the format lacks.
SECGAN_API std::string encode_safetensors(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata = {});
/// The same piece by piece, for what is too large to be held twice.
/// @param append  is called with one piece after another
SECGAN_API void encode_safetensors(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata,
                                   const std::function<void(std::string_view bytes)>& append);

}  // namespace secgan
