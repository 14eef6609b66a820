#include "stand_in_device.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/HPUHooksInterface.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace secgan::testing {
namespace {

class HostMemory final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* memory = std::malloc(std::max<size_t>(bytes, 1));
    return {memory, memory, &std::free, kStandIn};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &std::free; }
  void copy_data(void* to, const void* from, size_t bytes) const override { std::memcpy(to, from, bytes); }
};

HostMemory& host_memory() {
  static HostMemory memory;
  return memory;
}

const c10::DispatchKeySet kKeys(c10::DispatchKey::HPU);

bool is_there(const at::Tensor& tensor) { return tensor.device() == kStandIn; }

/// The same memory as a tensor of another device. Whoever makes it sees to it that the memory stays.
at::Tensor over(const at::Tensor& tensor, c10::DataPtr memory, c10::Allocator* allocator, c10::DispatchKeySet keys) {
  c10::Storage storage(c10::Storage::use_byte_size_t(), tensor.storage().nbytes(), std::move(memory), allocator, /*resizable=*/true);
  at::Tensor out = at::detail::make_tensor<at::TensorImpl>(std::move(storage), keys, tensor.dtype());
  out.unsafeGetTensorImpl()->set_sizes_and_strides(tensor.sizes(), tensor.strides(), tensor.storage_offset());
  return out;
}

at::Tensor on_cpu(const at::Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  return over(tensor, {tensor.storage().mutable_data(), at::kCPU}, c10::GetAllocator(at::kCPU), c10::DispatchKeySet(c10::DispatchKey::CPU));
}

at::Tensor moved_there(const at::Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  const auto forget = [](void* kept) { delete static_cast<c10::Storage*>(kept); };
  return over(tensor, {tensor.storage().mutable_data(), new c10::Storage(tensor.storage()), forget, kStandIn}, &host_memory(), kKeys);
}

/// The tensors of one call, and what stands for them on the CPU.
class Call {
 public:
  explicit Call(std::string name) : name_(std::move(name)) {}

  at::Tensor there_to_cpu(const at::Tensor& tensor) {
    if (!tensor.defined()) return tensor;
    if (!is_there(tensor)) {
      // One number, and indices, may come from the CPU, as on a GPU.
      TORCH_CHECK(tensor.dim() == 0 || name_ == "aten::index" || name_ == "aten::_index_put_impl_",
                  "Expected all tensors to be on the same device, but found at least two devices, ", kStandIn, " and ", tensor.device(),
                  "! (", name_, ")");
      return tensor;
    }
    for (const auto& [original, alias] : seen_) {
      if (original.is_same(tensor)) return alias;
    }
    return seen_.emplace_back(tensor, on_cpu(tensor)).second;
  }

  at::Tensor cpu_to_there(const at::Tensor& tensor) const {
    for (const auto& [original, alias] : seen_) {
      if (alias.is_same(tensor)) return original;
    }
    return moved_there(tensor);
  }

  /// What was resized in place is so in the original, too.
  void sync() const {
    for (const auto& [original, alias] : seen_) {
      if (alias.storage().data() == original.storage().data() && alias.sizes() == original.sizes() && alias.strides() == original.strides())
        continue;
      c10::TensorImpl* impl = original.unsafeGetTensorImpl();
      if (alias.storage().data() != original.storage().data()) impl->set_storage_keep_dtype(moved_there(alias).storage());
      impl->set_sizes_and_strides(alias.sizes(), alias.strides(), alias.storage_offset());
    }
  }

 private:
  std::string name_;
  std::vector<std::pair<at::Tensor, at::Tensor>> seen_;
};

/// The value with each of its tensors changed.
template <class Change>
c10::IValue each_tensor(const c10::IValue& value, const Change& change) {
  if (value.isTensor()) return change(value.toTensor());
  if (value.isTensorList()) {
    std::vector<at::Tensor> out;
    for (const at::Tensor& tensor : value.toTensorVector()) out.push_back(change(tensor));
    return out;
  }
  if (value.isOptionalTensorList()) {
    c10::List<std::optional<at::Tensor>> out;
    for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector()) {
      out.push_back(tensor ? std::optional(change(*tensor)) : std::nullopt);
    }
    return out;
  }
  return value;
}

void call_on_cpu(const c10::OperatorHandle& op, const c10::OperatorHandle& to_call, torch::jit::Stack* stack) {
  const at::AutoDispatchBelowADInplaceOrView below;
  Call call(op.schema().name());
  const size_t begin = stack->size() - op.schema().arguments().size();
  for (size_t i = begin; i < stack->size(); ++i) {
    c10::IValue& value = (*stack)[i];
    value = value.isDevice() ? c10::IValue(at::Device(at::kCPU))
                             : each_tensor(value, [&](const at::Tensor& t) { return call.there_to_cpu(t); });
  }
  to_call.callBoxed(stack);
  call.sync();
  for (size_t i = 0; i < op.schema().returns().size(); ++i) {
    const c10::AliasInfo* alias = op.schema().returns()[i].alias_info();
    TORCH_CHECK(alias == nullptr || alias->isWrite(), op.schema().name(), " returns a view, which the stand-in device does not know");
    c10::IValue& value = (*stack)[begin + i];
    value = each_tensor(value, [&](const at::Tensor& t) { return call.cpu_to_there(t); });
  }
}

void any_operation(const c10::OperatorHandle& op, torch::jit::Stack* stack) { call_on_cpu(op, op, stack); }

void convolution(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  static const c10::OperatorHandle plain = c10::Dispatcher::singleton().findSchemaOrThrow("aten::convolution", "");
  call_on_cpu(op, plain, stack);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> convolution_backward(const at::Tensor& gradient, const at::Tensor& input,
                                                                    const at::Tensor& weight, at::IntArrayRef stride,
                                                                    at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                                                                    at::IntArrayRef output_padding, int64_t groups,
                                                                    std::array<bool, 3> wanted) {
  const at::AutoDispatchBelowADInplaceOrView below;
  Call call("aten::convolution_backward");
  const auto there = [&](const at::Tensor& tensor) { return call.there_to_cpu(tensor); };
  const auto [of_input, of_weight, of_bias] =
      at::convolution_backward(there(gradient), there(input), there(weight), at::OptionalIntArrayRef(gradient.size(1)), stride, padding,
                               dilation, transposed, output_padding, groups, wanted);
  return {moved_there(of_input), moved_there(of_weight), moved_there(of_bias)};
}

at::Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>, std::optional<at::Device>,
                 std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, &host_memory(), kKeys, c10::dtype_or_default(type), format);
}

at::Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                         std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, &host_memory(), kKeys, c10::dtype_or_default(type));
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  const auto host = [](const at::Tensor& tensor) { return is_there(tensor) ? on_cpu(tensor) : tensor; };
  const at::AutoDispatchBelowADInplaceOrView below;
  host(to).copy_(host(from));
  return to;
}

struct StandInGuard final : c10::impl::NoOpDeviceGuardImpl<at::DeviceType::HPU> {
  at::Device getDevice() const override { return kStandIn; }
  at::Device exchangeDevice(at::Device) const override { return kStandIn; }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  // Nothing is queued: what has been asked for is done.
  c10::Stream getStream(at::Device) const noexcept override { return kStream; }
  c10::Stream getNewStream(at::Device, int) const override { return kStream; }
  c10::Stream exchangeStream(c10::Stream) const noexcept override { return kStream; }
  void record(void**, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }

 private:
  inline static const c10::Stream kStream{c10::Stream::DEFAULT, kStandIn};
};

C10_REGISTER_GUARD_IMPL(HPU, StandInGuard)

/// The autograd engine asks these whether there is a device.
struct HPUHooks final : at::HPUHooksInterface {
  explicit HPUHooks(at::HPUHooksArgs) {}
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasHPU() const override { return true; }
  void init() const override {}
  bool hasPrimaryContext(at::DeviceIndex) const override { return true; }
  at::DeviceIndex deviceCount() const override { return 1; }
  at::DeviceIndex getCurrentDevice() const override { return 0; }
  const at::Generator& getDefaultGenerator(at::DeviceIndex) const override {
    static const at::Generator generator = at::detail::createCPUGenerator();
    return generator;
  }
};

using at::HPUHooksRegistry;
using at::RegistererHPUHooksRegistry;
REGISTER_HPU_HOOKS(HPUHooks)  // by this name LibTorch finds them

TORCH_LIBRARY_IMPL(_, HPU, library) { library.fallback(torch::CppFunction::makeFromBoxedFunction<&any_operation>()); }

TORCH_LIBRARY_IMPL(aten, HPU, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("_copy_from", copy_from);
  library.impl("as_strided", at::native::as_strided_tensorimpl);
  library.impl("view", at::native::view);
  library.impl("_reshape_alias", at::native::_reshape_alias);
  library.impl("unfold", at::native::unfold);
  library.impl("convolution_overrideable", torch::CppFunction::makeFromBoxedFunction<&convolution>());
  library.impl("convolution_backward_overrideable", convolution_backward);
}

}  // namespace
}  // namespace secgan::testing
