#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "secgan/core/named_values.hpp"
#include "secgan/training/secgan_options.hpp"

namespace secgan {

/// What is going wrong in the training of a conditional GAN, a sentence each, which names the settings to change. It depends on nothing
/// that was told before: a run that is resumed says what one that was not says.
/// @param means  since the last call, of the values that SecganTask::step and held_out give
/// @param guess  share of the labels that always guessing each attribute's more frequent value gets right; nullopt: unknown
std::vector<std::string> diagnose(int64_t step, const NamedValues& means, AdversarialLoss adversarial,
                                  const std::optional<double>& guess = std::nullopt);

}  // namespace secgan
