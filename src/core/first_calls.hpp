#pragma once

namespace secgan {

/// Whether every elementwise function was called once when the library was loaded, by one thread (decision 0051).
bool first_calls_settled() noexcept;

}  // namespace secgan
