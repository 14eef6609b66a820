#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include <c10/util/Exception.h>

#include "secgan/command.hpp"

#include "cli/commands.hpp"
#include "secgan/core/error.hpp"
#include "secgan/training/process_group.hpp"
#include "secgan/version.hpp"

namespace secgan::cli {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a signal handler reaches nothing else
std::atomic<bool> stop_requested{false};

namespace {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): as above
std::atomic<int> stop_signal{0};

void request_stop(int signal) {
  int none = 0;
  stop_signal.compare_exchange_strong(none, signal);
  stop_requested.store(true);
}

}  // namespace

void stop_on_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ}) {
    struct sigaction before{};
    if (sigaction(signal, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
    struct sigaction action{};
    action.sa_handler = request_stop;
    action.sa_flags = SA_RESTART;
    // Writing to a closed pipe or past a limit is tried again, by the last message for one; who asks twice does not want to wait.
    if (signal != SIGPIPE && signal != SIGXFSZ) action.sa_flags |= static_cast<int>(SA_RESETHAND);
    sigaction(signal, &action, nullptr);
  }
}

}  // namespace secgan::cli

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUse = 2;
constexpr int kSignal = 128;  // and the signal's number

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
  app.footer("Exit status: 0 done, 1 failed, 2 wrong use, 128 + n stopped by signal n (130: Ctrl-C), with a checkpoint where it trains");
  app.parse_complete_callback([&app] {
    const std::string name = app.get_subcommands().front()->get_name();
    if (!name.starts_with("train")) secgan::require_single_process(name);
  });
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
  } catch (const secgan::cli::Stopped& stopped) {
    const int signal = secgan::cli::stop_signal.load();  // none: another process of the job got it
    return complain(app, stopped.what(), kSignal + (signal != 0 ? signal : SIGTERM));
  } catch (const c10::Error& error) {
    return complain(app, error.what_without_backtrace(), kFailed);
  } catch (const std::exception& error) {
    return complain(app, error.what(), kFailed);
  }
  return 0;
}
