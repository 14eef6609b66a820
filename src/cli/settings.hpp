#pragma once
/// Settings of a command: defaults, then a TOML file (--config), then flags. Flags are paths into the settings.

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "io/json.hpp"
#include "io/toml.hpp"
#include "secgan/core/error.hpp"

namespace secgan::cli {

/// Collects what the flags say, as JSON over the settings' own names.
class SettingsFlags {
 public:
  explicit SettingsFlags(CLI::App& command) : command_(command) {
    command_.add_option("--config", config_, "settings from a TOML file; flags win over it")->type_name("FILE");
    command_
        .add_option_function<std::vector<std::string>>(
            "--option",
            [this](const std::vector<std::string>& assignments) {
              for (const std::string& assignment : assignments) {
                const size_t equals = assignment.find('=');
                if (equals == std::string::npos) throw CLI::ValidationError("--option", "'" + assignment + "' is not path=value");
                set(named_, assignment.substr(0, equals), parsed(assignment.substr(equals + 1)));
              }
            },
            "any setting by its path, as task.photo_generator.attgan.enc_dim=32 (repeatable)")
        ->type_name("PATH=VALUE");
  }

  /// A flag whose value is a number, a name or a switch's true/false.
  void value(const std::string& flag, const std::vector<std::string>& paths, const std::string& type, const std::string& help) {
    command_
        .add_option_function<std::string>(
            flag,
            [this, paths](const std::string& text) {
              for (const auto& path : paths) set(path, parsed(text));
            },
            help)
        ->type_name(type)
        ->take_last();
  }
  /// A flag whose value is text even where it looks like a number.
  void text(const std::string& flag, const std::string& path, const std::string& type, const std::string& help) {
    command_.add_option_function<std::string>(
                flag, [this, path](const std::string& text) { set(path, text); }, help)
        ->type_name(type)
        ->take_last();
  }
  /// A flag whose value is a list of names with commas.
  void list(const std::string& flag, const std::string& path, const std::string& help) {
    command_
        .add_option_function<std::string>(
            flag,
            [this, path](const std::string& text) {
              nlohmann::json names = nlohmann::json::array();
              std::istringstream stream(text);
              for (std::string name; std::getline(stream, name, ',');) names.push_back(name);
              set(path, names);
            },
            help)
        ->type_name("A,B")
        ->take_last();
  }
  /// A flag whose value stands for several settings: `expand` gives them as an object for each path.
  void expanded(const std::string& flag,
                const std::vector<std::pair<std::string, std::function<nlohmann::json(const std::string&)>>>& paths,
                const std::string& type, const std::string& help) {
    command_
        .add_option_function<std::string>(
            flag,
            [this, paths](const std::string& text) {
              for (const auto& [path, expand] : paths) {
                const nlohmann::json settings = expand(text);
                for (const auto& [name, value] : settings.items()) set(path + "." + name, value);
              }
            },
            help)
        ->type_name(type)
        ->take_last();
  }
  /// A flag without a value.
  void flag(const std::string& flag, const std::string& path, bool value, const std::string& help) {
    command_.add_flag_callback(flag, [this, path, value] { set(path, value); }, help);
  }

  /// The settings with file and flags applied.
  template <class Settings>
  Settings resolve(Settings settings) const {
    if (!config_.empty()) from_json_strict(settings, read_toml(config_), config_);
    // A flag may stand for many settings; one that is named by its path is meant.
    from_json_strict(settings, overrides_, "settings");
    from_json_strict(settings, named_, "settings");
    return settings;
  }

 private:
  static nlohmann::json parsed(const std::string& text) {
    const nlohmann::json value = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    return value.is_number() || value.is_boolean() || value.is_array() ? value : nlohmann::json(text);
  }
  void set(const std::string& path, const nlohmann::json& value) { set(overrides_, path, value); }
  static void set(nlohmann::json& settings, const std::string& path, const nlohmann::json& value) {
    std::string pointer = "/" + path;
    for (char& c : pointer) {
      if (c == '.') c = '/';
    }
    settings[nlohmann::json::json_pointer(pointer)] = value;
  }

  CLI::App& command_;
  std::string config_;
  nlohmann::json overrides_ = nlohmann::json::object();
  nlohmann::json named_ = nlohmann::json::object();  // by --option
};

}  // namespace secgan::cli
