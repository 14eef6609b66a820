#pragma once
/// Ops that have no C++ function: what programs of PyTorch's inductor call.

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <utility>

namespace secgan {

inline at::Tensor inductor_op(const char* name, torch::jit::Stack arguments) {
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow(name, "");
  op.callBoxed(arguments);
  return arguments.back().toTensor();
}

}  // namespace secgan
