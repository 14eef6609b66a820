#include "secgan/nn/state_shapes.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <tuple>

namespace secgan {

StateShapes::StateShapes(const NamedTensors& state) {
  // Extents of empty tensors are words without weight: a file of a kilobyte may claim any.
  for (const auto& [name, tensor] : state) shapes_.emplace(name, tensor.numel() > 0 ? tensor.sizes().vec() : std::vector<int64_t>{});
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

std::optional<Upsampling> upsampling_of(const StateShapes& state, std::string_view parts, int64_t index, Upsampling base) {
  const std::string first = StateShapes::indexed(parts, index), second = StateShapes::indexed(parts, index + 1);
  if (state.extent(first, 3) == 4) return Upsampling::kTransposed;
  if (state.extent(first, 3) == 3) return Upsampling::kSubpixel;
  if (state.has(first) || state.extent(second, 3) != 3) return std::nullopt;
  return base == Upsampling::kBilinear ? base : Upsampling::kNearest;
}

namespace {

/// How many decoder layers are followed by a skip and by the attributes: of all pairs that explain what each layer takes beyond the
/// channels of the one before, the one nearest to the base.
std::optional<std::pair<int64_t, int64_t>> shortcuts_and_injections(const EncoderDecoderShapes& shapes, const EncoderDecoderBase& base) {
  const auto layers = std::min(std::ssize(shapes.inputs), std::ssize(shapes.widths)) - 1;
  std::optional<std::pair<int64_t, int64_t>> best;
  int64_t best_distance = 0;
  // Nobody has more layers than a side can be halved; a stranger's file may.
  for (int64_t shortcuts = 0; shortcuts <= std::min<int64_t>(layers, 32); ++shortcuts) {
    for (int64_t injections = 0; injections <= std::min<int64_t>(layers, 32); ++injections) {
      bool explains = true;
      for (int64_t i = 0; i < layers; ++i) {
        const auto place = static_cast<size_t>(i);
        const int64_t skip = i < shortcuts ? shapes.widths[shapes.widths.size() - 2 - place] : 0;
        const int64_t again = i < injections ? shapes.attributes : 0;
        explains = explains && shapes.inputs[place + 1] - shapes.outputs[place] == skip + again;
      }
      // More than there are layers is as many as there are.
      const int64_t distance =
          std::abs(shortcuts - std::min(base.shortcuts, layers)) + std::abs(injections - std::min(base.injections, layers));
      if (!explains || (best && distance >= best_distance)) continue;
      best = {shortcuts, injections};
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace

std::optional<EncoderDecoderShapes> encoder_decoder(const StateShapes& state, std::string_view encoder, std::string_view decoder,
                                                    const EncoderDecoderBase& base) {
  const auto upsampling = upsampling_of(state, StateShapes::indexed(decoder, 0), 0, base.upsampling);
  const int64_t encoders = state.count(encoder);
  if (encoders == 0 || !upsampling) return std::nullopt;
  EncoderDecoderShapes out{.widths = state.extents(encoder, encoders, 0), .inputs = {}, .outputs = {}};
  out.upsampling = *upsampling;
  out.convolution = *upsampling == Upsampling::kTransposed || *upsampling == Upsampling::kSubpixel ? 0 : 1;
  for (int64_t i = 0;; ++i) {
    const std::string name = StateShapes::indexed(StateShapes::indexed(decoder, i), out.convolution);
    if (!state.has(name)) break;
    // Transposed convolutions have their inputs first.
    const bool transposed = *upsampling == Upsampling::kTransposed;
    out.inputs.push_back(state.extent(name, transposed ? 0 : 1));
    out.outputs.push_back(state.extent(name, transposed ? 1 : 0) / (*upsampling == Upsampling::kSubpixel ? 4 : 1));
  }
  out.image_channels = state.extent(StateShapes::indexed(encoder, 0), 1);
  out.attributes = out.inputs[0] - out.widths.back();
  std::tie(out.shortcuts, out.injections) = shortcuts_and_injections(out, base).value_or(std::pair<int64_t, int64_t>(0, 0));
  return out;
}

int64_t map_side(int64_t inputs, int64_t channels) {
  return channels > 0 ? std::lround(std::sqrt(static_cast<double>(inputs) / static_cast<double>(channels))) : 0;
}

int64_t photo_side(int64_t last_side, int64_t layers) { return layers < 32 ? last_side << layers : 0; }

}  // namespace secgan
