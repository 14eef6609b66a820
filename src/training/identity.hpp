#pragma once
/// What tells one data set and one network from another, for checkpoints.

#include "secgan/core/named_tensors.hpp"
#include "secgan/data/dataset.hpp"
#include "secgan/training/checkpoint.hpp"

namespace secgan {

/// Attributes in order, side, and number, names and labels of the photos; not their pixels, which another decoder may round otherwise.
/// Where the photos lie does not matter.
NamedTexts identity_of(const Dataset& data);

/// Names and labels of photos that are measured on.
NamedTexts identity_of_held_out(const Dataset& data);

/// The beginning of the tensors' digest.
std::string short_digest(const NamedTensors& tensors);

}  // namespace secgan
