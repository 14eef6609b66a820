#pragma once
/// The backbones that the library itself has.

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "secgan/models/backbone.hpp"

namespace secgan {

#define SECGAN_BACKBONE(name) Backbone name##_backbone();
#include "models/backbones.def"
#undef SECGAN_BACKBONE

/// Whether the backbone is the library's own.
inline bool is_builtin(std::string_view backbone) {
#define SECGAN_BACKBONE(name) std::string_view(#name),
  const std::initializer_list<std::string_view> names{
#include "models/backbones.def"
  };
#undef SECGAN_BACKBONE
  return std::ranges::find(names, backbone) != names.end();
}

/// Where the channels of a small recipe's discriminator stop to double, and the width of its heads.
inline int64_t small_discriminator_cap(int64_t width) { return std::max<int64_t>(128, 8 * width); }

}  // namespace secgan
