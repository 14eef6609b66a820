/// libFuzzer's entry points: secgan_fuzz --target=NAME [libFuzzer's own options] [folders or files]

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "targets.hpp"

namespace {
const secgan::fuzz::Target* chosen = nullptr;
}

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  constexpr std::string_view kFlag = "--target=";
  std::string_view name;
  for (int i = 1; i < *count; ++i) {
    const std::string_view argument = (*arguments)[i];
    if (argument.starts_with(kFlag)) name = argument.substr(kFlag.size());
  }
  const auto targets = secgan::fuzz::targets();
  const auto found = std::ranges::find(targets, name, &secgan::fuzz::Target::name);
  if (found == targets.end()) {
    std::fputs("--target=NAME is missing or unknown; targets:\n", stderr);
    for (const auto& target : targets) std::fprintf(stderr, "%s\n", target.name.data());
    std::exit(2);
  }
  chosen = &*found;
  at::set_num_threads(1);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  secgan::fuzz::run(*chosen, {reinterpret_cast<const char*>(bytes), size});
  return 0;
}
