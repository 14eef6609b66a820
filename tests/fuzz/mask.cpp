#include <ATen/ATen.h>

#include "secgan/image/image_file.hpp"
#include "targets.hpp"

namespace secgan::fuzz {

void mask(std::string_view bytes) {
  const at::Tensor ids = read_index_mask(file_of("mask.png", bytes));
  require(ids.dim() == 2 && ids.numel() > 0 && ids.scalar_type() == at::kByte, "no mask");
}

}  // namespace secgan::fuzz
