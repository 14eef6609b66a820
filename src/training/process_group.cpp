// The group over Gloo is declared for those who say so.
#define USE_C10D_GLOO

#include "secgan/training/process_group.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/distributed/c10d/GroupRegistry.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "core/format.hpp"
#include "core/whole_number.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

using Group = c10::intrusive_ptr<c10d::ProcessGroup>;

/// What Gloo or c10d says, without the place in its sources, advice and backtrace.
std::string reason(const std::exception& error) {
  std::string text = error.what();
  if (const size_t place = text.find("] "); text.starts_with('[') && place != std::string::npos) text.erase(0, place + 2);
  return text.substr(0, std::min(text.find('\n'), text.find(". ")));
}

/// Calls and waits.
template <class Start>
void together(int64_t rank, int64_t size, const Start& start) {
  try {
    start()->wait();
  } catch (const std::exception& error) {
    throw Error(fmt::format("process {} of {}: another process of the job has ended or does not answer: {}", rank, size, reason(error)));
  }
}

/// The tensor where the group takes it: Gloo's take none of a GPU.
at::Tensor for_group(const Group& group, const at::Tensor& tensor) {
  const auto taken = group->getDeviceTypes();
  const bool as_it_is = std::ranges::any_of(taken, [&](const at::Device& device) { return device.type() == tensor.device().type(); });
  return as_it_is ? tensor : tensor.cpu();
}

/// Calls use(flat) with all tensors of one type and device as one, for each, and puts what it leaves there into the tensors.
void in_buckets(const Group& group, const std::vector<at::Tensor>& tensors, const std::function<void(at::Tensor& flat)>& use) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> left = tensors;
  while (!left.empty()) {
    std::vector<at::Tensor> bucket, others, parts;
    std::vector<int64_t> sizes;
    for (const at::Tensor& tensor : left) {
      const bool fits = tensor.scalar_type() == left.front().scalar_type() && tensor.device() == left.front().device();
      (fits ? bucket : others).push_back(tensor);
    }
    for (const at::Tensor& tensor : bucket) {
      parts.push_back(tensor.detach().flatten());
      sizes.push_back(tensor.numel());
    }
    at::Tensor flat = for_group(group, at::cat(parts));
    use(flat);
    parts = flat.split_with_sizes(sizes);
    for (size_t i = 0; i < bucket.size(); ++i) bucket[i].copy_(parts[i].view(bucket[i].sizes()));
    left = std::move(others);
  }
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here writes the environment
  return value != nullptr ? value : "";
}

int64_t number_of(const char* name, int64_t low, int64_t high) {
  const std::string text = variable(name);
  const std::optional<int64_t> value = whole_number(text);
  if (!value || *value < low || *value > high) {
    throw InvalidArgument(fmt::format("environment: {} must be in [{}, {}], found '{}'", name, low, high, text));
  }
  return *value;
}

constexpr int64_t kMostProcesses = int64_t{1} << 20;

int64_t world_size() { return variable("WORLD_SIZE").empty() ? 1 : number_of("WORLD_SIZE", 1, kMostProcesses); }

Group gloo_from_environment(std::chrono::seconds timeout) {
  const auto size = static_cast<int>(world_size()), rank = static_cast<int>(number_of("RANK", 0, size - 1));
  const std::string host = variable("MASTER_ADDR");
  if (host.empty()) throw InvalidArgument("environment: MASTER_ADDR is missing: the host of process 0");
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(number_of("MASTER_PORT", 1, 65535));
  // torchrun has a store already; else process 0 keeps it.
  options.isServer = rank == 0 && variable("TORCHELASTIC_USE_AGENT_STORE") != "True";
  options.numWorkers = static_cast<size_t>(size);
  options.timeout = timeout;
  options.multiTenant = true;
  try {
    const auto server = c10::make_intrusive<c10d::TCPStore>(host, options);
    const c10::intrusive_ptr<c10d::Store> store = c10::make_intrusive<c10d::PrefixStore>("secgan", server);
    store->setTimeout(timeout);
    const auto gloo =
        c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, c10d::ProcessGroupGloo::Options::create_default(timeout));
    const auto group = c10::make_intrusive<c10d::ProcessGroup>(store, rank, size);
    group->setBackend(at::kCPU, c10d::ProcessGroup::BackendType::GLOO, gloo);
    group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
    return group;
  } catch (const std::exception& error) {
    throw Error(fmt::format("process {} of {}: the others are not reached by {}:{} within {} s: {}", rank, size, host, options.port,
                            timeout.count(), reason(error)));
  }
}

}  // namespace

ProcessGroup::ProcessGroup(const c10::intrusive_ptr<c10d::ProcessGroup>& group)
    : group_(std::make_shared<const Group>(group)), rank_(group->getRank()), size_(group->getSize()) {}

ProcessGroup ProcessGroup::default_group() {
  try {
    return ProcessGroup(c10d::resolve_process_group("0"));
  } catch (const c10::Error&) {  // there is no way to ask
    return {};
  }
}

ProcessGroup ProcessGroup::join(int64_t timeout) {
  ProcessGroup of_application = default_group();
  if (of_application.group_) {
    if (std::ranges::none_of((*of_application.group_)->getDeviceTypes(), [](const at::Device& device) { return device.is_cpu(); })) {
      throw InvalidArgument(
          "the default process group takes no CPU tensors, which training needs: init_process_group(\"cpu:gloo,cuda:nccl\")");
    }
    return of_application;
  }
  if (world_size() == 1) return {};
  const std::chrono::seconds limit(timeout);
  static std::mutex mutex;
  static const ProcessGroup* kept = nullptr;  // never destroyed: at the end of the process its threads may be gone before it
  const std::scoped_lock lock(mutex);
  if (kept == nullptr) kept = new ProcessGroup(gloo_from_environment(limit));
  (*kept->group_)->setTimeout(limit);
  return *kept;
}

void ProcessGroup::average(const std::vector<at::Tensor>& tensors) const {
  if (size_ == 1) return;
  in_buckets(*group_, tensors, [this](at::Tensor& flat) {
    std::vector<at::Tensor> one{flat};
    together(rank_, size_, [&] { return (*group_)->allreduce(one); });
    flat.div_(static_cast<double>(size_));
  });
}

void ProcessGroup::average_gradients(const std::vector<at::Tensor>& parameters) const {
  if (size_ == 1 || parameters.empty()) return;
  at::NoGradGuard no_grad;
  // Which parameters a loss reaches may depend on a process's share of the data: the bucket may not.
  const auto count = static_cast<int64_t>(parameters.size());
  std::vector<at::Tensor> averaged;
  std::vector<double> reached;
  for (const at::Tensor& parameter : parameters) {
    at::Tensor& gradient = parameter.mutable_grad();
    reached.push_back(gradient.defined() ? 1 : 0);
    if (!gradient.defined()) gradient = at::zeros_like(parameter);
    averaged.push_back(gradient);
  }
  averaged.push_back(at::tensor(reached).to(parameters.front()));
  average(averaged);
  const at::Tensor by_any = averaged.back().cpu().to(at::kDouble);
  for (int64_t i = 0; i < count; ++i) {
    if (by_any[i].item<double>() == 0) parameters[i].mutable_grad().reset();
  }
}

void ProcessGroup::broadcast(const std::vector<at::Tensor>& tensors) const {
  if (size_ == 1) return;
  in_buckets(*group_, tensors, [this](at::Tensor& flat) {
    std::vector<at::Tensor> one{flat};
    together(rank_, size_, [&] { return (*group_)->broadcast(one); });
  });
}

at::Tensor ProcessGroup::gather(const at::Tensor& tensor) const {
  if (size_ == 1) return tensor;
  at::NoGradGuard no_grad;
  const at::Tensor own = for_group(*group_, tensor.detach().contiguous());
  std::vector<at::Tensor> one{own};
  std::vector<std::vector<at::Tensor>> all(1);
  for (int64_t i = 0; i < size_; ++i) all.front().push_back(at::empty_like(own));
  together(rank_, size_, [&] { return (*group_)->allgather(all, one); });
  return at::cat(all.front()).to(tensor.device());
}

void ProcessGroup::barrier() const {
  if (size_ == 1) return;
  together(rank_, size_, [&] { return (*group_)->barrier(); });
}

void ProcessGroup::require_same(std::string_view what, std::string_view text) const {
  const at::Tensor hashes = gather(at::full({1}, static_cast<int64_t>(std::hash<std::string_view>()(text)), at::kLong));
  for (int64_t other = 1; other < size_; ++other) {
    if (hashes[other].item<int64_t>() == hashes[0].item<int64_t>()) continue;
    throw Error(
        fmt::format("process {} of {} has not the {} of process 0: start all processes alike, from the same files", other, size_, what));
  }
}

void require_single_process(std::string_view command) {
  const int64_t size = world_size();
  if (size == 1 || number_of("RANK", 0, size - 1) == 0) return;
  throw InvalidArgument(
      fmt::format("{} works in one process, this is one of {} (environment: WORLD_SIZE): start it without torchrun", command, size));
}

}  // namespace secgan
