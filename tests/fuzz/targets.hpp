#pragma once
/// Readers of foreign bytes as fuzz targets. Each reads, or refuses by one of the library's own exceptions; whatever else happens (another
/// exception, a sanitizer's report, memory and time beyond `make fuzz`'s limits) is a finding.

#include <filesystem>
#include <span>
#include <string_view>

#include "secgan/core/named_tensors.hpp"

namespace secgan::fuzz {

struct Target {
  std::string_view name;  ///< of its folder under tests/fuzz/corpus
  void (*read)(std::string_view bytes);
};

/// All of them.
std::span<const Target> targets();

/// Lets a target read. Its refusal must be one line without control characters.
void run(const Target& target, std::string_view bytes);

/// What must hold of a result. A broken one is a finding, not a refusal.
void require(bool holds, const char* what);

/// The bytes as a file of this name, in a folder that the process removes at its end. It lasts until the next of that name.
std::filesystem::path file_of(std::string_view name, std::string_view bytes);

/// Every value of the tensors, as those who load them take it. Names may repeat where the format allows it.
NamedTensors contiguous(const NamedTensors& tensors);

/// Whether names, shapes, types and bits are the same.
bool same(const NamedTensors& a, const NamedTensors& b);

// The targets, each in the file of its name.
void attgan_settings(std::string_view bytes);
void attribute_list(std::string_view bytes);
void bundle_config(std::string_view bytes);
void bundle_weights(std::string_view bytes);
void edit_request(std::string_view bytes);
void exif(std::string_view bytes);
void import_file(std::string_view bytes);
void mask(std::string_view bytes);
void npz(std::string_view bytes);
void packed(std::string_view bytes);
void photo(std::string_view bytes);
void pickle(std::string_view bytes);
void program(std::string_view bytes);
void provenance(std::string_view bytes);
void report(std::string_view bytes);
void request_host(std::string_view bytes);
void safetensors(std::string_view bytes);
void settings_json(std::string_view bytes);
void settings_toml(std::string_view bytes);
void state_shapes(std::string_view bytes);
void torch_file(std::string_view bytes);

}  // namespace secgan::fuzz
