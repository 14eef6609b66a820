#pragma once
/// A job of two processes, in one: threads with a process group each, over Gloo.

#define USE_C10D_GLOO

#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include <chrono>
#include <future>
#include <vector>

#include "secgan/training/process_group.hpp"

namespace secgan::testing {

/// work(group) by each of two ranks at once.  @return what they give, in order; an exception of rank 0, or else of rank 1, is thrown
///
/// @param timeout  of the work's calls; connecting may take longer
template <class Work>
auto by_two(const Work& work, std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
  const std::chrono::milliseconds to_connect = std::chrono::seconds(60);
  const c10::intrusive_ptr<c10d::Store> store = c10::make_intrusive<c10d::HashStore>();
  const auto as_rank = [&](int rank) {
    const auto gloo =
        c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, 2, c10d::ProcessGroupGloo::Options::create_default(to_connect));
    const auto group = c10::make_intrusive<c10d::ProcessGroup>(store, rank, 2);
    group->setBackend(at::kCPU, c10d::ProcessGroup::BackendType::GLOO, gloo);
    group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
    // A rank that ends its work before the other has connected would break that.
    group->barrier()->wait();
    group->setTimeout(timeout);
    return work(ProcessGroup(group));
  };
  std::vector<std::future<decltype(as_rank(0))>> running;
  for (const int rank : {0, 1}) running.push_back(std::async(std::launch::async, as_rank, rank));
  std::vector<decltype(as_rank(0))> results;
  for (auto& one : running) results.push_back(one.get());
  return results;
}

}  // namespace secgan::testing
