#pragma once
/// What names and shapes of tensors tell of the network that they belong to.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/named_tensors.hpp"
#include "secgan/nn/blocks.hpp"

namespace secgan {

/// Shapes by name; what is missing, or holds no value, has extent 0. Patterns hold "{}" in an index's place.
class SECGAN_API StateShapes {
 public:
  explicit StateShapes(const NamedTensors& state);

  bool has(const std::string& name) const { return shapes_.contains(name); }
  int64_t extent(const std::string& name, size_t dimension) const;
  /// How many of pattern(0), pattern(1), … there are.
  int64_t count(std::string_view pattern) const;
  /// One extent of each of pattern(0), …, pattern(count - 1).
  std::vector<int64_t> extents(std::string_view pattern, int64_t count, size_t dimension) const;
  /// The norm whose entries stand under `prefix`; of two that look alike the one that `base` is.
  Normalization norm(const std::string& prefix, Normalization base) const;

  /// The name that a pattern makes of an index.
  static std::string indexed(std::string_view pattern, int64_t index);

 private:
  std::unordered_map<std::string, std::vector<int64_t>> shapes_;
};

/// The cap below which all widths double, or `base` where no width meets one.
SECGAN_API int64_t width_cap(const std::vector<int64_t>& widths, int64_t base);

/// How the layer doubles the side whose parts stand at `index` of a pattern and behind; of two that look alike the one that `base` is.
/// @return nullopt for another layer
SECGAN_API std::optional<Upsampling> upsampling_of(const StateShapes& state, std::string_view parts, int64_t index, Upsampling base);

/// An encoder whose layers halve the side, and a decoder whose layers double it. The attributes enter the decoder first.
struct EncoderDecoderShapes {
  std::vector<int64_t> widths;           ///< channels after each encoder layer
  std::vector<int64_t> inputs, outputs;  ///< channels before and after each decoder layer
  int64_t image_channels = 0;
  int64_t attributes = 0;
  Upsampling upsampling = Upsampling::kTransposed;
  int64_t convolution = 0;  ///< which of a decoder layer's parts it is
  int64_t shortcuts = 0;    ///< decoder layers followed by an encoder skip
  int64_t injections = 0;   ///< decoder layers followed by the attributes again
};
/// What no shape tells: nearest and bilinear look alike, and so do a skip and the attributes where they are as wide.
struct EncoderDecoderBase {
  Upsampling upsampling = Upsampling::kTransposed;
  int64_t shortcuts = 0;
  int64_t injections = 0;
};
/// Read off the layers' weights.
/// @param encoder, decoder  patterns of their names; the decoder's has a second place, for the layer's part
/// @return nullopt where either has no layer
SECGAN_API std::optional<EncoderDecoderShapes> encoder_decoder(const StateShapes& state, std::string_view encoder, std::string_view decoder,
                                                               const EncoderDecoderBase& base);

/// The side of a last map, from the inputs of a linear layer over it; 0 for no channels.
SECGAN_API int64_t map_side(int64_t inputs, int64_t channels);

/// The side of the photo whose last map has this side after `layers` that halve it; 0 for more layers than a photo can have.
SECGAN_API int64_t photo_side(int64_t last_side, int64_t layers);

}  // namespace secgan
