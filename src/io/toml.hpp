#pragma once
/// TOML as JSON, both ways: settings files are TOML, everything inside reads JSON.

#include <nlohmann/json.hpp>
#include <string>

#include "secgan/core/export.hpp"

namespace secgan::detail {

/// @throws FileNotFound, or Error as "file:line: what is wrong".
SECGAN_API nlohmann::json read_toml(const std::string& file);

/// @param settings an object; lists hold plain values
SECGAN_API std::string to_toml(const nlohmann::ordered_json& settings);

}  // namespace secgan::detail
