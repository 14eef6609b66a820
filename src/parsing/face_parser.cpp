#include "secgan/parsing/face_parser.hpp"

#include <ATen/ATen.h>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/image/normalization.hpp"
#include "secgan/nn/autocast.hpp"

namespace secgan {
namespace {

at::Tensor bilinear(const at::Tensor& image, int64_t height, int64_t width) {
  if (image.size(2) == height && image.size(3) == width) return image;
  return at::upsample_bilinear2d(image, {height, width}, /*align_corners=*/false);
}

}  // namespace

void freeze(torch::nn::Module& network) {
  network.eval();
  for (at::Tensor& parameter : network.parameters()) parameter.requires_grad_(false);
}

FaceParser::FaceParser(ParserFunction network, ClassMerge merge, PhotoNormalization normalization, std::optional<int64_t> input_size)
    : network_(std::move(network)), merge_(std::move(merge)), normalization_(normalization), input_size_(input_size) {
  if (!network_) throw InvalidArgument("network must be callable, found none");
  if (input_size_ && *input_size_ < 1) {
    throw InvalidArgument(fmt::format("input_size {} is not positive", *input_size_));
  }
}

at::Tensor FaceParser::log_probabilities(const at::Tensor& photo) const {
  check_shape(photo, "photo", {kAny, 3, kAny, kAny}, "[N, 3, H, W]");
  at::Tensor input = photo;
  if (normalization_ == PhotoNormalization::kImagenet) input = normalize_imagenet((photo + 1) / 2);
  if (input_size_) input = bilinear(input, *input_size_, *input_size_);
  const at::Tensor logits = network_(input);
  if (logits.dim() != 4 || logits.size(0) != photo.size(0) || logits.size(1) != merge_.input_classes()) {
    throw InvalidArgument(fmt::format("the parser network must answer [{}, {}, h, w] logits for these labels, found [{}]", photo.size(0),
                                      merge_.input_classes(), fmt::join(logits.sizes(), ", ")));
  }
  return merge_.log_probabilities(bilinear(full_precision(logits), photo.size(2), photo.size(3)));
}

at::Tensor FaceParser::probabilities(const at::Tensor& photo) const { return log_probabilities(photo).exp(); }

at::Tensor FaceParser::ids(const at::Tensor& photo) const { return log_probabilities(photo).argmax(1).to(at::kByte); }

}  // namespace secgan
