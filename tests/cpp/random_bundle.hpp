#pragma once
/// A bundle of small networks with random weights, for drawn faces of 32 px.

#include <torch/torch.h>

#include "secgan/bundle/bundle.hpp"
#include "secgan/data/synthetic_faces.hpp"

namespace secgan::testing {

inline Bundle random_bundle() {
  torch::manual_seed(1);
  Bundle bundle;
  bundle.info.image_size = 32;
  bundle.info.attributes = synthetic_attribute_names();
  bundle.info.intensity = 0.5;
  bundle.generator =
      make_generator({.attributes = 9, .image_size = 32, .attgan = {.enc_dim = 4, .enc_layers = 2, .dec_dim = 4, .dec_layers = 2}});
  bundle.mask_generator = make_generator({.attributes = 9,
                                          .image_size = 32,
                                          .image_channels = 12,
                                          .output = OutputActivation::kLogits,
                                          .attgan = {.enc_dim = 4, .enc_layers = 2, .dec_dim = 4, .dec_layers = 2}});
  bundle.classifier = make_classifier({.attributes = 9, .image_size = 32, .dim = 4});
  bundle.parser = make_parser({.classes = 12, .unet = {.dim = 4, .levels = 2}});
  bundle.generator->eval();
  bundle.mask_generator->eval();
  bundle.classifier->eval();
  bundle.parser->eval();
  return bundle;
}

}  // namespace secgan::testing
