#include "secgan/editing/preview.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "nn/inputs.hpp"
#include "secgan/core/attributes.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/image/labels.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/ops/hard_segmentation.hpp"

namespace secgan {
namespace {

/// Whether masks have rows too.
bool has_mask_rows(const Bundle& bundle) { return !bundle.mask_generator.is_empty() && bundle.parser.has_value(); }

std::vector<std::vector<at::Tensor>> preview_rows(const Bundle& bundle, const at::Tensor& photos, const at::Tensor& labels) {
  at::NoGradGuard no_grad;
  const AttributeSchema schema(bundle.info.attributes);
  std::vector<at::Tensor> conditions{bundle.condition(labels, at::zeros_like(labels))};
  for (int64_t i = 0; i < schema.size(); ++i) conditions.push_back(bundle.condition(labels, schema.flip(labels, i) - labels));
  const bool masks = has_mask_rows(bundle);
  const size_t lines = masks ? 2 : 1;
  std::vector<std::vector<at::Tensor>> rows(static_cast<size_t>(photos.size(0)) * lines);
  const auto add = [&](size_t line, const at::Tensor& pictures) {
    for (int64_t n = 0; n < photos.size(0); ++n) rows[static_cast<size_t>(n) * lines + line].push_back(pictures[n]);
  };

  add(0, to_bytes(photos));
  Generator generator = bundle.generator;
  const auto generated = [](Generator& network, const at::Tensor& input, const at::Tensor& condition) {
    return network->forward(to_network(input, *network), to_network(condition, *network)).cpu();
  };
  for (const at::Tensor& condition : conditions) add(0, to_bytes(generated(generator, photos, condition)));
  if (masks) {
    const at::Tensor parse = bundle.parser->log_probabilities(to_device(photos, bundle.device())).cpu();
    const at::Tensor hard = hard_segmentation(parse);
    const auto colors = [&](const at::Tensor& scores) {
      const at::Tensor ids = scores.argmax(1).to(at::kByte);
      std::vector<at::Tensor> pictures;
      for (int64_t n = 0; n < ids.size(0); ++n) pictures.push_back(colorize(ids[n], Labels::kSecgan12));
      return at::stack(pictures);
    };
    add(1, colors(parse));
    Generator mask_generator = bundle.mask_generator;
    for (const at::Tensor& condition : conditions) add(1, colors(generated(mask_generator, hard, condition)));
  }
  return rows;
}

}  // namespace

at::Tensor preview(const Bundle& bundle, const at::Tensor& photos, const at::Tensor& labels) {
  return image_grid(preview_rows(bundle, photos, labels));
}

at::Tensor example_grid(const Bundle& bundle, const Dataset& data, int64_t count) {
  if (bundle.generator.is_empty()) return {};
  std::vector<at::Tensor> photos, labels;
  for (int64_t i = 0; i < std::min(count, data.size()); ++i) {
    const Sample sample = data.get(i);
    photos.push_back(to_float(sample.image));
    labels.push_back(sample.labels);
  }
  const auto rows = preview_rows(bundle, at::stack(photos), at::stack(labels));
  std::vector<std::string> columns{"input", "recon- struction"}, names;
  columns.insert(columns.end(), bundle.info.attributes.begin(), bundle.info.attributes.end());
  if (has_mask_rows(bundle)) {
    for (size_t r = 0; r < rows.size(); ++r) names.emplace_back(r % 2 == 0 ? "photo" : "mask");
  }
  return labeled_grid(rows, columns, names);
}

}  // namespace secgan
