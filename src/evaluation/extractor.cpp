#include "secgan/evaluation/extractor.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/counted.hpp"
#include "core/rules.hpp"
#include "nn/inputs.hpp"
#include "secgan/bundle/load_weights.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/io/digest.hpp"
#include "secgan/nn/autocast.hpp"
#include "secgan/nn/program.hpp"
#include "secgan/nn/state.hpp"

namespace secgan {
namespace {

std::string shape_of(const at::Tensor& tensor) { return fmt::format("[{}]", fmt::join(tensor.sizes(), ", ")); }

/// What a program outputs for `photos` prepared photos, as [N, D].
at::Tensor pooled_output(const TensorFunction& program, const at::Tensor& photos, const std::string& file) {
  at::Tensor output;
  try {
    output = program(photos);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    const std::string reason = error.what();
    throw Error(fmt::format("{}: the program fails on {} photos ({})", file, shape_of(photos), reason.substr(0, reason.find('\n'))));
  }
  const bool fits = output.defined() && (output.dim() == 2 || output.dim() == 4) && output.size(0) == photos.size(0) &&
                    output.numel() > 0 && output.is_floating_point();
  if (!fits) {
    throw Error(fmt::format("{}: the program must output [N, D] or [N, D, h, w] features for any N, found {} for {}", file,
                            output.defined() ? shape_of(output) : "nothing", counted(photos.size(0), "photo")));
  }
  return output.dim() == 4 ? output.mean({2, 3}) : output;
}

PhotoInput inception_input(ResizeFilter resize) {
  PhotoInput input = kInceptionInput;
  input.resize = resize;
  return input;
}

}  // namespace

at::Tensor extract_features(InceptionV3& network, const at::Tensor& photos, int64_t dims, ResizeFilter resize) {
  const at::NoGradGuard no_grad;
  return network->features(to_network(inception_input(resize)(photos), *network), dims);
}

at::Tensor extract_features(ResNet& network, const at::Tensor& photos, const PhotoInput& input) {
  const at::NoGradGuard no_grad;
  return network->features(to_network(input(photos), *network));
}

Extracted FeatureExtractor::operator()(const at::Tensor& photos, int64_t chunk) const {
  require_positive("chunk", chunk);
  check_shape(photos, "photos", {kAny, 3, kAny, kAny}, "[N, 3, H, W]");
  const at::NoGradGuard no_grad;
  // Somebody's bfloat16 region around a measure would change the metric.
  const AutocastGuard full(false);
  std::vector<at::Tensor> features, logits;
  for (int64_t begin = 0; begin < photos.size(0); begin += chunk) {
    const Extracted part = extract(photos.narrow(0, begin, std::min(chunk, photos.size(0) - begin)));
    check_shape(part.features, fmt::format("what {} extracts", name), {kAny, dims}, "[N, dims]");
    features.push_back(part.features.to(at::kCPU, at::kFloat));
    if (part.logits.defined()) logits.push_back(part.logits.to(at::kCPU, at::kFloat));
  }
  if (features.empty()) return {at::empty({0, dims}, at::kFloat), {}};
  return {at::cat(features), logits.empty() ? at::Tensor() : at::cat(logits)};
}

FeatureExtractor inception_extractor(const std::filesystem::path& weights, int64_t dims, ResizeFilter resize, const Device& device) {
  inception_block(dims);
  InceptionV3 network = read_inception_v3(weights);
  network->to(device);
  const bool has_logits = network->has_logits() && dims == kInceptionDims.back();
  return {.name = "inception-v3-fid",
          .fingerprint = sha256_file(weights),
          .input = inception_input(resize).describe(),
          .dims = dims,
          .has_logits = has_logits,
          .extract = [network, dims, resize, has_logits](const at::Tensor& photos) mutable {
            const at::Tensor features = extract_features(network, photos, dims, resize);
            return Extracted{features, has_logits ? network->logits(features, /*bias=*/false) : at::Tensor()};
          }};
}

FeatureExtractor swav_extractor(const std::filesystem::path& weights, const Device& device) {
  ResNet network = read_swav_resnet50(weights);
  network->to(device);
  return {.name = "swav-resnet50",
          .fingerprint = sha256_file(weights),
          .input = kSwavInput.describe(),
          .dims = network->feature_count(),
          .extract = [network](const at::Tensor& photos) mutable { return Extracted{extract_features(network, photos), {}}; }};
}

FeatureExtractor classifier_extractor(AttributeClassifier classifier, std::string name) {
  const at::NoGradGuard no_grad;
  classifier->eval();
  const PhotoInput input{classifier->config().image_size, false, ResizeFilter::kBilinearAntialias, PhotoNormalization::kNone};
  const int64_t side = input.size;
  return {.name = std::move(name),
          .fingerprint = sha256_tensors(module_state(*classifier)),
          .input = input.describe(),
          .dims = classifier->features(to_network(at::zeros({1, 3, side, side}), *classifier)).size(1),
          .extract = [classifier, input](const at::Tensor& photos) mutable {
            return Extracted{classifier->features(to_network(input(photos), *classifier)).mean({2, 3}), {}};
          }};
}

FeatureExtractor program_extractor(const ExtractorProgram& program) {
  if (program.file.empty()) throw InvalidArgument("file is missing: name a program");
  validate(program);
  const PhotoInput input{program.input_size, false, program.resize, program.normalization};
  const TensorFunction run = load_program(program.file);
  const at::NoGradGuard no_grad;
  const at::Tensor probe = at::zeros({2, 3, program.input_size, program.input_size});
  return {.name = std::filesystem::path(program.file).filename().string(),
          .fingerprint = sha256_file(program.file),
          .input = input.describe(),
          .dims = pooled_output(run, probe, program.file).size(1),
          .extract = [run, input, file = program.file](const at::Tensor& photos) {
            return Extracted{pooled_output(run, input(photos), file), {}};
          }};
}

FeatureExtractor function_extractor(std::function<at::Tensor(const at::Tensor&)> function, const std::string& name, int64_t side) {
  const at::NoGradGuard no_grad;
  const int64_t dims = pooled_output(function, at::zeros({2, 3, side, side}, at::kByte), name).size(1);
  return {.name = name,
          .fingerprint = "a function, without fingerprint",
          .input = "8-bit photos as they are",
          .dims = dims,
          .extract = [function = std::move(function), name](const at::Tensor& photos) {
            return Extracted{pooled_output(function, photos, name), {}};
          }};
}

}  // namespace secgan
