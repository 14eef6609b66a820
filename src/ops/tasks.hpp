#pragma once

#include <ATen/ATen.h>
#include <ATen/TensorIterator.h>

#include <cstdint>

namespace secgan {

/// f(task) for each of so many tasks, on LibTorch's own threads. at::parallel_for is a template that runs on one thread unless this library
/// were built with LibTorch's OpenMP; TensorIterator's loop over the elements of a tensor is compiled into LibTorch.
template <class F>
void for_each_task(int64_t tasks, const F& f) {
  at::Tensor places = at::empty({tasks}, at::TensorOptions(at::kByte));
  const auto* const first = static_cast<const char*>(places.const_data_ptr());
  auto iterator = at::TensorIterator::nullary_op(places);
  iterator.for_each(
      [&](char** data, const int64_t* strides, int64_t count, int64_t rows) {
        for (int64_t row = 0; row < rows; ++row) {
          for (int64_t i = 0; i < count; ++i) f((data[0] - first) + row * strides[1] + i * strides[0]);
        }
      },
      /*grain_size=*/1);
}

}  // namespace secgan
