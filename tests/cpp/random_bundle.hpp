#pragma once
/// A bundle of small networks with random weights, for drawn faces of 32 px.

#include <torch/torch.h>

#include "secgan/bundle/bundle.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/models/attgan.hpp"

namespace secgan::testing {

inline Bundle random_bundle() {
  torch::manual_seed(1);
  Bundle bundle;
  bundle.info.image_size = 32;
  bundle.info.attributes = synthetic_attribute_names();
  bundle.info.intensity = 0.5;
  const AttGanGeneratorOptions small{.enc_dim = 4, .enc_layers = 2, .dec_dim = 4, .dec_layers = 2};
  bundle.generator = make_generator({.attributes = 9, .image_size = 32}, small);
  bundle.mask_generator =
      make_generator({.attributes = 9, .image_size = 32, .image_channels = 12, .output = OutputActivation::kLogits}, small);
  bundle.classifier = make_classifier({.attributes = 9, .image_size = 32, .options = {.dim = 4}});
  const Parser parser = make_parser({.options = {.unet = {.dim = 4, .levels = 2}}, .classes = 12});
  bundle.parser.emplace(parser, FaceParserOptions{.labels = Labels::kSecgan12, .normalization = PhotoNormalization::kNone});
  bundle.generator->eval();
  bundle.mask_generator->eval();
  bundle.classifier->eval();
  return bundle;
}

}  // namespace secgan::testing
