#pragma once
/// Memory of large tensors, kept from step to step.

#include <cstdint>

#include "secgan/core/export.hpp"

namespace secgan {

/// While one lives, the memory of CPU tensors is taken from regions that the process keeps, in pages of 2 MiB where the system has them. A
/// step of a training makes the same tensors again and again; the system hands out, clears and takes back their memory page by page, for a
/// quarter of the step's time. Values do not change. Nothing happens where fast paths are off, on systems other than Linux and under
/// AddressSanitizer.
///
/// The process's one CPU allocator is exchanged, for all its threads; the last object puts the former back. Tensors may outlive it: their
/// regions are given back once nothing is left in them.
class SECGAN_API KeptMemory {
 public:
  KeptMemory();
  ~KeptMemory();
  KeptMemory(const KeptMemory&) = delete;
  KeptMemory& operator=(const KeptMemory&) = delete;

  /// Bytes of the regions that the process holds now.
  static uint64_t held();

 private:
  bool counted_ = false;
};

}  // namespace secgan
