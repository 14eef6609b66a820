#pragma once
/// The processes that share one training: c10d's process group, as far as a training needs it.

#include <ATen/core/Tensor.h>
#include <c10/util/intrusive_ptr.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"

namespace c10d {
class ProcessGroup;
}

namespace secgan {

/// One process among those of a job. Every method is a collective: all processes call it, in the same order and with tensors of the same
/// shapes and types. A process by itself is a group of one, for which each returns at once.
/// @throws Error (all methods) when another process has ended, or does not answer within the group's timeout.
class SECGAN_API ProcessGroup {
 public:
  /// A process by itself.
  ProcessGroup() = default;
  explicit ProcessGroup(const c10::intrusive_ptr<c10d::ProcessGroup>& group);

  /// torch.distributed's default group where this process has one (in C++: what is registered as "0", its name); else a process by itself.
  static ProcessGroup default_group();

  /// The default group, or the one that the environment describes, as torchrun does: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT. That one
  /// is over Gloo, made at the first call and kept. Without WORLD_SIZE, or with 1: a process by itself.
  /// @param timeout  seconds to wait for another process, here and in every method
  /// @throws InvalidArgument for an environment that is incomplete, or a default group that takes no CPU tensors
  static ProcessGroup join(int64_t timeout);

  int64_t rank() const { return rank_; }
  int64_t size() const { return size_; }
  /// The one that writes files and speaks.
  bool leads() const { return rank_ == 0; }

  /// Puts the mean over the processes into each tensor, in one message per type of tensor.
  void average(const std::vector<at::Tensor>& tensors) const;
  /// The same for gradients. One that a process lacks counts as zero; one that all lack stays away.
  void average_gradients(const std::vector<at::Tensor>& parameters) const;
  /// Puts the leading process's values into each tensor.
  void broadcast(const std::vector<at::Tensor>& tensors) const;
  /// @param tensor [n, ...]   @return [size n, ...], the processes' rows in the order of their ranks
  at::Tensor gather(const at::Tensor& tensor) const;
  /// Returns when all have called it.
  void barrier() const;
  /// @throws Error when a process has another `text` than the leading one; `what` says what it is.
  void require_same(std::string_view what, std::string_view text) const;

 private:
  std::shared_ptr<const c10::intrusive_ptr<c10d::ProcessGroup>> group_;
  int64_t rank_ = 0;
  int64_t size_ = 1;
};

/// @throws InvalidArgument in every process of a job but its first: `command` does its work in one process.
SECGAN_API void require_single_process(std::string_view command);

}  // namespace secgan
