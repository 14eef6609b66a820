#include "serve/edit_request.hpp"

#include <algorithm>
#include <cmath>

#include "targets.hpp"

namespace secgan::fuzz {
namespace {

/// What an editor takes as it is.
void require_sound(const std::vector<FaceEdit>& faces, const AttributeSchema& known) {
  for (const FaceEdit& face : faces) {
    for (const auto& [name, strength] : face.edits) require(known.contains(name) && std::isfinite(strength), "an edit that is none");
    if (!face.source) continue;
    require(std::ranges::all_of(*face.source, [&](const auto& one) { return known.contains(one.first); }),
            "an attribute that nobody knows");
  }
}

}  // namespace

void edit_request(std::string_view bytes) {
  static const AttributeSchema known({"Bald", "Bangs", "Male"});
  if (bytes.starts_with("m")) return require_sound(serve::parse_mask_request(bytes.substr(1), known).faces, known);
  require_sound(serve::parse_edit_request(bytes, known).faces, known);
}

}  // namespace secgan::fuzz
