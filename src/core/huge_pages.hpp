#pragma once
/// Large memory in large pages. The system clears and maps memory on first use, page by page, which costs more than filling it; and blocks
/// of many megabytes that come and go leave holes in the heap that the next one does not fit into.

#include <ATen/ATen.h>

#include <cstddef>

namespace secgan {

inline constexpr size_t kHugePage = size_t{2} << 20;

constexpr size_t whole_huge_pages(size_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }

/// Zeroed memory of its own, from a multiple of kHugePage on, in large pages where the system has them.
///
/// @param bytes  whole pages
/// @return null: there is none, or the system has no such pages
void* map_huge_pages(size_t bytes);
void unmap_huge_pages(void* pages, size_t bytes);

/// at::empty; of some megabytes on the CPU, memory of its own that goes back to the system.
at::Tensor empty_in_huge_pages(at::IntArrayRef sizes, const at::TensorOptions& options);

}  // namespace secgan
