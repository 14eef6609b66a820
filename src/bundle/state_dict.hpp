#pragma once
/// A dictionary of a file into the network that it was recognized as: the file is read once.

#include <string>

#include "secgan/io/torch_file.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/parsing/parser.hpp"

namespace secgan {

/// @throws Error as load_weights.
void load_state_dict(Generator& generator, const StateDict& dict, const std::string& file);
void load_state_dict(Parser& parser, const StateDict& dict, const std::string& file);

}  // namespace secgan
