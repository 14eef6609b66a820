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
};
inline constexpr std::array<std::pair<std::string_view, OutputActivation>, 3> kOutputActivations{
    {{"tanh", OutputActivation::kTanh}, {"softmax", OutputActivation::kSoftmax}, {"logits", OutputActivation::kLogits}}};
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
