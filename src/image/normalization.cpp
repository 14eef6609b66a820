#include "secgan/image/normalization.hpp"

#include <ATen/ATen.h>

#include <vector>

namespace secgan {

at::Tensor normalize_imagenet(const at::Tensor& photo) {
  const auto per_channel = [&](std::initializer_list<double> values) {
    // Filled where the photo is: numbers from the CPU's memory would make a GPU wait.
    std::vector<at::Tensor> channels;
    for (const double value : values) channels.push_back(at::full({1, 1, 1, 1}, value, photo.options().requires_grad(false)));
    return at::cat(channels, 1);
  };
  return (photo - per_channel({0.485, 0.456, 0.406})) / per_channel({0.229, 0.224, 0.225});
}

}  // namespace secgan
