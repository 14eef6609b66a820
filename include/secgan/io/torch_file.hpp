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
  NamedTensors tensors;                   ///< in the file's order, on the CPU, under the file's names
  std::vector<UnreadTensor> unread = {};  ///< what else it holds in a tensor's place
};

/// Every dictionary of named tensors in a torch.save file, of today's zip format or the one before PyTorch 1.6, of
/// Python 2 or 3, however deep it lies in dictionaries, lists and objects. Only tensors, numbers, text and containers are built. What
/// else the file asks for (classes, functions) is never looked up nor called: it is skipped as a value without meaning, and named where
/// a tensor was expected. Memory stays within a few times the file's size.
/// @param bytes  the file   @param name  of the file, for messages
/// @throws Error naming the file for anything truncated or malformed, for storages that do not fit their tensors, and for a file that
///         holds no tensor: a module object, a TorchScript program, none by name.
SECGAN_API std::vector<StateDict> parse_torch_file(std::string_view bytes, std::string_view name);

/// The same of a safetensors file (one dictionary, path "") or a torch.save file, distinguished by their first bytes, or of the index
/// (*.index.json) of weights in several files, whose parts lie beside it (one dictionary, path "").
/// @throws Error as above; for another kind of file, which is named; for one part of several; for an index whose parts are missing.
SECGAN_API std::vector<StateDict> load_state_dicts(const std::filesystem::path& file);

}  // namespace secgan
