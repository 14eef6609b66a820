#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <limits>
#include <sstream>

#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/training/checkpoint.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;
namespace fs = std::filesystem;

namespace {

Checkpoint after(int64_t step) {
  return {.task = "toy",
          .step = step,
          .tensors = {{"weight", at::full({2}, static_cast<double>(step), at::kFloat)}, {"count", at::full({}, step, at::kLong)}},
          .skipped = 3,
          .rollbacks = 1,
          .landmark = true,
          .threads = 2,
          .means = {{"loss", 0.1 + 0.2, 2}},
          .identity = {{"the order of attributes", "Bald, Male"}},
          .settings = {{"trainer.steps", "9"}}};
}

}  // namespace

TEST_CASE("a checkpoint comes back to the last bit", "[checkpoint]") {
  const Checkpoint written = after(7), read = parse_checkpoint(encode_checkpoint(written), "file");
  CHECK(read.task == "toy");
  CHECK(read.step == 7);
  CHECK(at::equal(read.tensors.at(0).second, at::full({2}, 7.0F)));
  CHECK((read.skipped == 3 && read.rollbacks == 1 && read.landmark && read.threads == 2 && read.sealed));
  CHECK(read.means.at(0).name == "loss");
  CHECK(read.means[0].sum == 0.1 + 0.2);
  CHECK(read.means[0].count == 2);
  CHECK(read.identity == written.identity);
  CHECK(read.settings == written.settings);
}

TEST_CASE("a checkpoint with any bit flipped is refused, also where the digest or its name stands", "[checkpoint]") {
  const std::string whole = encode_checkpoint(after(7));
  for (size_t i = 0; i < whole.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      INFO(i << ' ' << bit);
      CHECK_THROWS_AS(parse_checkpoint(damaged, "file"), Error);
    }
  }
}

TEST_CASE("a checkpoint of an earlier version is read, one with a value that is not finite never", "[checkpoint]") {
  const auto old = [](double value) { return encode_safetensors({{"weight", at::full({2}, value)}}, {{"step", "4"}, {"task", "toy"}}); };
  CHECK_FALSE(parse_checkpoint(old(1), "file").sealed);
  for (const double value : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_WITH(parse_checkpoint(old(value), "file"), Catch::Contains("file: tensor 'weight' is not finite"));
    Checkpoint sealed = after(4);
    sealed.tensors[0].second[1] = value;
    CHECK_THROWS_WITH(parse_checkpoint(encode_checkpoint(sealed), "file"), Catch::Contains("tensor 'weight'"));
  }
}

TEST_CASE("the checkpoint before the newest is kept, and taken with a word when the newest is damaged or gone", "[checkpoint]") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run", newest = run / "checkpoint.safetensors", previous = run / "checkpoint.previous.safetensors";
  RunFolder held(run, false);
  std::ostringstream told;
  CHECK_FALSE(has_checkpoint(run));
  for (const int64_t step : {1, 2, 3}) held.save(after(step));
  CHECK(held.load(told)->step == 3);
  CHECK(told.str().empty());
  std::string bytes = read_file(newest);
  bytes[bytes.size() - 1] ^= 1;
  folder.write("run/checkpoint.safetensors", bytes);
  CHECK(held.load(told)->step == 2);
  CHECK_THAT(told.str(),
             Catch::Contains("checkpoint.safetensors: damaged: its content is not what was written; going on from the checkpoint "
                             "before it, after 2 steps\n"));
  // What is damaged does not push out what is whole.
  held.save(after(4));
  CHECK(parse_checkpoint(read_file(previous), "previous").step == 2);
  CHECK(held.load(told)->step == 4);
  fs::remove(newest);
  CHECK(has_checkpoint(run));
  CHECK(held.load(told)->step == 2);
  CHECK_THAT(told.str(), Catch::Contains("checkpoint.safetensors is missing; going on"));
  folder.write("run/checkpoint.safetensors", "nothing");
  folder.write("run/checkpoint.previous.safetensors", "nothing");
  CHECK_THROWS_WITH(held.load(told), Catch::Contains("checkpoint.safetensors: not a safetensors file"));
}

TEST_CASE("a checkpoint that cannot be written leaves those that are there", "[checkpoint]") {
  const TemporaryFolder folder;
  RunFolder held(folder / "run", false);
  for (const int64_t step : {1, 2}) held.save(after(step));
  // A file may not grow any more, as on a full disk.
  struct rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small{64, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  CHECK_THROWS_WITH(held.save(after(3)), Catch::Contains("checkpoint.safetensors': cannot be written"));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(std::distance(fs::directory_iterator(folder / "run"), {}) == 3);  // both, and the lock
  std::ostringstream told;
  CHECK(held.load(told)->step == 2);
  CHECK(fs::exists(folder / "run/checkpoint.previous.safetensors"));
}

TEST_CASE("stops between landmarks do not decide where a run is rolled back to", "[checkpoint]") {
  const TemporaryFolder folder;
  RunFolder held(folder / "run", false);
  held.save(after(3));
  for (const int64_t step : {4, 5}) {
    Checkpoint stopped = after(step);
    stopped.landmark = false;
    held.save(stopped);
  }
  std::ostringstream told;
  CHECK(held.load(told)->step == 5);
  CHECK(held.load_landmark()->step == 3);
  held.save(after(6));
  CHECK(held.load_landmark()->step == 6);
  fs::remove(folder / "run/checkpoint.safetensors");
  CHECK(held.load_landmark()->step == 3);
}

TEST_CASE("a run's folder is held by one at a time, also within a process, and named with the holder", "[checkpoint]") {
  const TemporaryFolder folder;
  const fs::path run = folder / "a/run";
  {
    const RunFolder first(run, false);
    const std::string refusal = "another process (pid " + std::to_string(::getpid()) + ") trains in this folder";
    CHECK_THROWS_WITH(RunFolder(run, false), Catch::Contains(refusal));
    CHECK_THROWS_WITH(RunFolder(run, true), Catch::Contains(refusal));
  }
  // Nothing came of it: nothing stays.
  CHECK_FALSE(fs::exists(folder / "a"));
  {
    RunFolder second(run, false);
    second.save(after(1));
  }
  CHECK_THROWS_WITH(RunFolder(run, false), Catch::Contains("holds a run already"));
  CHECK_THROWS_WITH(RunFolder(folder / "none", true), Catch::Contains("nothing to resume"));
  CHECK_FALSE(fs::exists(folder / "none"));
  const RunFolder resumed(run, true);
}

TEST_CASE("the lock of a killed process is gone with it", "[checkpoint]") {
  const TemporaryFolder folder;
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const RunFolder held(folder / "run", false);
    if (::write(pipe[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char ready = 0;
  REQUIRE(::read(pipe[0], &ready, 1) == 1);
  CHECK_THROWS_WITH(RunFolder(folder / "run", false), Catch::Contains("pid " + std::to_string(child)));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(pipe[0]);
  ::close(pipe[1]);
  CHECK_NOTHROW(RunFolder(folder / "run", false));
}
