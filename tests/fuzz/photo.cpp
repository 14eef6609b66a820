#include <ATen/ATen.h>

#include "secgan/image/image_file.hpp"
#include "targets.hpp"

namespace secgan::fuzz {

void photo(std::string_view bytes) {
  const at::Tensor image = decode_image(bytes);
  require(image.dim() == 3 && image.size(0) == 3 && image.numel() > 0 && image.scalar_type() == at::kByte, "no photo");
}

}  // namespace secgan::fuzz
