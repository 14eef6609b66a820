#pragma once
/// Weights out of files that PyTorch's torch.save wrote, without running anything of them.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/named_tensors.hpp"

namespace secgan {

/// A dictionary of tensors inside a file, at `path` ("", "G", "model.state_dict", …).
struct StateDict {
  std::string path;
  NamedTensors tensors;  ///< in the file's order, on the CPU; names without DataParallel's "module."
};

/// Every dictionary of named tensors in a torch.save file, of today's zip format or the one before PyTorch 1.6, of
/// Python 2 or 3. Only tensors, numbers, text and containers are built. What else the file asks for (classes, functions)
/// is never looked up nor called: it is skipped as a value without meaning.
/// @param bytes  the file   @param name  of the file, for messages
/// @throws Error naming the file for anything truncated or malformed, and for storages that do not fit their tensors.
SECGAN_API std::vector<StateDict> parse_torch_file(std::string_view bytes, std::string_view name);

/// The same of a safetensors file (one dictionary, path "") or a torch.save file, distinguished by their first bytes.
SECGAN_API std::vector<StateDict> load_state_dicts(const std::filesystem::path& file);

}  // namespace secgan
