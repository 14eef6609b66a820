#pragma once
/// What a measure of distributions sees of photos: features, and logits where a network has them.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "secgan/core/device.hpp"
#include "secgan/core/export.hpp"
#include "secgan/evaluation/photo_input.hpp"
#include "secgan/models/classifier.hpp"
#include "secgan/models/inception_v3.hpp"
#include "secgan/nn/resnet.hpp"

namespace secgan {

struct Extracted {
  at::Tensor features;  ///< [N, dims] float32
  at::Tensor logits;    ///< [N, classes] float32; undefined where the network has none
};

/// A network that photos are measured with, and what has to stand beside every metric of it. Photos are 8-bit, as files
/// are, so that metrics are those of the pictures that were written. A photo's features do not depend on the others.
struct SECGAN_API FeatureExtractor {
  std::string name;         ///< "inception-v3-fid", "swav-resnet50", …
  std::string fingerprint;  ///< SHA-256 of the weights' file, or of the tensors where there is no file
  std::string input;        ///< how photos reach it: "299 x 299, bilinear without antialias, [-1, 1]"
  int64_t dims = 0;
  bool has_logits = false;
  /// [N, 3, H, W] uint8 RGB, N at least 1, on the CPU, in one go; its outputs may be on any device. Call the extractor itself, which sees
  /// to gradients, types and devices.
  std::function<Extracted(const at::Tensor& photos)> extract;

  /// @param photos [N, 3, H, W] uint8 RGB; N may be 0
  /// @param chunk  photos that go through the network at once: memory and speed, not the output
  /// @return on the CPU, without gradients
  /// @throws InvalidArgument for other types or shapes, or a network that outputs something else than dims.
  Extracted operator()(const at::Tensor& photos, int64_t chunk = 32) const;
};

/// A network at hand on photos, in the mode it is in, without gradients: what the extractors below call.
/// @param photos [N, 3, H, W] uint8 RGB, N at least 1   @param dims of kInceptionDims   @return on the network's device
SECGAN_API at::Tensor extract_features(InceptionV3& network, const at::Tensor& photos, int64_t dims = 2048,
                                       ResizeFilter resize = ResizeFilter::kBilinear);
SECGAN_API at::Tensor extract_features(ResNet& network, const at::Tensor& photos, const PhotoInput& input = kSwavInput);

/// The FID Inception v3, with pytorch-fid's preprocessing unless `resize` says otherwise. Its logits, at 2048 dims and
/// where the file has a classifier, are those of the Inception Score: without the classifier's bias, as its first code
/// and what is compared with it today have it.
/// @param weights  kInceptionWeightsOrigin   @param dims of kInceptionDims
/// @param resize   how photos reach 299 x 299
/// @throws InvalidArgument for other dims, FileNotFound, or Error for a file of another network.
SECGAN_API FeatureExtractor inception_extractor(const std::filesystem::path& weights, int64_t dims = 2048,
                                                ResizeFilter resize = ResizeFilter::kBilinear, const Device& device = at::kCPU);

/// SwAV's ResNet-50, globally averaged: the features of ssFID (self-supervised FID), 2048.
/// @param weights  kSwavWeightsOrigin   @throws FileNotFound, or Error for a file of another network.
SECGAN_API FeatureExtractor swav_extractor(const std::filesystem::path& weights, const Device& device = at::kCPU);

/// The attribute classifier's last map, averaged: for pictures that no ImageNet network knows, as drawn ones. Put into
/// evaluation mode. Attributes are no classes that exclude each other, so there are no logits.
/// @param name  beside the metrics: never that of a published network
SECGAN_API FeatureExtractor classifier_extractor(AttributeClassifier classifier, std::string name);

/// A custom network as a program: TorchScript, or a package of AOTInductor (docs/extractors.md). Photos
/// [N, 3, input_size, input_size], any N, normalized -> [N, D] features, or [N, D, h, w], which are then averaged.
struct ExtractorProgram {
  std::string file;
  int64_t input_size = 224;
  ResizeFilter resize = ResizeFilter::kBilinearAntialias;
  PhotoNormalization normalization = PhotoNormalization::kImagenet;

  static constexpr auto fields() {
    using O = ExtractorProgram;
    return std::tuple{
        field<&O::file>("TorchScript, or a package of AOTInductor. It is a program: name none that you do not trust"),
        field<&O::input_size>("side of the photos that it takes", rule::kPositive),
        field<&O::resize>("how photos reach that side"),
        field<&O::normalization>("how it expects its photos"),
    };
  }
};

/// Runs it once to learn its dims. Its name is the file's.
/// @throws InvalidArgument for options that break a rule, FileNotFound, or Error naming the file.
SECGAN_API FeatureExtractor program_extractor(const ExtractorProgram& program);

/// A custom function: [N, 3, H, W] uint8 -> [N, D] or [N, D, h, w], any N. Runs it once, on black photos of `side`, to
/// learn its dims. Nothing tells two functions of one name apart: the fingerprint says so.
/// @throws Error naming it for another output.
SECGAN_API FeatureExtractor function_extractor(std::function<at::Tensor(const at::Tensor&)> function, const std::string& name,
                                               int64_t side);

}  // namespace secgan
