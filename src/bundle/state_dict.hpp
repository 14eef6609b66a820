#pragma once
/// A state of a file into the network that it was recognized as: the file is read once.

#include <optional>
#include <string>

#include "bundle/comparison.hpp"
#include "secgan/bundle/recognize.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/parsing/parser.hpp"

namespace secgan {

/// A network that a state seems to be of, and what it lacks of being one.
struct Recognized {
  AnyConfig config;
  Comparison difference;  ///< from the network's whole state; nothing is wrong where it is the network's
};

/// As recognize(), and networks of which a few entries are missing, too many or of another shape.
std::optional<Recognized> recognize_nearly(const StateView& given, const AnyConfig* base);

/// @throws Error as load_weights.
void load_state_view(Generator& generator, const StateView& view, const std::string& file);
void load_state_view(Parser& parser, const StateView& view, const std::string& file);

}  // namespace secgan
