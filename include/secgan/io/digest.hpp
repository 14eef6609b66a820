#pragma once
/// SHA-256, which tells what a file or a network's weights are when their name does not.

#include <filesystem>
#include <string>
#include <string_view>

#include "secgan/core/export.hpp"
#include "secgan/core/named_tensors.hpp"

namespace secgan {

/// @return 64 lower-case hexadecimal digits (FIPS 180-4)
SECGAN_API std::string sha256(std::string_view bytes);

/// Of a file's content, read piece by piece.  @throws FileNotFound, or Error naming the file when it cannot be read.
SECGAN_API std::string sha256_file(const std::filesystem::path& file);

/// Of tensors: name, type, shape and values of each in this order, wherever and however they lie in memory.
SECGAN_API std::string sha256_tensors(const NamedTensors& tensors);
/// The same of floating-point values rounded to float16: a network's, and its copy's in half precision.
SECGAN_API std::string sha256_rounded_tensors(NamedTensors tensors);

}  // namespace secgan
