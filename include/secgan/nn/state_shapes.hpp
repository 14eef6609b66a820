#pragma once
/// What names and shapes of tensors tell of the network that they belong to.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/named_tensors.hpp"
#include "secgan/nn/blocks.hpp"

namespace secgan {

/// Shapes by name; what is missing has extent 0. Patterns hold "{}" in an index's place.
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

/// How many decoder layers are followed by a skip and by the attributes.
struct DecoderJoins {
  int64_t shortcuts = 0;
  int64_t injections = 0;
};
/// Read off what each decoder layer takes beyond the channels of the one before.
/// @param widths  of the encoder's layers   @param inputs, outputs  of the decoder's
SECGAN_API DecoderJoins decoder_joins(const std::vector<int64_t>& widths, const std::vector<int64_t>& inputs,
                                      const std::vector<int64_t>& outputs, int64_t attributes);

/// The side of a last map, from the inputs of a linear layer over it; 0 for no channels.
SECGAN_API int64_t map_side(int64_t inputs, int64_t channels);

}  // namespace secgan
