#pragma once
/// The one door to fmt: header-only and from torch's include folder (Debian's library has another version).

#include <fmt/format.h>
#include <fmt/ranges.h>

#ifndef FMT_HEADER_ONLY
#error "compile with FMT_HEADER_ONLY=1: linking Debian's libfmt against torch's fmt headers fails"
#endif
static_assert(FMT_VERSION >= 120000, "fmt must come from torch's include folder, ahead of the system's");
