#include "secgan/io/settings.hpp"

#include <cmath>

#include "core/format.hpp"
#include "io/json.hpp"
#include "io/toml.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"

namespace secgan::detail {
namespace {

bool is_json(const std::filesystem::path& file) { return file.extension() == ".json"; }

/// Neither format reads back what is not finite.
void require_finite(const nlohmann::ordered_json& settings, const std::string& path) {
  for (const auto& [key, value] : settings.items()) {
    const std::string name = path.empty() ? key : path + "." + key;
    if (value.is_object()) require_finite(value, name);
    if (value.is_number_float() && !std::isfinite(value.get<double>())) {
      throw InvalidArgument(fmt::format("{} {} is not finite", name, value.get<double>()));
    }
  }
}

nlohmann::ordered_json finite_json(const Record& record) {
  nlohmann::ordered_json settings = record_to_json(record);
  require_finite(settings, "");
  return settings;
}

}  // namespace

void load_settings(const Record& record, const std::filesystem::path& file) {
  const std::string name = file.string();
  record_from_json(record, is_json(file) ? read_json(name) : read_toml(name), name);
  try {
    validate(record, {});
  } catch (const InvalidArgument& broken) {
    throw InvalidArgument(name + ": " + broken.what());
  }
}

void save_settings(const Record& record, const std::filesystem::path& file) {
  write_file(file, is_json(file) ? finite_json(record).dump(2) + "\n" : settings_text(record));
}

std::string settings_text(const Record& record) { return to_toml(finite_json(record)); }

}  // namespace secgan::detail
