#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <numeric>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <c10/util/Exception.h>
#include <torch/version.h>

#include "secgan/command.hpp"

#include "cli/commands.hpp"
#include "cli/printing.hpp"
#include "core/format.hpp"
#include "core/installed.hpp"
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

namespace {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): the stream's own mark says that it failed, not why
std::atomic<int> output_error{0};

}  // namespace

void flush_results() {
  if (std::fflush(stdout) != 0) output_error = errno;
}

void print_bytes(std::FILE* stream, std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stream) < bytes.size() && stream == stdout) output_error = errno;
}

}  // namespace secgan::cli

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUse = 2;
constexpr int kSignal = 128;  // and the signal's number

/// Every command in a line.
/// @param name  "secgan", or "secgan bench", which has commands of its own
void list_commands(const CLI::App& app, const std::string& name) {
  secgan::cli::say("Usage: {} COMMAND ...", name);
  secgan::cli::say("");
  for (const CLI::App* command : app.get_subcommands({})) secgan::cli::say("  {:<17} {}", command->get_name(), command->get_description());
  secgan::cli::say("");
  secgan::cli::say("'{} COMMAND --help' lists what a command takes.", name);
}

/// How many letters have to be put in, left out or changed.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (const char letter : a) {
    size_t before = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = before + (letter == b[j] ? 0 : 1);
      before = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// The name that is fewer letters than `bound` from what was given; empty for none.
std::string nearest(std::string_view given, const std::vector<std::string>& names, size_t bound) {
  std::string found;
  for (const std::string& name : names) {
    if (const size_t letters = distance(given, name); letters < bound) found = name, bound = letters;
  }
  return found;
}

/// What is wrong with a command line whose argument `place` is none of app's commands; empty for others.
std::string missing_command(const CLI::App& app, int argc, char** argv, int place) {
  if (argc <= place) return "a command is required";
  const std::string_view given = argv[place];
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (std::ranges::find(names, given) != names.end()) return {};
  if (given.starts_with('-')) {
    const bool known = app.get_option_no_throw(std::string(given)) != nullptr;
    return known ? std::string() : fmt::format("a command is required before '{}'", given);
  }
  std::string message = "'" + std::string(given) + "' is no command";
  constexpr size_t kFar = 4;
  const std::string meant = nearest(given, names, std::min(kFar, given.size()));
  return meant.empty() ? message : message + "; did you mean '" + meant + "'?";
}

/// What PyTorch says, in its words but of memory that there is not: those name its own parts.
std::string said_by(const c10::Error& error) {
  const std::string_view text = error.what_without_backtrace();
  constexpr std::string_view kBefore = "you tried to allocate ";
  const size_t begin = text.find(kBefore);
  if (begin == std::string_view::npos) return std::string(text);
  const std::string_view rest = text.substr(begin + kBefore.size());
  return fmt::format("not enough memory: {} were asked for at once; smaller batches or pictures take less", rest.substr(0, rest.find('.')));
}

/// A flag of the command that a mistyped one is nearest to; empty for none near.
std::string nearest_flag(const CLI::App& command, std::string_view given) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  constexpr size_t kFewestLetters = 4, kFar = 3;  // "--st" begins too many
  const auto longer = std::ranges::find_if(names, [&](const std::string& name) { return name.starts_with(given); });
  return given.size() > kFewestLetters && longer != names.end() ? *longer : nearest(given, names, kFar);
}

/// What a command does not know, the first of it.
std::string unexpected(const CLI::App& app) {
  const std::vector<std::string> words = app.remaining(/*recurse=*/true);
  const auto commands = app.get_subcommands();
  if (words.empty() || commands.empty()) return "arguments that are not expected";
  const CLI::App* command = commands.front();
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  const std::string flag = words.front().substr(0, words.front().find('='));
  if (!flag.starts_with('-')) return fmt::format("'{}' is one argument too many", words.front());
  const std::string meant = nearest_flag(*command, flag);
  return fmt::format("'{}' is no flag of this command{}", flag, meant.empty() ? "" : "; did you mean '" + meant + "'?");
}

int complain(const CLI::App& app, const std::string& message, int status) {
  const auto commands = app.get_subcommands();
  const std::string prefix = commands.empty() ? "secgan" : "secgan " + commands.front()->get_name();
  secgan::cli::tell("{}: {}", prefix, message);
  return status;
}

/// A stream that the caller closed would be the next file that is opened, and messages would go into it. The null device takes its place,
/// opened the wrong way round, so that using it fails as it should.
void occupy_standard_streams() {
  for (int stream = 0; stream < 3; ++stream) {
    if (::fcntl(stream, F_GETFD) == -1 && errno == EBADF) ::open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
  }
}

/// A value that is empty, as of a shell's unset variable, would stand for that flag left out. --source alone takes it: a photo may have
/// none of the attributes. Of a flag that is given twice the last value counts, but for what would lose attributes.
void set_rules_of_values(CLI::App& app) {
  const auto given = [](const std::string& text) { return text.empty() ? std::string("the value is empty") : std::string(); };
  for (CLI::Option* const option : app.get_options()) {
    if (option->get_items_expected_max() > 0 && option->get_name() != "--source") option->check(CLI::Validator(given, ""));
    const bool of_attributes = option->get_name() == "--source" || option->get_name() == "--sweep" || option->get_name() == "--attributes";
    const bool throws = option->get_multi_option_policy() == CLI::MultiOptionPolicy::Throw;
    if (option->get_items_expected_max() == 1 && throws && !of_attributes) option->take_last();
  }
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) set_rules_of_values(*command);
}

/// Results that did not get through are a failure, whatever the command says.
int finish(const CLI::App& app, int status) {
  secgan::cli::flush_results();
  if (std::ferror(stdout) == 0) return status;
  return complain(app, "standard output cannot be written: " + std::generic_category().message(secgan::cli::output_error), kFailed);
}

/// @throws Error for a LibTorch of another minor version than the command was built for: its ABI changes with each.
void require_own_torch() {
  const std::string found = secgan::detail::loaded_torch_version(), own = fmt::format("{}.{}.", TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR);
  if (found.empty() || found.starts_with(own)) return;
  throw secgan::Error(fmt::format("this command was built for torch {}, and found torch {}: install that torch, or build secgan anew",
                                  own.substr(0, own.size() - 1), found));
}

int run(CLI::App& app, int argc, char** argv) {
  try {
    require_own_torch();
    set_rules_of_values(app);
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    // Not by its own stream, whose failure has no cause.
    std::ostringstream out;
    const int status = app.exit(asked, out, out);
    secgan::cli::print_bytes(stdout, out.str());
    return status;
  } catch (const CLI::ExtrasError&) {
    return complain(app, unexpected(app), kWrongUse);
  } catch (const CLI::ArgumentMismatch& error) {
    // Flags of one value that is not just the last: their names stand before the colon.
    const std::string_view text = error.what();
    const bool twice = text.find("At Most 1 required") != std::string_view::npos;
    return complain(app, twice ? fmt::format("{} is given twice", text.substr(0, text.find(':'))) : std::string(text), kWrongUse);
  } catch (const CLI::ParseError& error) {
    return complain(app, error.what(), kWrongUse);
  } catch (const secgan::InvalidArgument& error) {
    return complain(app, error.what(), kWrongUse);
  } catch (const secgan::cli::Stopped& stopped) {
    const int signal = secgan::cli::stop_signal.load();  // none: another process of the job got it
    return complain(app, stopped.what(), kSignal + (signal != 0 ? signal : SIGTERM));
  } catch (const c10::Error& error) {
    return complain(app, said_by(error), kFailed);
  } catch (const std::bad_alloc&) {
    return complain(app, "not enough memory", kFailed);
  } catch (const std::filesystem::filesystem_error& error) {
    return complain(app, fmt::format("'{}': {}", error.path1().string(), error.code().message()), kFailed);
  } catch (const std::exception& error) {
    return complain(app, error.what(), kFailed);
  }
  return 0;
}

}  // namespace

int secgan::command(int argc, char** argv) {
  occupy_standard_streams();
  CLI::App app("SeCGAN: edits attributes of face photos, and trains what that takes");
  app.name("secgan");
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
  secgan::cli::add_export(app);
  secgan::cli::add_serve(app);
  secgan::cli::add_inspect(app);
  secgan::cli::add_evaluation(app);
  secgan::cli::add_import(app);
  secgan::cli::add_attributes(app);
  secgan::cli::add_models(app);
  secgan::cli::add_options(app);
  secgan::cli::add_data_check(app);
  secgan::cli::add_pack(app);
  secgan::cli::add_bench(app);
  const CLI::App* owner = &app;
  std::string name = "secgan";
  for (const CLI::App* command : app.get_subcommands({})) {
    if (argc < 2 || command->get_name() != argv[1] || command->get_subcommands({}).empty()) continue;
    owner = command;
    name += ' ' + command->get_name();
  }
  if (const std::string missing = missing_command(*owner, argc, argv, owner == &app ? 1 : 2); !missing.empty()) {
    list_commands(*owner, name);
    secgan::cli::tell("{}: {}", name, missing);
    return finish(app, kWrongUse);
  }
  return finish(app, run(app, argc, argv));
}
