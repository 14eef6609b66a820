#include "secgan/evaluation/protocol.hpp"
#include "secgan/io/settings.hpp"
#include "targets.hpp"

namespace secgan::fuzz {

/// What was read is written and read again as it was.
void settings_json(std::string_view bytes) {
  const auto protocol = load_settings<EvaluationProtocol>(file_of("protocol.json", bytes));
  const std::filesystem::path again = file_of("again.json", {});
  save_settings(again, protocol);
  require(settings_text(protocol) == settings_text(load_settings<EvaluationProtocol>(again)), "other settings after writing");
}

}  // namespace secgan::fuzz
