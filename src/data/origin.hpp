#pragma once
/// Where a data set's photos come from.

#include "secgan/data/dataset.hpp"
#include "secgan/data/source.hpp"

namespace secgan {

/// As the data set knows it itself, else as the settings say it, with the size of its first photo.
/// @param settings  with a crop that is resolved   @throws as read_image
PhotoOrigin origin_of(const DataSettings& settings, const Dataset& data);

}  // namespace secgan
