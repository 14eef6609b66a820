#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <c10/util/Exception.h>

#include "secgan/command.hpp"

#include "cli/commands.hpp"
#include "secgan/core/error.hpp"
#include "secgan/version.hpp"

namespace secgan::cli {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a signal handler reaches nothing else
std::atomic<bool> stop_requested{false};

void stop_on_signals() {
  const auto handler = [](int signal) {
    stop_requested.store(true);
    std::signal(signal, SIG_DFL);
  };
  std::signal(SIGINT, handler);
  std::signal(SIGTERM, handler);
}

}  // namespace secgan::cli

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUse = 2;

/// Every command in a line.
std::string command_list(const CLI::App& app) {
  std::string out = "Usage: secgan COMMAND ...\n\n";
  for (const CLI::App* command : app.get_subcommands({})) {
    out += "  " + command->get_name() + std::string(18 - std::min<size_t>(command->get_name().size(), 17), ' ') +
           command->get_description() + "\n";
  }
  return out + "\n'secgan COMMAND --help' lists what a command takes.\n";
}

/// How many letters have to be put in, left out or changed.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t before = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = before + (a[i] == b[j] ? 0 : 1);
      before = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// What is wrong with a command line that begins with no command; empty for others.
std::string missing_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2) return "a command is required";
  const std::string_view given = argv[1];
  const CLI::App* nearest = nullptr;
  size_t fewest = given.size();
  for (const CLI::App* command : app.get_subcommands({})) {
    const size_t letters = distance(given, command->get_name());
    if (letters < fewest) nearest = command, fewest = letters;
  }
  if (fewest == 0 || given.starts_with('-')) return {};
  std::string message = "'" + std::string(given) + "' is no command";
  if (nearest != nullptr && fewest <= 3) message += "; did you mean '" + nearest->get_name() + "'?";
  return message;
}

int complain(const CLI::App& app, std::string message, int status) {
  const auto commands = app.get_subcommands();
  const std::string prefix = commands.empty() ? "secgan" : "secgan " + commands.front()->get_name();
  // One line: what went wrong is all that a user needs.
  for (char& c : message) {
    if (c == '\n') c = ' ';
  }
  std::fprintf(stderr, "%s: %s\n", prefix.c_str(), message.c_str());
  return status;
}

}  // namespace

int secgan::command(int argc, char** argv) {
  CLI::App app("SeCGAN: edits attributes of face photos, and trains what that takes");
  app.name("secgan");
  app.set_version_flag("--version", std::string("secgan ") + secgan::kVersion);
  app.require_subcommand(1);
  secgan::cli::add_demo(app);
  secgan::cli::add_training(app);
  secgan::cli::add_editing(app);
  secgan::cli::add_evaluation(app);
  secgan::cli::add_import(app);
  secgan::cli::add_attributes(app);
  secgan::cli::add_models(app);
  secgan::cli::add_options(app);
  secgan::cli::add_data_check(app);
  if (const std::string missing = missing_command(app, argc, argv); !missing.empty()) {
    std::fputs(command_list(app).c_str(), stdout);
    return complain(app, missing, kWrongUse);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return complain(app, error.what(), kWrongUse);
  } catch (const secgan::InvalidArgument& error) {
    return complain(app, error.what(), kWrongUse);
  } catch (const c10::Error& error) {
    return complain(app, error.what_without_backtrace(), kFailed);
  } catch (const std::exception& error) {
    return complain(app, error.what(), kFailed);
  }
  return 0;
}
