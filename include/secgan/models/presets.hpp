#pragma once
/// Networks by name: what `--backbone NAME` and Python's create_generator(NAME) begin with.

#include <string_view>
#include <vector>

#include "secgan/models/options.hpp"

namespace secgan {

/// Every name: the backbones, and published versions that are an option set of one ("stgan-official").
std::vector<std::string_view> preset_names();

/// The options that a name stands for, in their defaults but for the backbone.
/// @throws InvalidArgument that lists the names.
GeneratorOptions generator_preset(std::string_view name);
DiscriminatorOptions discriminator_preset(std::string_view name);

}  // namespace secgan
