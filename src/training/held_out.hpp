#pragma once
/// Photos that a run is not trained on, and what its networks make of them.

#include <ATen/core/Tensor.h>

#include "secgan/bundle/bundle.hpp"
#include "secgan/core/device.hpp"
#include "secgan/core/named_values.hpp"
#include "secgan/data/dataset.hpp"
#include "secgan/models/discriminator.hpp"

namespace secgan {

class HeldOut {
 public:
  static constexpr int64_t kPhotos = 64;

  /// The first of them.  @param data with attributes
  HeldOut(const Dataset& data, const Device& device);

  /// No network's state is another afterwards. Shares of 1:
  ///
  ///     photo/held_out/accuracy                what D's attribute head gets right on the photos
  ///     photo/held_out/edits_by_discriminator  of the attributes that edits change, those that D's head sees changed
  ///     photo/held_out/edits_by_classifier     those that the bundle's classifier sees changed; missing without one
  ///
  /// Every photo is edited towards the labels of the next, at strength 1, by the bundle's generator.
  NamedValues measure(Discriminator& discriminator, Bundle& bundle) const;

 private:
  at::Tensor photos_;  // [N, 3, S, S] in [-1, 1], on the device
  at::Tensor labels_;  // [N, A] in {0, 1}, on the device
};

}  // namespace secgan
