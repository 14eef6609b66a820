#pragma once
/// The safetensors format: named tensors and text, nothing that can run code.

#include <filesystem>
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

/// @param tensors  of any layout; stored contiguous, on the CPU
/// @throws InvalidArgument for a name given twice, reserved ("__metadata__") or not UTF-8, or a type that the format lacks.
SECGAN_API std::string encode_safetensors(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata = {});

}  // namespace secgan
