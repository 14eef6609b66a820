#include "core/spare_cpus.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

namespace secgan {
namespace {

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

std::optional<double> free_seconds(std::string_view stat, const std::function<bool(int)>& ours, bool niced) {
  std::istringstream lines{std::string(stat)};
  bool found = false;
  int64_t ticks = 0;
  for (std::string line; std::getline(lines, line);) {
    int cpu = 0;
    int64_t user = 0, nice = 0, system = 0, idle = 0, waiting = 0;
    std::istringstream words(line.starts_with("cpu") ? line.substr(3) : std::string());  // "cpu0 user nice system idle iowait …"
    if (line.starts_with("cpu ") || !(words >> cpu >> user >> nice >> system >> idle) || !ours(cpu)) continue;
    words >> waiting;
    ticks += idle + waiting + (niced ? nice : 0);
    found = true;
  }
  if (!found) return std::nullopt;
  return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

SpareCpus::SpareCpus() : before_(read()) {}

std::optional<SpareCpus::Reading> SpareCpus::read() {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0) return std::nullopt;
  std::ostringstream stat;
  stat << std::ifstream("/proc/stat").rdbuf();
  // Of two processes of low priority neither yields.
  const bool niced = getpriority(PRIO_PROCESS, 0) <= 0;
  const auto free = free_seconds(stat.str(), [&](int cpu) { return cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET(cpu, &cpus); }, niced);
  if (!free) return std::nullopt;
  return Reading{.time = seconds_of(CLOCK_MONOTONIC), .own = seconds_of(CLOCK_PROCESS_CPUTIME_ID), .free = *free};
}

std::optional<double> SpareCpus::operator()() {
  constexpr double kWindow = 0.1;
  if (!before_ || seconds_of(CLOCK_MONOTONIC) - before_->time < kWindow) return std::nullopt;
  const std::optional<Reading> now = read();
  if (!now) return std::nullopt;
  const double seconds = now->time - before_->time;
  const double spare = (now->own - before_->own + now->free - before_->free) / seconds;
  before_ = now;
  return std::max(spare, 0.0);
}

}  // namespace secgan
