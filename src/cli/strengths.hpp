#pragma once
/// What flags say of attributes' strengths.

#include <string>
#include <vector>

#include "secgan/core/attributes.hpp"

namespace secgan::cli {

/// "Eyeglasses=+1" as an edit.  @throws InvalidArgument for another form
AttributeEdit parse_edit(const std::string& text);

/// Strengths of one attribute, side by side.
struct Sweep {
  std::string name;
  std::vector<double> strengths;
  std::string text;  ///< "Bangs=-1:1:9"
};

/// "Bangs=-1:1:9": nine strengths from -1 to 1.  @throws InvalidArgument for another form
Sweep parse_sweep(const std::string& text);

}  // namespace secgan::cli
