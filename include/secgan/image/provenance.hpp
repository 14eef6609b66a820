#pragma once
/// What a picture's file says of how it was made: a mark for people and programs, and no proof, as anybody can write it or take it out.

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"

namespace secgan {

/// IPTC's word for a picture of which a trained model made a part.
inline constexpr std::string_view kTrainedComposite = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

/// Texts are UTF-8; empty ones are not written. JPEG has it as an XMP packet, PNG as that and as texts (docs/provenance.md).
struct Provenance {
  std::string source_type;
  std::string software;
  std::string model;
  std::string model_hash;
  std::vector<std::string> edits;

  static constexpr auto fields() {
    using O = Provenance;
    return std::tuple{
        field<&O::source_type>("IPTC's DigitalSourceType, a URI"),
        field<&O::software>("name and version of the program that wrote the picture"),
        field<&O::model>("the bundle's name"),
        field<&O::model_hash>("the beginning of the SHA-256 of the file of its weights"),
        field<&O::edits>("what was edited, as Eyeglasses=1, one each"),
    };
  }
  bool empty() const { return *this == Provenance(); }
  friend bool operator==(const Provenance&, const Provenance&) = default;
};

/// "secgan 0.1.0"
SECGAN_API std::string this_software();

}  // namespace secgan
