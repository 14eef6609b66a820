#pragma once
/// Provenance into the bytes of a file, and out of what a decoder found there.

#include <string>
#include <string_view>

#include "image/picture.hpp"
#include "secgan/image/provenance.hpp"

namespace secgan::detail {

/// PNG's keyword of XMP, and what an APP1 segment of it begins with in JPEG.
inline constexpr std::string_view kXmpKeyword = "XML:com.adobe.xmp";
inline constexpr std::string_view kXmpSegment{"http://ns.adobe.com/xap/1.0/\0", 29};

/// Whether decoders keep PNG's text of this keyword, in Picture::texts.
bool is_provenance_keyword(std::string_view keyword);

/// The packet of XMP that a file carries; edits beyond what a JPEG's segment holds are left out ("...").
/// @throws InvalidArgument when the other texts do not fit either
std::string packet_of(const Provenance& provenance);

/// A PNG or JPEG as this library encodes it, with the provenance behind its first header: `software` first, as PNG's text or JPEG's
/// comment. No other byte changes. Control characters are made visible, and edits beyond what a JPEG's segment holds are left out ("...").
/// @throws InvalidArgument when the other texts do not fit either
std::string with_provenance(std::string encoded, const Provenance& provenance);

/// What a file says: its XMP packet, where that is silent PNG's texts. Properties are found by their names and taken in the forms that
/// with_provenance writes, or as attributes; whatever is written otherwise is ignored. Control characters are made visible.
Provenance provenance_of(const Picture& picture);

}  // namespace secgan::detail
