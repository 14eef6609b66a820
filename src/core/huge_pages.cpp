#include "core/huge_pages.hpp"

#include <c10/core/CPUAllocator.h>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace secgan {

#ifdef MADV_HUGEPAGE

void* map_huge_pages(size_t bytes) {
  // Large pages begin at their multiples: what lies outside is given back.
  void* const mapped = ::mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(mapped);
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(begin) % kHugePage) % kHugePage;
  if (before > 0) ::munmap(begin, before);
  if (before < kHugePage) ::munmap(begin + before + bytes, kHugePage - before);
  ::madvise(begin + before, bytes, MADV_HUGEPAGE);  // a wish: where it fails, pages are small
  return begin + before;
}

void unmap_huge_pages(void* pages, size_t bytes) { ::munmap(pages, bytes); }

#else

void* map_huge_pages(size_t /*bytes*/) { return nullptr; }
void unmap_huge_pages(void* /*pages*/, size_t /*bytes*/) {}

#endif

at::Tensor empty_in_huge_pages(at::IntArrayRef sizes, const at::TensorOptions& options) {
  constexpr size_t kLarge = size_t{4} << 20;
  const auto bytes = static_cast<size_t>(c10::multiply_integers(sizes)) * options.dtype().itemsize();
  // An allocator that somebody chose, such as KeptMemory's, is left to it.
  if (options.device().is_cpu() && bytes >= kLarge && c10::GetCPUAllocator() == c10::GetDefaultCPUAllocator()) {
    const size_t size = whole_huge_pages(bytes);
    if (void* const pages = map_huge_pages(size)) {
      return at::from_blob(pages, sizes, [size](void* given) { unmap_huge_pages(given, size); }, options);
    }
  }
  return at::empty(sizes, options);  // which says so where memory is short
}

}  // namespace secgan
