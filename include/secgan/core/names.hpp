#pragma once
/// Names of enumerators at the edges (command line, files, Python): one table per enum, used both ways.

#include <sstream>
#include <string>
#include <string_view>

#include "secgan/core/error.hpp"

namespace secgan {

/// The enumerator that a table of {name, value} pairs gives `name`.
/// @throws InvalidArgument that lists the known names: "backbone 'x' is unknown; known: attgan, stgan"
template <class Table>
auto parse_name(const Table& table, std::string_view name, std::string_view what) {
  for (const auto& [known, value] : table) {
    if (known == name) return value;
  }
  std::ostringstream message;
  message << what << " '" << name << "' is unknown; known: ";
  for (std::string_view separator; const auto& entry : table) {
    message << separator << entry.first;
    separator = ", ";
  }
  throw InvalidArgument(message.str());
}

/// The name of an enumerator; every enumerator must be in its table.
template <class Table, class Value>
std::string name_of(const Table& table, Value value) {
  for (const auto& [known, entry] : table) {
    if (entry == value) return std::string(known);
  }
  throw InvalidArgument("an enumerator without a name");
}

}  // namespace secgan
