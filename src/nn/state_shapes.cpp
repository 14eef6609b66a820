#include "secgan/nn/state_shapes.hpp"

#include <cmath>

namespace secgan {

StateShapes::StateShapes(const NamedTensors& state) {
  for (const auto& [name, tensor] : state) shapes_.emplace(name, tensor.sizes().vec());
}

int64_t StateShapes::extent(const std::string& name, size_t dimension) const {
  const auto found = shapes_.find(name);
  return found != shapes_.end() && dimension < found->second.size() ? found->second[dimension] : 0;
}

std::string StateShapes::indexed(std::string_view pattern, int64_t index) {
  const size_t place = pattern.find("{}");
  return std::string(pattern.substr(0, place)) + std::to_string(index) + std::string(pattern.substr(place + 2));
}

int64_t StateShapes::count(std::string_view pattern) const {
  int64_t n = 0;
  while (has(indexed(pattern, n))) ++n;
  return n;
}

std::vector<int64_t> StateShapes::extents(std::string_view pattern, int64_t count, size_t dimension) const {
  std::vector<int64_t> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(extent(indexed(pattern, i), dimension));
  return out;
}

Normalization StateShapes::norm(const std::string& prefix, Normalization base) const {
  if (!has(prefix + ".weight")) return Normalization::kNone;
  if (has(prefix + ".mean_weight")) return Normalization::kSwitchable;
  if (!has(prefix + ".running_mean")) return Normalization::kInstance;
  // Batch norm and tracked instance norm look alike: the network says which it is.
  return base == Normalization::kTrackedInstance || base == Normalization::kRunningInstance ? base : Normalization::kBatch;
}

int64_t width_cap(const std::vector<int64_t>& widths, int64_t base) {
  for (size_t i = 0; i < widths.size(); ++i) {
    // Halved, not doubled: a file may have any number of layers.
    if ((i < 63 ? widths[i] >> i : 0) < widths[0]) return widths[i];
  }
  return base > 0 && base < widths.back() ? widths.back() : base;
}

std::optional<EncoderDecoderShapes> encoder_decoder(const StateShapes& state, std::string_view encoder, std::string_view decoder) {
  const int64_t encoders = state.count(encoder), decoders = state.count(decoder);
  if (encoders == 0 || decoders == 0) return std::nullopt;
  EncoderDecoderShapes out{.widths = state.extents(encoder, encoders, 0),
                           .inputs = state.extents(decoder, decoders, 0),
                           .outputs = state.extents(decoder, decoders, 1)};
  out.image_channels = state.extent(StateShapes::indexed(encoder, 0), 1);
  out.attributes = out.inputs[0] - out.widths.back();
  // What the next layer takes beyond the layer's own channels.
  for (size_t i = 0; i + 1 < out.inputs.size() && i + 2 <= out.widths.size(); ++i) {
    const int64_t extra = out.inputs[i + 1] - out.outputs[i], skip = out.widths[out.widths.size() - 2 - i];
    if (extra == skip || extra == skip + out.attributes) out.shortcuts = static_cast<int64_t>(i) + 1;
    if (extra == out.attributes || extra == skip + out.attributes) out.injections = static_cast<int64_t>(i) + 1;
  }
  return out;
}

int64_t map_side(int64_t inputs, int64_t channels) {
  return channels > 0 ? std::lround(std::sqrt(static_cast<double>(inputs) / static_cast<double>(channels))) : 0;
}

int64_t photo_side(int64_t last_side, int64_t layers) { return layers < 32 ? last_side << layers : 0; }

}  // namespace secgan
