#pragma once
/// What a run leaves to read: log.jsonl, TensorBoard events, sample pictures.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/training/event_file.hpp"

namespace secgan {

class SECGAN_API Recorder {
 public:
  /// Makes the folder where it is missing.
  /// @param steps_done  0 for a new run; lines and TensorBoard events of later steps are dropped: they are written again
  Recorder(const std::filesystem::path& run, int64_t steps_done);

  /// One line {"step": n, "name": value, …}; what is not finite becomes null.
  void scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values);
  /// `samples/<tag>-<step>.png` and an event.
  void image(int64_t step, const std::string& tag, std::string_view png, int64_t height, int64_t width);
  /// One line {"step": n, "warning": "…"}, not twice in a row.
  void warning(int64_t step, std::string_view message);

 private:
  void append(const std::string& line);

  std::filesystem::path run_;
  std::string last_line_;
  std::filesystem::path log_file_;
  std::ofstream log_;
  EventFile events_;
};

/// A run's log, a JSON object per line; for reports and tests.
struct LogSeries {
  std::vector<double> steps;
  std::vector<double> values;
};
/// The values called `name` of a log.jsonl.  @throws FileNotFound
SECGAN_API LogSeries read_log(const std::filesystem::path& run, const std::string& name);

}  // namespace secgan
