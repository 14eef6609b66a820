#pragma once
/// The states of networks that a file may hold: its dictionaries, and what stands in them below each prefix of names.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/io/torch_file.hpp"

namespace secgan {

struct StateView {
  std::string entry;  ///< where it stands: "G", "state_dict.model"; "" for the file's own names
  NamedTensors tensors;
  std::vector<UnreadTensor> unread;
  bool whole = true;  ///< a dictionary in full
};

/// Every dictionary as it is, with averages of names without dots (LitEma) under those of the network beside them, then without the words
/// that wrappers put into names ("module.", "_orig_mod."), each whole and below every prefix of its names: "model.", "netG.",
/// "ema_model.module.".
/// @param least  tensors that a view below a prefix has, or is left out
std::vector<StateView> state_views(const std::vector<StateDict>& dicts, size_t least);

/// The tensors of `flat` under the names of `named` that become theirs when dots are removed; single numbers may be beside them.
/// @return nullopt where a tensor has no such name, or two, or another shape, or where no name changes
std::optional<NamedTensors> with_dots(const NamedTensors& flat, const NamedTensors& named);

/// Whether the place is named for an average over training, and not of gradients: "ema_model", "G_ema", "swa_model".
bool is_averaged(std::string_view entry);

/// The views of that entry.  @throws Error that lists the entries that there are. An empty `entry` leaves all but an optimizer's.
std::vector<StateView> only_entry(std::vector<StateView> views, std::string_view entry, const std::string& file);

/// The one that is meant of views that all fit a network: where their tensors differ, an average.
/// @param note  receives which was taken of several   @throws Error naming them where that leaves several
const StateView& choose(const std::vector<const StateView*>& fitting, const std::string& file, std::string& note);

/// "; it holds 'a', 'b', 'c' and 40 more": the first names of the largest dictionary.
std::string first_names(const std::vector<StateDict>& dicts);

}  // namespace secgan
