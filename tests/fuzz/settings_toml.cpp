#include "secgan/evaluation/settings.hpp"
#include "secgan/io/settings.hpp"
#include "secgan/training/train.hpp"
#include "targets.hpp"

namespace secgan::fuzz {

/// What was read is written and read again as it was.
void settings_toml(std::string_view bytes) {
  const auto settings = load_settings<TrainSettings>(file_of("settings.toml", bytes));
  const std::string text = settings_text(settings);
  require(text == settings_text(load_settings<TrainSettings>(file_of("again.toml", text))), "other settings after writing");
}

}  // namespace secgan::fuzz
