#include <ATen/Parallel.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>

#include "core/cgroup.hpp"
#include "core/spare_cpus.hpp"
#include "core/thread_policy.hpp"
#include "secgan/core/threads.hpp"
#include "temporary_folder.hpp"

namespace fs = std::filesystem;
using namespace secgan;

namespace {

/// A machine of its own clock, where the measured piece of work takes `probe[threads]` seconds.
struct Machine {
  double time = 0;
  int measured = 0;
  std::map<int64_t, double> probe;

  std::optional<double> spare = std::nullopt;  // what other programs leave; nothing: not known

  ThreadPolicy policy(int64_t most, ThreadChanges changes = ThreadChanges::kFreely, int64_t first = 0) {
    return {most,
            changes,
            [this] { return time; },
            [this](int64_t threads) {
              ++measured;
              time += probe.at(threads);
              return probe.at(threads);
            },
            spare ? ThreadPolicy::Spare([this] { return spare; }) : nullptr,
            first};
  }
};

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

}  // namespace

TEST_CASE("threads are chosen by what they take", "[core]") {
  Machine quiet{.probe = {{1, 0.016}, {2, 0.009}, {4, 0.005}, {8, 0.0049}}};
  CHECK(quiet.policy(8).next() == 4);  // 8 are hardly faster than 4
  Machine busy{.probe = {{1, 0.016}, {2, 0.3}, {4, 0.5}}};
  CHECK(busy.policy(4).next() == 1);
  CHECK(busy.measured == 7);  // what is many times slower is given up after one round
  Machine alone{.probe = {{1, 0.016}}};
  CHECK(alone.policy(1).next() == 1);
  CHECK(alone.measured == 0);
}

TEST_CASE("a machine that becomes busy, and quiet again, changes the choice", "[core]") {
  Machine machine{.probe = {{1, 0.016}, {2, 0.009}}};
  ThreadPolicy policy = machine.policy(2);
  REQUIRE(policy.next() == 2);
  for (int step = 0; step < 20; ++step) {
    machine.time += 0.2;
    REQUIRE(policy.next() == 2);
  }
  machine.probe = {{1, 0.02}, {2, 0.4}};
  machine.time += 5;  // a step that took 25 times as long
  CHECK(policy.next() == 1);
  machine.probe = {{1, 0.016}, {2, 0.009}};
  int steps = 0;
  for (; steps < 1000 && policy.count() == 1; ++steps) {
    machine.time += 0.35;
    policy.next();
  }
  CHECK(policy.count() == 2);
  CHECK(steps < 400);
}

TEST_CASE("measuring takes a hundredth of the time, and a little more where steps vary", "[core]") {
  Machine machine{.probe = {{1, 0.016}, {2, 0.009}}};
  ThreadPolicy policy = machine.policy(2);
  policy.next();
  const double begin = machine.time;
  double steps = 0;
  for (int step = 0; step < 2000; ++step) {
    const double seconds = step % 50 == 0 ? 0.5 : 0.1;
    steps += seconds;
    machine.time += seconds;
    policy.next();
  }
  CHECK(machine.time - begin - steps < 0.05 * steps);
  CHECK(machine.measured > 20);
}

TEST_CASE("one disturbed measurement changes nothing", "[core]") {
  Machine machine{.probe = {{1, 0.016}, {2, 0.009}}};
  double disturbed = 0;
  ThreadPolicy policy(
      2, ThreadChanges::kFreely, [&] { return machine.time; },
      [&](int64_t threads) {
        const double seconds = machine.probe.at(threads) + (threads == 2 ? std::exchange(disturbed, 0) : 0);
        machine.time += seconds;
        return seconds;
      },
      nullptr);
  REQUIRE(policy.next() == 2);
  disturbed = 0.5;
  machine.time += 100;
  CHECK(policy.next() == 2);
  CHECK(disturbed == 0);
}

TEST_CASE("beside other programs several threads are not even tried", "[core]") {
  Machine machine{.probe = {{1, 0.016}, {2, 0.4}, {4, 0.8}}};
  machine.spare = 1.2;
  ThreadPolicy policy = machine.policy(4);
  CHECK(policy.next() == 1);
  CHECK(machine.time < 0.1);  // one round with two threads takes 0.4 s
  const double begin = machine.time;
  for (int step = 0; step < 1000; ++step) {
    machine.time += 0.1;
    REQUIRE(policy.next() == 1);
  }
  CHECK(machine.time - begin < 100 * 1.001);  // the look is enough
  machine.spare = 1.7;                        // room for two, not for four
  machine.probe = {{1, 0.016}, {2, 0.009}, {4, 0.005}};
  for (int step = 0; step < 100 && policy.count() == 1; ++step) {
    machine.time += 0.35;
    policy.next();
  }
  CHECK(policy.count() == 2);
  machine.spare = 0.9;
  machine.time += 5;
  CHECK(policy.next() == 1);
}

TEST_CASE("a training changes its threads where that pays by far, as bits change with them", "[core]") {
  Machine machine{.probe = {{1, 0.016}, {2, 0.011}}, .spare = 2};
  ThreadPolicy policy = machine.policy(2, ThreadChanges::kReluctantly, 1);
  REQUIRE(policy.next() == 1);
  REQUIRE(machine.measured == 0);  // a run goes on with what it had
  for (int step = 0; step < 1000; ++step) {
    machine.time += 0.35;
    REQUIRE(policy.next() == 1);  // two are faster by half, not by more
  }
  machine.probe[2] = 0.008;
  for (int step = 0; step < 1000 && policy.count() == 1; ++step) {
    machine.time += 0.35;
    policy.next();
  }
  REQUIRE(policy.count() == 2);
  machine.spare = 0.5;  // somebody is there, but two threads are measured to be as fast as before
  for (int step = 0; step < 1000; ++step) {
    machine.time += 0.35;
    REQUIRE(policy.next() == 2);
  }
  machine.probe = {{1, 0.02}, {2, 0.4}};
  machine.time += 5;
  CHECK(policy.next() == 1);
}

TEST_CASE("what other programs leave of the CPUs is read from the system's count", "[core]") {
  const std::string stat =
      "cpu  1000 100 200 5000 30 1 2 3 0 0\ncpu0 500 60 100 2000 10 1 1 1 0 0\ncpu1 500 40 100 3000 20 0 1 2 0 0\nintr 5 6\n";
  const auto second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto both = [](int) { return true; };
  CHECK(free_seconds(stat, both, false) == Approx(5030 / second));
  CHECK(free_seconds(stat, both, true) == Approx(5130 / second));
  CHECK(free_seconds(stat, [](int cpu) { return cpu == 1; }, false) == Approx(3020 / second));
  CHECK(free_seconds(stat, [](int) { return false; }, false) == std::nullopt);
  CHECK(free_seconds("no such file", both, false) == std::nullopt);
  SpareCpus spare;
  CHECK(spare() == std::nullopt);  // too soon
}

TEST_CASE("the quota of control groups is the smallest of a group and its ancestors", "[core]") {
  const secgan::testing::TemporaryFolder folder;
  const fs::path root = folder.path();
  CHECK(cpu_quota("0::/a/b\n", root) == std::nullopt);
  write(root / "a/b/cpu.max", "max 100000\n");
  CHECK(cpu_quota("0::/a/b\n", root) == std::nullopt);
  write(root / "a/cpu.max", "150000 100000\n");
  CHECK(cpu_quota("0::/a/b\n", root) == 1.5);
  write(root / "cpu.max", "50000 100000\n");
  CHECK(cpu_quota("0::/a/b\n", root) == 0.5);
  CHECK(cpu_quota("0::/elsewhere\n", root) == 0.5);  // in a container: the host's path over the container's mount
  write(root / "cpu/pod/cpu.cfs_quota_us", "400000\n");
  write(root / "cpu/pod/cpu.cfs_period_us", "100000\n");
  write(root / "cpu/cpu.cfs_quota_us", "-1\n");
  write(root / "cpu/cpu.cfs_period_us", "100000\n");
  CHECK(cpu_quota("5:memory:/pod\n4:cpu,cpuacct:/pod\n", root) == 4);
  CHECK(cpu_quota("5:memory:/pod\n4:cpuset:/pod\n", root) == std::nullopt);
  CHECK(cpu_quota("no groups\n", root) == std::nullopt);
}

TEST_CASE("measured threads honor what was asked for and leave the process as it was", "[core]") {
  const int before = at::get_num_threads();
  CHECK(usable_cpus() >= 1);
  {
    MeasuredThreads three(3);
    CHECK(three.next().empty());
    CHECK_FALSE(three.measures());
    CHECK(at::get_num_threads() == 3);
  }
  CHECK(at::get_num_threads() == before);
  {
    const ThreadGuard one(1);
    MeasuredThreads never_more(0);
    never_more.next();
    CHECK(at::get_num_threads() == 1);
  }
  const char* asked = std::getenv("OMP_NUM_THREADS");
  const std::string kept = asked != nullptr ? asked : "";
  ::setenv("OMP_NUM_THREADS", "2", 1);
  {
    const ThreadGuard two(2);
    MeasuredThreads environment(0);
    CHECK(environment.next().empty());
    CHECK(at::get_num_threads() == 2);
  }
  ::unsetenv("OMP_NUM_THREADS");
  {
    const ThreadGuard two(2);
    MeasuredThreads measured(0);
    measured.next();
    CHECK(measured.count() <= usable_cpus());
    CHECK(measured.count() == at::get_num_threads());
  }
  if (asked != nullptr) ::setenv("OMP_NUM_THREADS", kept.c_str(), 1);
  CHECK(at::get_num_threads() == before);
}
