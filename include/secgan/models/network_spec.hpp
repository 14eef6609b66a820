#pragma once
/// What follows from the data, apart from the options of a person.

#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>

#include "secgan/core/fields.hpp"

namespace secgan {

enum class OutputActivation {
  kTanh,     ///< photos in [-1, 1]
  kSoftmax,  ///< probabilities over the channels
  kLogits,   ///< none; what a mask branch is trained with
  /// Photos: the network gives an edit e, through tanh, and where it shows, m through a sigmoid, and its output is x + m (e − x):
  /// what it need not touch keeps every pixel (GANimation, arXiv 1807.09251; PA-GAN, arXiv 2007.05892).
  kAttention,
};
inline constexpr std::array<std::pair<std::string_view, OutputActivation>, 4> kOutputActivations{
    {{"tanh", OutputActivation::kTanh},
     {"softmax", OutputActivation::kSoftmax},
     {"logits", OutputActivation::kLogits},
     {"attention", OutputActivation::kAttention}}};
template <>
struct EnumNames<OutputActivation> {
  static constexpr auto& table = kOutputActivations;
  static constexpr std::string_view what = "output";
};

struct NetworkSpec {
  int64_t attributes = 13;
  int64_t image_size = 128;
  int64_t image_channels = 3;
  OutputActivation output = OutputActivation::kTanh;  // of generators

  /// Channels of a generator's last layer: with attention one more, the logit of m.
  int64_t decoded_channels() const { return image_channels + (output == OutputActivation::kAttention ? 1 : 0); }
  /// Attention where a last layer has one channel more than the image, and only there.
  void recognize_attention(int64_t decoded) {
    const bool more = decoded == image_channels + 1;
    if (more != (output == OutputActivation::kAttention)) output = more ? OutputActivation::kAttention : OutputActivation::kTanh;
  }

  static constexpr auto fields() {
    using O = NetworkSpec;
    return std::tuple{
        field<&O::attributes>("how many; length of the difference vector", rule::kExtent),
        field<&O::image_size>("side in pixels; a multiple of what the network's layers halve", rule::kExtent),
        field<&O::image_channels>("3 for photos, the number of classes for masks", rule::kExtent),
        field<&O::output>("what a generator's output goes through"),
    };
  }
};

}  // namespace secgan
