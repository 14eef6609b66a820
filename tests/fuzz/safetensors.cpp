#include "secgan/io/safetensors.hpp"

#include "targets.hpp"

namespace secgan::fuzz {

/// What was read is written and read again as it was.
void safetensors(std::string_view bytes) {
  const Safetensors read = parse_safetensors(bytes, "file");
  const Safetensors again = parse_safetensors(encode_safetensors(read.tensors, read.metadata), "again");
  require(same(read.tensors, again.tensors) && read.metadata == again.metadata, "another file after writing");
}

}  // namespace secgan::fuzz
