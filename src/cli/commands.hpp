#pragma once
/// Each adds its subcommands; their callbacks do the work and throw what main() turns into one line.

#include <CLI/CLI.hpp>

#include <atomic>

namespace secgan::cli {

/// Set by SIGINT and SIGTERM: training stops after the step, with a checkpoint.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a signal handler reaches nothing else
extern std::atomic<bool> stop_requested;
/// Lets the signals set it; a second one ends the program at once.
void stop_on_signals();

void add_demo(CLI::App& app);
void add_training(CLI::App& app);
void add_editing(CLI::App& app);
void add_evaluation(CLI::App& app);
void add_import(CLI::App& app);
void add_attributes(CLI::App& app);
void add_models(CLI::App& app);
void add_options(CLI::App& app);
void add_data_check(CLI::App& app);

}  // namespace secgan::cli
