#include "secgan/bundle/import_weights.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/models/attgan.hpp"
#include "secgan/nn/state.hpp"
#include "targets.hpp"

namespace secgan::fuzz {

/// AttGAN-PyTorch's setting.txt beside weights of 13 attributes.
void attgan_settings(std::string_view bytes) {
  static const std::string weights = [] {
    const AttGanGeneratorOptions small{.enc_dim = 2, .enc_layers = 2, .dec_dim = 2, .dec_layers = 2};
    return encode_safetensors(module_state(*make_generator({.attributes = 13, .image_size = 32}, small)));
  }();
  file_of("attgan/setting.txt", bytes);
  import_weights(WeightOrigin::kAttGanPyTorch, file_of("attgan/weights.safetensors", weights));
}

}  // namespace secgan::fuzz
