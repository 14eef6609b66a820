#include "secgan/nn/profile.hpp"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <c10/core/Allocator.h>
#include <c10/util/Logging.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "secgan/nn/state.hpp"

namespace secgan {
namespace {

/// Hears of every allocation on its thread.
class MemoryWatch : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override {
    held_ += size;
    peak_ = std::max(peak_, held_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t peak() const { return peak_; }

 private:
  int64_t held_ = 0;
  int64_t peak_ = 0;
};

/// Torch remarks on the terminal when memory is freed that is older than the watch. It is not to be counted.
class NoRemarks {
 public:
  NoRemarks() { FLAGS_caffe2_log_level = std::max(level_, static_cast<int>(c10::GLOG_ERROR)); }
  ~NoRemarks() { FLAGS_caffe2_log_level = level_; }
  NoRemarks(const NoRemarks&) = delete;
  NoRemarks& operator=(const NoRemarks&) = delete;

 private:
  const int level_ = FLAGS_caffe2_log_level;
};

/// What a call's inputs say, which are gone when its output is there: multiply-adds = per_value × the output's values,
/// or `whole` where the inputs settle it.
struct Cost : at::ObserverContext {
  int64_t per_value = 0;
  int64_t whole = 0;
};

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& call) {
  const std::string_view name = call.name();
  const auto tensor = [&](size_t i) { return call.inputs()[i].toTensor(); };
  auto cost = std::make_unique<Cost>();
  if (name == "aten::convolution") {
    // Each value of the (transposed: input) picture meets every other weight of its channel.
    const at::Tensor weight = tensor(1);
    const int64_t each = weight.numel() / weight.size(0);
    if (call.inputs()[6].toBool()) {
      cost->whole = tensor(0).numel() * each;
    } else {
      cost->per_value = each;
    }
  } else if (name == "aten::addmm") {
    cost->per_value = tensor(1).size(1);
  } else if (name == "aten::mm" || name == "aten::bmm") {
    cost->per_value = tensor(0).size(-1);
  }
  return cost;
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): an observer of LibTorch's is a plain function
thread_local int64_t counted = 0;

int64_t multiply_adds_of(const std::function<void()>& work) {
  counted = 0;
  const auto handle =
      at::addThreadLocalCallback(at::RecordFunctionCallback(&begin,
                                                            [](const at::RecordFunction& call, at::ObserverContext* context) {
                                                              // NOLINTNEXTLINE(*-static-cast-downcast): as begin() made it
                                                              const auto* cost = static_cast<const Cost*>(context);
                                                              counted += cost->whole;
                                                              if (cost->per_value > 0)
                                                                counted += cost->per_value * call.outputs()[0].toTensor().numel();
                                                            })
                                     .needsInputs(true)
                                     .needsOutputs(true)
                                     .scopes({at::RecordScope::FUNCTION}));
  try {
    work();
  } catch (...) {
    at::removeCallback(handle);
    throw;
  }
  at::removeCallback(handle);
  return counted;
}

}  // namespace

int64_t peak_bytes(const std::function<void()>& work) {
  const NoRemarks quiet;
  const auto watch = std::make_shared<MemoryWatch>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, watch);
  work();
  return watch->peak();
}

NetworkProfile profile(const torch::nn::Module& module, const std::function<at::Tensor()>& forward) {
  NetworkProfile out;
  for (const at::Tensor& parameter : module.parameters()) out.parameters += parameter.numel();
  for (const auto& [name, tensor] : module_state(module)) out.weight_bytes += static_cast<int64_t>(tensor.nbytes());
  const auto without_gradients = [&] {
    at::NoGradGuard no_grad;
    forward();
  };
  out.multiply_adds = multiply_adds_of(without_gradients);
  out.forward_bytes = peak_bytes(without_gradients);
  out.training_bytes = peak_bytes([&] {
    const at::Tensor total = forward().sum();
    total.backward();
  });
  for (const at::Tensor& parameter : module.parameters()) parameter.mutable_grad().reset();
  return out;
}

}  // namespace secgan
