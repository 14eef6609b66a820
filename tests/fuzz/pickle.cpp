#include <ATen/ATen.h>

#include "secgan/io/torch_file.hpp"
#include "targets.hpp"
#include "torch_bytes.hpp"

namespace secgan::fuzz {

/// The pickle inside a torch.save file, with checksums that fit and three storages: "0" of 8 floats, "1" of 6 integers, "2" of none.
void pickle(std::string_view bytes) {
  testing::TorchFile file;
  file.storage(at::arange(8, at::kFloat));
  file.storage(at::arange(6, at::kLong));
  file.storage(at::empty({0}, at::kFloat));
  for (const StateDict& dict : parse_torch_file(file.zip(std::string(bytes)), "file")) contiguous(dict.tensors);
}

}  // namespace secgan::fuzz
