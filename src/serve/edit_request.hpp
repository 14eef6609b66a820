#pragma once
/// What the bodies of requests ask for.

#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/attributes.hpp"
#include "secgan/editing/editor.hpp"

namespace secgan::serve {

enum class PictureFormat { kPng, kJpeg };
enum class MaskOf { kBefore, kAfter };

/// {"faces": [{"face": 0, "edits": {"Bangs": 1.0}, "source": {"Male": true}}], "region": "exact", "format": "jpeg"}
struct EditRequest {
  std::vector<FaceEdit> faces;  ///< those without edits, too
  EditRegion region = EditRegion::kFree;
  PictureFormat format = PictureFormat::kPng;
};

/// The same faces, and "of": "before" or "after".
struct MaskRequest {
  std::vector<FaceEdit> faces;
  MaskOf of = MaskOf::kAfter;
};

/// @param known  the bundle's
/// @throws InvalidArgument: no JSON, nested too deeply, an unknown key or one given twice, a missing one, a value of another kind, an
/// unknown
///         attribute, one that excludes another, a strength that is not finite.
EditRequest parse_edit_request(std::string_view text, const AttributeSchema& known);
MaskRequest parse_mask_request(std::string_view text, const AttributeSchema& known);

}  // namespace secgan::serve
