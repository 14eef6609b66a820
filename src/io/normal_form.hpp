#pragma once
/// Names of files in Unicode's two normal forms: "é" is one character (NFC, as most people type it) or an e and an accent (NFD, as some
/// systems store it). The two look alike and are two names. No table of characters is kept here: whether two names may be one is told to a
/// person, who sees it, and nothing is matched by it.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"

namespace secgan::detail {

/// Whether the names differ, and may be one in two forms: equal but for characters beyond ASCII and letters with accents behind them, of
/// which one has more.
bool may_be_other_form(std::string_view name, std::string_view other);

/// "; 'é.jpg' is there, …" where one of the names that are there may be a missing one in the other form; else empty.
SECGAN_API std::string hint_of_other_form(const std::vector<std::string>& missing, const std::vector<std::string>& there);

/// The same for a path that leads nowhere: what its folder holds is looked at.
std::string hint_of_other_form(const std::filesystem::path& missing);

}  // namespace secgan::detail
