#include "secgan/io/settings.hpp"

#include "io/json.hpp"
#include "io/toml.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"

namespace secgan::detail {
namespace {

bool is_json(const std::filesystem::path& file) { return file.extension() == ".json"; }

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
  write_file(file, is_json(file) ? record_to_json(record).dump(2) + "\n" : settings_text(record));
}

std::string settings_text(const Record& record) { return to_toml(record_to_json(record)); }

}  // namespace secgan::detail
