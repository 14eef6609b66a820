#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "bench/bench.hpp"
#include "core/format.hpp"
#include "core/median.hpp"
#include "io/temporary.hpp"
#include "secgan/bundle/bundle.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace fs = std::filesystem;
namespace {

/// This command once more, in a process of its own whose standard output goes nowhere.
void run_self(const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"secgan"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t process = 0;
  const int failed = ::posix_spawn(&process, "/proc/self/exe", &actions, nullptr, pointers.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw Error(fmt::format("the command cannot be started: {}", std::generic_category().message(failed)));
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) throw Error(fmt::format("'secgan {}' failed", fmt::join(arguments, " ")));
}

}  // namespace

BenchResult bench_start(const BenchSettings& settings, const BenchProgress& progress) {
  if (settings.model.empty() != settings.photo.empty()) throw InvalidArgument("start: model and photo, or neither");
  std::vector<std::string> arguments{"--version"};
  const fs::path temporary = fs::temp_directory_path();
  const auto out = detail::Temporary::folder(temporary, temporary);
  if (!settings.model.empty()) {
    const Bundle bundle = load_bundle_with(BundlePart::kGenerator, settings.model, "model");
    arguments = {"edit",  settings.model,      settings.photo, "--set",        bundle.info.attributes.front() + "=+1", "--source", "",
                 "--out", out.path().string(), "--device",     settings.device};
  }
  const std::vector<double> seconds = timed(settings, at::kCPU, progress, [&] { run_self(arguments); });
  return {{{"milliseconds", 1000 * median(seconds)}}, seconds};
}

}  // namespace secgan
