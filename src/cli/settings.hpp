#pragma once
/// Settings of a command: defaults, then a TOML file (--config), then flags. A flag is bound to a member of the settings: its name, type,
/// help and default are the field's, and a member that is renamed fails to compile here.

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/format.hpp"
#include "io/json.hpp"
#include "io/toml.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/data/source.hpp"

namespace secgan::cli {

/// What a help line says of a field: meaning, the names of an enum, the default.
std::string help_of(const FieldRef& field);

/// The field that a path of members leads to, of this object.
template <auto First, auto... Rest>
FieldRef field_at(auto& owner) {
  if constexpr (sizeof...(Rest) > 0) {
    return field_at<Rest...>(owner.*First);
  } else {
    for (FieldRef& field : record_of(owner).fields()) {
      if (field.name == detail::member_name<First>()) return std::move(field);
    }
    throw InvalidArgument("a flag is bound to a member that is no field of its struct");
  }
}

template <class Settings>
class SettingsFlags {
 public:
  using Change = std::function<void(Settings&, const std::string& text)>;

  explicit SettingsFlags(CLI::App& command, Settings defaults = Settings()) : command_(command), defaults_(std::move(defaults)) {
    command_.add_option("--config", config_, "settings from a TOML file; flags win over it")->type_name("FILE");
    command_
        .add_option_function<std::vector<std::string>>(
            "--option",
            [this](const std::vector<std::string>& assignments) {
              for (const std::string& assignment : assignments) {
                const size_t equals = assignment.find('=');
                if (equals == std::string::npos) throw CLI::ValidationError("--option", "'" + assignment + "' is not path=value");
                named_.emplace_back(assignment.substr(0, equals), assignment.substr(equals + 1));
              }
            },
            "any setting by its path (repeatable), whatever flags say of it; secgan options and docs/options.md list them")
        ->type_name("PATH=VALUE");
  }

  /// `--flag VALUE` for one member: `bind<&TrainSettings::data, &DataSettings::count>("--count", "N")`. A list's value has commas.
  /// @param help  where a flag has to say something else than the field
  template <auto... Path>
  void bind(const std::string& flag, const std::string& type, const std::string& help = {}) {
    change(flag, type, help.empty() ? help_of(field_at<Path...>(defaults_)) : help, [flag](Settings& settings, const std::string& text) {
      FieldRef field = field_at<Path...>(settings);
      detail::set_value(field.value, text, flag);
      // By the flag, not by the path that validate() would name.
      field.name = flag;
      detail::validate(Record{.fields = [&] { return std::vector{field}; }}, "");
    });
  }
  /// `--flag` alone sets a switch.
  template <auto... Path>
  void bind_switch(const std::string& flag, bool value, const std::string& help) {
    command_.add_flag_callback(
        flag, [this, value] { changes_.emplace_back([value](Settings& settings) { detail::member_at<Path...>(settings) = value; }); },
        help);
  }
  /// `--flag VALUE` that stands for several settings.
  void change(const std::string& flag, const std::string& type, const std::string& help, Change apply) {
    command_
        .add_option_function<std::string>(
            flag,
            [this, apply = std::move(apply)](const std::string& text) {
              changes_.emplace_back([apply, text](Settings& settings) { apply(settings, text); });
            },
            help)
        ->type_name(type)
        ->take_last();
  }

  /// A bound member that names a program. Settings files come from strangers too, so such a name counts on the command line alone, or with
  /// --trust-code.
  template <auto... Path>
  void require_trust(const std::string& flag) {
    if (programs_.empty()) {
      command_.add_flag("--trust-code", trusted_, "let settings files name programs too, which are run; without it flags alone can");
    }
    programs_.push_back({flag, [](Settings& settings) -> std::string& { return detail::member_at<Path...>(settings); }});
  }

  /// The settings with file and flags applied; not yet validated.
  /// @param left_out  a member of which file and --option are not read, as its defaults follow from what the others are
  Settings resolve(Settings settings, const std::string& left_out = {}) const {
    if (!config_.empty()) {
      nlohmann::json file = detail::read_toml(config_);
      file.erase(left_out);
      detail::from_json_strict(settings, file, config_);
    }
    std::vector<std::string> in_files;
    for (const Program& program : programs_) in_files.push_back(std::exchange(program.file(settings), ""));
    for (const auto& apply : changes_) apply(settings);
    // A flag may stand for many settings; one that is named by its path is meant.
    for (const auto& [path, text] : named_) {
      if (path.substr(0, path.find('.')) != left_out) detail::set_field(record_of(settings), path, text, "settings");
    }
    for (size_t i = 0; i < programs_.size(); ++i) {
      std::string& file = programs_[i].file(settings);
      if (!file.empty() || in_files[i].empty()) continue;
      if (!trusted_) {
        throw InvalidArgument(
            fmt::format("the settings file names a program, '{}', whose code would be run: name it on the command line with "
                        "{}, or allow it with --trust-code",
                        in_files[i], programs_[i].flag));
      }
      file = in_files[i];
    }
    return settings;
  }
  Settings resolve() const { return resolve(defaults_); }

 private:
  struct Program {
    std::string flag;
    std::function<std::string&(Settings&)> file;
  };

  CLI::App& command_;
  Settings defaults_;
  std::string config_;
  bool trusted_ = false;
  std::vector<Program> programs_;
  std::vector<std::function<void(Settings&)>> changes_;  // in the order of the command line
  std::vector<std::pair<std::string, std::string>> named_;
};

/// Flags of a data set, wherever it stands in the settings.
template <auto... Source, class Settings>
void add_data_source(SettingsFlags<Settings>& flags) {
  flags.template bind<Source..., &DataSource::kind>("--data", "NAME");
  flags.template bind<Source..., &DataSource::root>("--root", "DIR");
  flags.template bind<Source..., &DataSource::mask_labels>("--mask-labels", "NAME");
  flags.template bind_switch<Source..., &DataSource::split_by_mapping>(
      "--split-by-id", false, "celebamask-hq: 80/10/10 % by id, where the mapping file is missing");
  flags.template bind<Source..., &DataSource::labels>("--labels", "FILE");
  flags.template bind<Source..., &DataSource::mask_folder>("--mask-folder", "DIR");
  flags.template bind_switch<Source..., &DataSource::whole_folder>("--whole-folder", true,
                                                                   "folder: every photo, whichever split is asked for");
}

}  // namespace secgan::cli
