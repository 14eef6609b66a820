#include <catch2/catch.hpp>

#include "secgan/core/memory.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;
TEST_CASE("free memory is the system's, or what is left to the process's control groups", "[core]") {
  const TemporaryFolder root;
  CHECK(available_memory(root.path()) == std::nullopt);
  root.write("proc/meminfo", "MemTotal:       8000000 kB\nMemFree:         100 kB\nMemAvailable:    5000 kB\nBuffers: 7 kB\n");
  CHECK(available_memory(root.path()) == 5000 * 1024);
  root.write("proc/self/cgroup", "0::/jobs/one\n");
  root.write("sys/fs/cgroup/jobs/one/memory.max", "max\n");
  root.write("sys/fs/cgroup/jobs/one/memory.current", "4000\n");
  CHECK(available_memory(root.path()) == 5000 * 1024);
  // The group above limits it; what only caches files is given back when it is needed.
  root.write("sys/fs/cgroup/jobs/memory.max", "1000000\n");
  root.write("sys/fs/cgroup/jobs/memory.current", "900000\n");
  root.write("sys/fs/cgroup/jobs/memory.stat", "anon 200000\ninactive_file 500000\nactive_file 200000\n");
  CHECK(available_memory(root.path()) == 800000);
  root.write("sys/fs/cgroup/jobs/memory.max", "100000\n");
  CHECK(available_memory(root.path()) == 0);
  // Version 1, in a container that sees its own group as the root.
  root.write("proc/self/cgroup", "12:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n");
  root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "3000000\n");
  root.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000000\n");
  root.write("sys/fs/cgroup/memory/memory.stat", "cache 1\ntotal_inactive_file 400000\n");
  CHECK(available_memory(root.path()) == 2400000);
}
