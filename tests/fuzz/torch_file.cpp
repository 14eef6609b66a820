#include "secgan/io/torch_file.hpp"

#include "targets.hpp"

namespace secgan::fuzz {

void torch_file(std::string_view bytes) {
  for (const StateDict& dict : parse_torch_file(bytes, "file")) contiguous(dict.tensors);
}

}  // namespace secgan::fuzz
