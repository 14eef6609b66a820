#include "secgan/image/normalization.hpp"

#include <ATen/ATen.h>

namespace secgan {

at::Tensor normalize_imagenet(const at::Tensor& photo) {
  const auto per_channel = [&](std::initializer_list<double> values) {
    return at::tensor(at::ArrayRef<double>(values), photo.options().requires_grad(false)).view({1, 3, 1, 1});
  };
  return (photo - per_channel({0.485, 0.456, 0.406})) / per_channel({0.229, 0.224, 0.225});
}

}  // namespace secgan
