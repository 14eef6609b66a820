#pragma once
/// How a file's entries differ from what a network's state asks for.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/state_views.hpp"

namespace secgan {

struct Comparison {
  NamedTensors fitting;  ///< the file's tensors under the network's names
  int64_t wrong = 0;
  std::string first;  ///< the first difference in words
};

using IgnoredEntry = bool (*)(std::string_view name);
inline bool ignore_none(std::string_view) { return false; }

/// What the network asks for must be there in its shape and kind of number, but for what takes no part in computing; floating-point
/// tensors beside it must be its own. Counters, flags and loose numbers beside it are nobody's business.
/// @param ignored  names of the file's that are none of this network's
Comparison compare(const NamedTensors& wanted, const StateView& given, IgnoredEntry ignored = ignore_none);

/// Whether a state is most of what the network asks for, and not all.
bool is_partial(const StateView& view, const NamedTensors& wanted);

/// Averages that are kept of the parameters alone lack the statistics that a network computes with: they cannot be taken, which is told.
/// @return the note; empty where there are none
std::string note_of_partial_average(const std::vector<StateView>& views, const NamedTensors& wanted, const std::string& file);

/// zllrunning's names of a parser and pytorch-fid's of an Inception v3 become ours; others stay.
void rename_entries(StateView& view);

}  // namespace secgan
