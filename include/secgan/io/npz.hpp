#pragma once
/// NumPy's .npz archives of arrays.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/named_tensors.hpp"

namespace secgan {

/// The arrays of a file that numpy.savez or savez_compressed wrote, by name, in the file's order; C and Fortran order,
/// float64 to float16, int64 to int8, uint8 and bool, little-endian. Members that are no arrays are ignored. Nothing
/// of the file is run: arrays of Python objects (pickles) are refused.
/// @param bytes  the file   @param name  of the file, for messages
/// @param only  arrays to read, the others are ignored whatever they hold; empty: all
/// @throws Error naming file and array for anything truncated, damaged or not supported.
SECGAN_API NamedTensors parse_npz(std::string_view bytes, std::string_view name, const std::vector<std::string>& only = {});
/// @throws FileNotFound, and as parse_npz.
SECGAN_API NamedTensors load_npz(const std::filesystem::path& file, const std::vector<std::string>& only = {});

/// What numpy.load reads; stored, not compressed. The same tensors give the same bytes.
/// @param tensors  of any layout; stored contiguous, from the CPU
/// @throws InvalidArgument for no arrays, an empty name, a name given twice, or a type other than those above.
SECGAN_API std::string encode_npz(const NamedTensors& tensors);

}  // namespace secgan
