#pragma once
/// Options of the networks: plain aggregates, a default and a reason per field. Names follow the public versions.

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "secgan/core/fields.hpp"
#include "secgan/models/attgan_options.hpp"
#include "secgan/models/stargan_options.hpp"
#include "secgan/models/stgan_options.hpp"

namespace secgan {

enum class Backbone { kAttGan, kStgan, kStarGan };
inline constexpr std::array<std::pair<std::string_view, Backbone>, 3> kBackbones{
    {{"attgan", Backbone::kAttGan}, {"stgan", Backbone::kStgan}, {"stargan", Backbone::kStarGan}}};
template <>
struct EnumNames<Backbone> {
  static constexpr auto& table = kBackbones;
  static constexpr std::string_view what = "backbone";
};

enum class OutputActivation {
  kTanh,     ///< photos in [-1, 1]
  kSoftmax,  ///< probabilities over the channels
  kLogits,   ///< none; what a mask branch is trained with
};
inline constexpr std::array<std::pair<std::string_view, OutputActivation>, 3> kOutputActivations{
    {{"tanh", OutputActivation::kTanh}, {"softmax", OutputActivation::kSoftmax}, {"logits", OutputActivation::kLogits}}};
template <>
struct EnumNames<OutputActivation> {
  static constexpr auto& table = kOutputActivations;
  static constexpr std::string_view what = "output";
};

struct GeneratorOptions {
  Backbone backbone = Backbone::kAttGan;
  int64_t attributes = 13;     ///< length of the difference vector
  int64_t image_size = 128;    ///< side in pixels; a multiple of 2^layers (StarGAN: of 4)
  int64_t image_channels = 3;  ///< 3 for photos, the number of classes for masks
  OutputActivation output = OutputActivation::kTanh;
  // The picked backbone's are read, the others' ignored.
  AttGanGeneratorOptions attgan = {};
  StganGeneratorOptions stgan = {};
  StarGanGeneratorOptions stargan = {};

  static void visit(auto& self, auto&& visit) {
    visit("backbone", self.backbone);
    visit("attributes", self.attributes);
    visit("image_size", self.image_size);
    visit("image_channels", self.image_channels);
    visit("output", self.output);
    switch (self.backbone) {
      case Backbone::kAttGan: visit("attgan", self.attgan); break;
      case Backbone::kStgan: visit("stgan", self.stgan); break;
      case Backbone::kStarGan: visit("stargan", self.stargan); break;
    }
  }
  /// @throws InvalidArgument naming the option, the rule and the value.
  void validate() const;
};

struct DiscriminatorOptions {
  Backbone backbone = Backbone::kAttGan;
  int64_t attributes = 13;
  int64_t image_size = 128;
  int64_t image_channels = 3;
  AttGanDiscriminatorOptions attgan = {};
  StganDiscriminatorOptions stgan = {};
  StarGanDiscriminatorOptions stargan = {};

  static void visit(auto& self, auto&& visit) {
    visit("backbone", self.backbone);
    visit("attributes", self.attributes);
    visit("image_size", self.image_size);
    visit("image_channels", self.image_channels);
    switch (self.backbone) {
      case Backbone::kAttGan: visit("attgan", self.attgan); break;
      case Backbone::kStgan: visit("stgan", self.stgan); break;
      case Backbone::kStarGan: visit("stargan", self.stargan); break;
    }
  }
  void validate() const;
};

}  // namespace secgan
