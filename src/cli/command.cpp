#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

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
  app.set_version_flag("--version", std::string("secgan ") + secgan::kVersion);
  app.require_subcommand(1);
  secgan::cli::add_demo(app);
  secgan::cli::add_training(app);
  secgan::cli::add_editing(app);
  secgan::cli::add_evaluation(app);
  secgan::cli::add_import(app);
  secgan::cli::add_models(app);
  secgan::cli::add_options(app);
  secgan::cli::add_data_check(app);
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
