#pragma once
/// What a person should know of an edit that is carried out all the same, a line each.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "secgan/bundle/bundle.hpp"
#include "secgan/core/attributes.hpp"
#include "secgan/core/export.hpp"
#include "secgan/core/named_values.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {

/// A file of which only the first picture is taken.
/// @param pictures  in it
SECGAN_API std::vector<std::string> notes_on_pictures(int64_t pictures);

/// Strengths far from what training showed.
std::vector<std::string> notes_on_strengths(const std::vector<AttributeEdit>& edits);

/// Edits that ask for what is there already.
/// @param difference  what the generator was asked for   @param given  the photo's attributes were given, not predicted
std::vector<std::string> notes_on_nothing(const std::vector<AttributeEdit>& edits, const NamedValues& difference, bool given);

/// A photo of far fewer pixels than the networks take.
std::vector<std::string> notes_on_size(const Rect& crop, int64_t image_size);

/// How well the networks know what they see, as far as that was measured.
struct Likeness {
  std::optional<double> psnr;        ///< of the generator's reconstruction at the network's size, in dB
  std::optional<double> confidence;  ///< mean probability of the parser's classes
};

/// A photo whose like the networks have never seen.
std::vector<std::string> notes_on_likeness(const Likeness& likeness, const BundleInfo& info);

}  // namespace secgan
