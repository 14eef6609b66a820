#pragma once
/// What a bundle says of itself to people, and to the Hugging Face Hub.

#include <string>
#include <string_view>

#include "secgan/bundle/bundle.hpp"

namespace secgan {

/// The first line behind the front matter of cards that are written here; a card without it is somebody's own.
inline constexpr std::string_view kOwnCard = "<!-- written by secgan with the bundle; without this line it is kept as it is -->";

/// A README.md: front matter as the Hub reads it, what is inside, how to use it, what it is for and what it is not.
std::string model_card(const Bundle& bundle);

}  // namespace secgan
