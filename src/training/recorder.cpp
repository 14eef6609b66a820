#include "secgan/training/recorder.hpp"

#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"

namespace secgan {
namespace {

/// Calls use(line, parsed) for every whole line; a half-written last one is left out.
template <class Use>
void each_line(const std::string& text, Use&& use) {
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    const auto parsed = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (parsed.is_object() && parsed.contains("step") && parsed["step"].is_number()) use(line, parsed);
  }
}

/// Keeps the lines up to a step, and says where the log is.
/// @param last  set to the last line of those
std::filesystem::path truncated_log(const std::filesystem::path& run, int64_t steps_done, std::string& last) {
  make_folder(run);
  const std::filesystem::path file = run / "log.jsonl";
  if (std::filesystem::exists(file)) {
    std::string kept;
    each_line(read_file(file), [&](const std::string& line, const nlohmann::json& entry) {
      if (steps_done == 0 || entry["step"].get<int64_t>() > steps_done) return;
      kept += line + "\n";
      last = line;
    });
    write_file(file, kept);
  }
  return file;
}

}  // namespace

Recorder::Recorder(const std::filesystem::path& run, int64_t steps_done)
    : run_(run), log_file_(truncated_log(run, steps_done, last_line_)), log_(log_file_, std::ios::app), events_(run, steps_done + 1) {
  make_folder(run_ / "samples");
}

void Recorder::append(const std::string& line) {
  last_line_ = line;
  if (!(log_ << line << '\n' << std::flush))
    throw Error(fmt::format("'{}': cannot be written: {}", log_file_.string(), std::generic_category().message(errno)));
}

void Recorder::scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values) {
  nlohmann::ordered_json line = {{"step", step}};
  for (const auto& [name, value] : values) {
    line[name] = std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
    events_.scalar(step, name, value);
  }
  append(line.dump());
  events_.flush();
}

void Recorder::image(int64_t step, const std::string& tag, std::string_view png, int64_t height, int64_t width) {
  write_file(run_ / "samples" / fmt::format("{}-{:07}.png", tag, step), png);
  events_.image(step, tag, png, height, width);
  events_.flush();
}

void Recorder::warning(int64_t step, std::string_view message) {
  // A message may quote a file name in any encoding; the log stays UTF-8.
  const std::string line =
      nlohmann::ordered_json{{"step", step}, {"warning", message}}.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  if (line != last_line_) append(line);
}

LogSeries read_log(const std::filesystem::path& run, const std::string& name) {
  LogSeries series;
  each_line(read_file(run / "log.jsonl"), [&](const std::string&, const nlohmann::json& entry) {
    if (!entry.contains(name) || !entry[name].is_number()) return;
    series.steps.push_back(entry["step"].get<double>());
    series.values.push_back(entry[name].get<double>());
  });
  return series;
}

}  // namespace secgan
