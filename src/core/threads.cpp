#include "secgan/core/threads.hpp"

#include <ATen/Parallel.h>

namespace secgan {

ThreadGuard::ThreadGuard(int64_t threads) : before_(at::get_num_threads()) {
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
}

ThreadGuard::~ThreadGuard() {
  if (at::get_num_threads() != before_) at::set_num_threads(before_);
}

}  // namespace secgan
