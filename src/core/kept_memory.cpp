#include "secgan/core/kept_memory.hpp"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>
#include <set>
#include <utility>

#include "core/huge_pages.hpp"
#include "secgan/core/fast_paths.hpp"

namespace secgan {

#if !defined(__linux__) || defined(__SANITIZE_ADDRESS__)
// AddressSanitizer sees the bounds of what malloc gives, not those of a region's parts.
inline constexpr bool kKeeps = false;
#elif defined(__has_feature)
inline constexpr bool kKeeps = !__has_feature(address_sanitizer);
#else
inline constexpr bool kKeeps = true;
#endif

#ifdef __linux__
namespace {

constexpr size_t kAlignment = 64;             // of LibTorch's own CPU allocator
constexpr size_t kSmall = size_t{64} << 10;   // malloc keeps these by itself
constexpr size_t kRegion = size_t{64} << 20;  // at least

size_t rounded_up(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }

/// Lies in front of the memory that it tells of. A region is a row of blocks without gaps, of which no two neighbors are free.
struct alignas(kAlignment) Block {
  size_t size = 0;          ///< with this header; 0: of malloc's memory, in no region
  Block* before = nullptr;  ///< null: the region's first
  Block* behind = nullptr;  ///< null: its last
  bool free = false;

  void* memory() { return this + 1; }
  static Block* of(void* memory) { return static_cast<Block*>(memory) - 1; }
};

class Regions {
 public:
  void* take(size_t bytes) {
    const size_t size = rounded_up(bytes, kAlignment) + sizeof(Block);
    const std::lock_guard lock(mutex_);
    auto found = free_.lower_bound({size, nullptr});  // the smallest that is large enough
    if (found == free_.end()) {
      Block* region = map(size);
      if (region == nullptr) return nullptr;
      found = free_.emplace(region->size, region).first;
    }
    Block* const block = found->second;
    free_.erase(found);
    block->free = false;
    if (block->size - size >= kSmall) {
      auto* const rest = new (reinterpret_cast<char*>(block) + size) Block{block->size - size, block, block->behind, true};
      if (rest->behind != nullptr) rest->behind->before = rest;
      block->behind = rest;
      block->size = size;
      free_.emplace(rest->size, rest);
    }
    return block->memory();
  }

  void give_back(Block* block) {
    const std::lock_guard lock(mutex_);
    block->free = true;
    if (block->behind != nullptr && block->behind->free) {
      forget(block->behind);
      join(block);
    }
    if (block->before != nullptr && block->before->free) {
      block = block->before;
      forget(block);
      join(block);
    }
    free_.emplace(block->size, block);
    if (!keeps_) unmap_free();
  }

  void keep(bool keeps) {
    const std::lock_guard lock(mutex_);
    keeps_ = keeps;
    if (!keeps_) unmap_free();
  }

  uint64_t held() {
    const std::lock_guard lock(mutex_);
    return held_;
  }

 private:
  Block* map(size_t least) {
    const size_t size = whole_huge_pages(std::max(least, kRegion));
    void* const first = map_huge_pages(size);
    if (first == nullptr) return nullptr;
    held_ += size;
    return new (first) Block{.size = size, .free = true};
  }

  /// Whole regions; what is in use stays.
  void unmap_free() {
    for (auto entry = free_.begin(); entry != free_.end();) {
      Block* const block = entry->second;
      if (block->before != nullptr || block->behind != nullptr) {
        ++entry;
        continue;
      }
      entry = free_.erase(entry);
      held_ -= block->size;
      unmap_huge_pages(block, block->size);
    }
  }

  void forget(Block* block) { free_.erase({block->size, block}); }

  static void join(Block* block) {
    const Block* const next = block->behind;
    block->size += next->size;
    block->behind = next->behind;
    if (block->behind != nullptr) block->behind->before = block;
  }

  std::mutex mutex_;
  std::set<std::pair<size_t, Block*>> free_;
  bool keeps_ = false;
  uint64_t held_ = 0;
};

/// Never destroyed: tensors may live longer than anything.
Regions& regions() {
  static auto* const all = new Regions;
  return *all;
}

class KeepingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* const memory = bytes == 0 ? nullptr : get(bytes);
    return {memory, memory, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }

 private:
  static void* get(size_t bytes) {
    if (bytes >= kSmall) {
      if (void* const kept = regions().take(bytes)) return kept;
    }
    // Through LibTorch's, for its message where there is none.
    void* const all = c10::alloc_cpu(bytes + sizeof(Block));
    return (new (all) Block)->memory();
  }

  static void release(void* memory) {
    if (memory == nullptr) return;
    Block* const block = Block::of(memory);
    if (block->size == 0) {
      c10::free_cpu(block);
    } else {
      regions().give_back(block);
    }
  }
};

struct Exchange {
  std::mutex mutex;
  int64_t users = 0;
  c10::Allocator* before = nullptr;
  KeepingAllocator ours;
};

/// Never destroyed, as above.
Exchange& exchange() {
  static auto* const one = new Exchange;
  return *one;
}

/// Of c10's, for SetCPUAllocator: the highest, as it refuses a lower one than was set before.
constexpr uint8_t kPriority = 255;

}  // namespace
#endif

KeptMemory::KeptMemory() {
#ifdef __linux__
  if (!kKeeps || !fast_paths()) return;
  Exchange& all = exchange();
  const std::lock_guard lock(all.mutex);
  counted_ = true;
  if (all.users++ > 0) return;
  regions().keep(true);
  all.before = c10::GetCPUAllocator();
  c10::SetCPUAllocator(&all.ours, kPriority);
#endif
}

KeptMemory::~KeptMemory() {
#ifdef __linux__
  if (!counted_) return;
  Exchange& all = exchange();
  const std::lock_guard lock(all.mutex);
  if (--all.users > 0) return;
  if (c10::GetCPUAllocator() == &all.ours) c10::SetCPUAllocator(all.before, kPriority);
  regions().keep(false);
#endif
}

uint64_t KeptMemory::held() {
#ifdef __linux__
  return regions().held();
#else
  return 0;
#endif
}

}  // namespace secgan
