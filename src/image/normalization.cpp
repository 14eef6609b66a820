#include "secgan/image/normalization.hpp"

#include <ATen/ATen.h>

namespace secgan {

at::Tensor normalize_imagenet(const at::Tensor& photo) {
  const auto per_channel = [&](std::initializer_list<double> values) {
    // Filled in place: numbers from the CPU's memory would make a GPU wait.
    at::Tensor out = at::empty({1, 3, 1, 1}, photo.options().requires_grad(false));
    int64_t channel = 0;
    for (const double value : values) out.select(1, channel++).fill_(value);
    return out;
  };
  return (photo - per_channel({0.485, 0.456, 0.406})) / per_channel({0.229, 0.224, 0.225});
}

}  // namespace secgan
