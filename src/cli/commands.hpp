#pragma once
/// Each adds its subcommands; their callbacks do the work and throw what main() turns into one line.

#include <CLI/CLI.hpp>

#include <atomic>
#include <stdexcept>
#include <string>

namespace secgan::cli {

/// Set by a signal that asks the program to end: training stops after the step, with a checkpoint.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a signal handler reaches nothing else
extern std::atomic<bool> stop_requested;
/// Lets SIGINT, SIGTERM, SIGHUP, SIGPIPE and SIGXFSZ set it, but for those that the caller ignores (nohup); a second SIGINT, SIGTERM or
/// SIGHUP ends the program at once.
void stop_on_signals();

/// Thrown by a command that a signal has stopped: the program prints the message and ends with 128 + the signal's number, as shells do it.
struct Stopped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void add_demo(CLI::App& app);
void add_training(CLI::App& app);
void add_editing(CLI::App& app);
void add_inspect(CLI::App& app);
void add_export(CLI::App& app);
void add_serve(CLI::App& app);
void add_evaluation(CLI::App& app);
void add_import(CLI::App& app);
void add_attributes(CLI::App& app);
void add_models(CLI::App& app);
void add_options(CLI::App& app);
void add_data_check(CLI::App& app);
void add_pack(CLI::App& app);
void add_bench(CLI::App& app);

}  // namespace secgan::cli
