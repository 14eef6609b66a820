#include "secgan/core/threads.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linspace.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#include "core/cgroup.hpp"
#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/spare_cpus.hpp"
#include "core/thread_policy.hpp"

namespace secgan {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Convolutions as a generator has them, in small pieces: what costs time is that threads wait for each other after each.
class ConvolutionProbe {
 public:
  double operator()(int64_t threads) {
    const at::NoGradGuard no_grad;
    const ThreadGuard guard(threads);
    if (warm_.insert(threads).second) run(1);  // oneDNN compiles a convolution for each number of threads
    const double begin = now();
    run(4);
    return now() - begin;
  }

 private:
  void run(int layers) const {
    at::Tensor features = photo_;
    for (int layer = 0; layer < layers; ++layer) features = at::leaky_relu(at::conv2d(features, kernel_, {}, 1, 1), 0.2);
  }

  std::set<int64_t> warm_;
  at::Tensor photo_ = at::linspace(-1, 1, int64_t{2} * 32 * 32 * 32).view({2, 32, 32, 32});
  at::Tensor kernel_ = at::linspace(-0.1, 0.1, int64_t{32} * 32 * 9).view({32, 32, 3, 3});
};

/// What a person asked for stands.
bool asked_by_environment() {
  const char* threads = std::getenv("OMP_NUM_THREADS");  // NOLINT(concurrency-mt-unsafe): nothing here writes the environment
  return threads != nullptr && *threads != '\0';
}

}  // namespace

ThreadGuard::ThreadGuard(int64_t threads) : before_(at::get_num_threads()) {
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
}

ThreadGuard::~ThreadGuard() {
  if (at::get_num_threads() != before_) at::set_num_threads(before_);
}

int64_t usable_cpus() {
  cpu_set_t cpus;
  int64_t count =
      sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : static_cast<int64_t>(std::thread::hardware_concurrency());
  std::ostringstream groups;
  groups << std::ifstream("/proc/self/cgroup").rdbuf();
  if (const std::optional<double> quota = cpu_quota(groups.str(), "/sys/fs/cgroup")) count = std::min(count, static_cast<int64_t>(*quota));
  return std::max<int64_t>(count, 1);
}

struct MeasuredThreads::Choice {
  ThreadPolicy policy;
  int64_t most;
};

MeasuredThreads::MeasuredThreads(int64_t threads, ThreadChanges changes, int64_t first) : guard_(threads > 0 ? threads : first) {
  if (threads > 0 || asked_by_environment()) return;
  const int64_t most = std::min<int64_t>(guard_.before(), usable_cpus());
  SpareCpus spare;
  const ThreadPolicy::Spare told = spare.known() ? ThreadPolicy::Spare(spare) : nullptr;
  choice_ = std::make_unique<Choice>(ThreadPolicy(most, changes, now, ConvolutionProbe(), told, std::min(first, most)), most);
}

MeasuredThreads::~MeasuredThreads() = default;

std::string MeasuredThreads::next() {
  if (!choice_) return {};
  const int64_t before = choice_->policy.count();
  const int64_t count = choice_->policy.next();
  if (count != at::get_num_threads()) at::set_num_threads(static_cast<int>(count));
  if (count == before || choice_->most == 1) return {};
  const double one = choice_->policy.measured(1), most = choice_->policy.measured(choice_->most);
  std::string line = fmt::format("{} of {}: ", count, counted(choice_->most, "thread"));
  if (std::isfinite(one) && std::isfinite(most)) {
    line += fmt::format("measured {:.0f} ms with 1, {:.0f} ms with {}", one * 1000, most * 1000, choice_->most);
  } else {
    line += "other programs use the CPUs";
  }
  return line;
}

int64_t MeasuredThreads::count() const { return choice_ ? choice_->policy.count() : at::get_num_threads(); }

}  // namespace secgan
