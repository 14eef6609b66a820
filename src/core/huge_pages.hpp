#pragma once
/// Large results in large pages: the system clears and maps memory page by page on first use, which costs more than filling it.

#include <ATen/ATen.h>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace secgan {

/// at::empty; of many megabytes on the CPU, the system is asked for pages of 2 MiB where it has them.
inline at::Tensor empty_in_huge_pages(at::IntArrayRef sizes, const at::TensorOptions& options) {
  at::Tensor out = at::empty(sizes, options);
#ifdef MADV_HUGEPAGE
  constexpr size_t kLarge = size_t{4} << 20, kPage = 4096;
  if (out.is_cpu() && out.nbytes() >= kLarge) {
    const auto begin = reinterpret_cast<uintptr_t>(out.mutable_data_ptr());
    const uintptr_t first = (begin + kPage - 1) / kPage * kPage, end = (begin + out.nbytes()) / kPage * kPage;
    // Only a wish: where it fails, pages are small.
    ::madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
  }
#endif
  return out;
}

}  // namespace secgan
