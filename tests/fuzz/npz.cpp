#include "secgan/io/npz.hpp"

#include "targets.hpp"

namespace secgan::fuzz {

/// What was read is written and read again as it was.
void npz(std::string_view bytes) {
  const NamedTensors read = parse_npz(bytes, "file");
  require(read.empty() || same(read, parse_npz(encode_npz(read), "again")), "another file after writing");
}

}  // namespace secgan::fuzz
