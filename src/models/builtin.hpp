#pragma once
/// The backbones that the library itself has.

#include "secgan/models/backbone.hpp"

namespace secgan {

#define SECGAN_BACKBONE(name) Backbone name##_backbone();
#include "models/backbones.def"
#undef SECGAN_BACKBONE

}  // namespace secgan
