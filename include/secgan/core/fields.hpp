#pragma once
/// Option structs describe their fields once; files, the command line and Python all read that description.
///
/// An option struct S offers `template <class V> static void visit(auto& self, V&& visit)` that calls
/// `visit("name", self.name)` per field. Enums name their enumerators by specializing `EnumNames`.

#include <string_view>

namespace secgan {

/// Specialize with `static constexpr auto& table` (pairs of name and enumerator) and `static constexpr
/// std::string_view what` (the word used in messages).
template <class Enum>
struct EnumNames;

template <class T>
concept NamedEnum = requires { EnumNames<T>::table; };

template <class T>
concept Described = requires(T& options) { T::visit(options, [](std::string_view, auto&) {}); };

}  // namespace secgan
