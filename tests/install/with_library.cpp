// Builds a network from the installed library and edits a random photo with it.
#include <secgan/secgan.hpp>

#include <ATen/ATen.h>

#include <iostream>

int main() {
  secgan::Generator generator =
      secgan::make_generator({.attributes = 3, .image_size = 32}, secgan::AttGanGeneratorOptions{.enc_dim = 4, .dec_dim = 4});
  const at::Tensor edit = generator->forward(at::rand({2, 3, 32, 32}), at::ones({2, 3}));
  std::cout << edit.sizes() << '\n';
  return edit.sizes() == at::IntArrayRef({2, 3, 32, 32}) ? 0 : 1;
}
