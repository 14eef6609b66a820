#include "secgan/parsing/face_parser.hpp"

#include <ATen/ATen.h>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/image/normalization.hpp"
#include "secgan/ops/precision.hpp"

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

FaceParser::FaceParser(Parser network, const FaceParserOptions& options)
    : FaceParser([network](const at::Tensor& photo) mutable { return network->forward(photo); }, options) {
  if (network.is_empty()) throw InvalidArgument("network must be a parser, found none");
  if (network->config().classes != merge_.input_classes()) {
    throw InvalidArgument(fmt::format("the parser network has {}, the labels {}", counted(network->config().classes, "class", "classes"),
                                      merge_.input_classes()));
  }
  freeze(*network);
  network_ = std::move(network);
}

FaceParser::FaceParser(ParserFunction network, const FaceParserOptions& options)
    : FaceParser(std::move(network), ClassMerge(options.labels), options.normalization, options.input_size) {
  options_.labels = options.labels;
}

FaceParser::FaceParser(ParserFunction network, ClassMerge merge, PhotoNormalization normalization, int64_t input_size)
    : call_(std::move(network)), merge_(std::move(merge)), options_{.normalization = normalization, .input_size = input_size} {
  if (!call_) throw InvalidArgument("network must be callable, found none");
  validate(options_);
}

Segmentation FaceParser::segmentation(const at::Tensor& photo) const {
  check_shape(photo, "photo", {kAny, 3, kAny, kAny}, "[N, 3, H, W]");
  at::Tensor input = photo;
  if (options_.normalization == PhotoNormalization::kImagenet) input = normalize_imagenet((photo + 1) / 2);
  if (options_.input_size > 0) input = bilinear(input, options_.input_size, options_.input_size);
  const at::Tensor logits = call_(input);
  if (logits.dim() != 4 || logits.size(0) != photo.size(0) || logits.size(1) != merge_.input_classes()) {
    throw InvalidArgument(fmt::format("the parser network must output [{}, {}, h, w] logits for these labels, found [{}]", photo.size(0),
                                      merge_.input_classes(), fmt::join(logits.sizes(), ", ")));
  }
  const at::Tensor resized = bilinear(full_precision(logits), photo.size(2), photo.size(3));
  return merge_.identity() ? Segmentation(resized) : Segmentation(resized, merge_.table(), merge_.output_classes());
}

at::Tensor FaceParser::log_probabilities(const at::Tensor& photo) const { return merge_.log_probabilities(segmentation(photo).logits()); }

at::Tensor FaceParser::probabilities(const at::Tensor& photo) const { return log_probabilities(photo).exp(); }

at::Tensor FaceParser::ids(const at::Tensor& photo) const { return log_probabilities(photo).argmax(1).to(at::kByte); }

}  // namespace secgan
