#include "secgan/evaluation/report.hpp"

#include "targets.hpp"

namespace secgan::fuzz {

/// `secgan tabulate` of one report, and of it beside itself.
void report(std::string_view bytes) {
  const std::filesystem::path file = file_of("report.json", bytes);
  compare_reports({file});
  compare_reports({file, file}, /*different_protocols=*/true);
}

}  // namespace secgan::fuzz
