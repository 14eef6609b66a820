#pragma once
/// TOML as JSON, both ways: settings files are TOML, everything inside reads JSON.

#include <nlohmann/json.hpp>
#include <string>

namespace secgan {

/// @throws FileNotFound, or Error as "file:line: what is wrong".
nlohmann::json read_toml(const std::string& file);

/// @param settings an object; lists hold plain values
std::string to_toml(const nlohmann::ordered_json& settings);

}  // namespace secgan
