#pragma once
/// Large results in large pages. The system clears and maps memory on first use, page by page, which costs more than filling it; and blocks
/// of many megabytes that come and go leave holes in the heap that the next one does not fit into.

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>

#include <cstddef>
#include <cstdint>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace secgan {

/// at::empty; of some megabytes on the CPU, memory of its own that goes back to the system, in pages of 2 MiB where the system has them.
inline at::Tensor empty_in_huge_pages(at::IntArrayRef sizes, const at::TensorOptions& options) {
#ifdef MADV_HUGEPAGE
  constexpr size_t kLarge = size_t{4} << 20, kPage = size_t{2} << 20;
  const auto bytes = static_cast<size_t>(c10::multiply_integers(sizes)) * options.dtype().itemsize();
  // An allocator that somebody chose, such as KeptMemory's, is left to it.
  if (options.device().is_cpu() && bytes >= kLarge && c10::GetCPUAllocator() == c10::GetDefaultCPUAllocator()) {
    const size_t size = (bytes + kPage - 1) / kPage * kPage;
    void* const given = ::mmap(nullptr, size + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (given != MAP_FAILED) {  // else LibTorch says that memory is short
      auto* const begin = static_cast<std::byte*>(given);
      const size_t before = (kPage - reinterpret_cast<uintptr_t>(begin) % kPage) % kPage;
      if (before > 0) ::munmap(begin, before);
      if (before < kPage) ::munmap(begin + before + size, kPage - before);
      ::madvise(begin + before, size, MADV_HUGEPAGE);  // a wish: where it fails, pages are small
      return at::from_blob(begin + before, sizes, [size](void* pages) { ::munmap(pages, size); }, options);
    }
  }
#endif
  return at::empty(sizes, options);
}

}  // namespace secgan
