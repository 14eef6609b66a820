#include <fcntl.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>

#include <c10/util/Exception.h>

#include "secgan/command.hpp"

#include "cli/commands.hpp"
#include "cli/printing.hpp"
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

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): the stream's own mark says that it failed, not why
std::atomic<int> output_error{0};

void print_bytes(std::FILE* stream, std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stream) < bytes.size() && stream == stdout) output_error = errno;
}

}  // namespace secgan::cli

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUse = 2;

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

/// Results that did not get through are a failure, whatever the command says.
int finish(const CLI::App& app, int status) {
  if (std::fflush(stdout) != 0) secgan::cli::output_error = errno;
  if (std::ferror(stdout) == 0) return status;
  return complain(app, "standard output cannot be written: " + std::generic_category().message(secgan::cli::output_error), kFailed);
}

int run(CLI::App& app, int argc, char** argv) {
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
  return finish(app, run(app, argc, argv));
}
