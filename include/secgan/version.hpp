#pragma once

namespace secgan {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace secgan
