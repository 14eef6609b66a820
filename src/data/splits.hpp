#pragma once
/// Choosing the samples of a split.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

class EmptySplit : public Error {
 public:
  using Error::Error;
};

/// The split that a folder or a list means by a word.
inline std::optional<Split> split_called(std::string_view word) {
  if (word == "train" || word == "training") return Split::kTrain;
  if (word == "validation" || word == "val" || word == "valid") return Split::kValidation;
  if (word == "test" || word == "testing") return Split::kTest;
  return std::nullopt;
}

/// Positions of the samples asked for.
/// @param split_of  of each sample   @param split  nullopt: all   @param count  the first so many; 0: all
/// @param where  first words of messages: the file or folder that decides
/// @throws EmptySplit when there is none
inline std::vector<int64_t> samples_of(const std::vector<Split>& split_of, std::optional<Split> split, int64_t count,
                                       const std::string& where, std::vector<DataNote>& notes) {
  std::vector<int64_t> chosen;
  std::array<int64_t, kSplits.size()> sizes{};
  for (size_t i = 0; i < split_of.size(); ++i) {
    ++sizes[static_cast<size_t>(split_of[i])];
    const bool wanted = !split || split_of[i] == *split;
    if (wanted && (count == 0 || static_cast<int64_t>(chosen.size()) < count)) chosen.push_back(static_cast<int64_t>(i));
  }
  const std::string all = fmt::format("train {}, validation {}, test {}", sizes[0], sizes[1], sizes[2]);
  if (chosen.empty())
    throw EmptySplit(fmt::format("{}: the {} split is empty ({})", where, split ? name_of(kSplits, *split) : "whole", all));
  if (!split) notes.push_back({all});
  return chosen;
}

}  // namespace secgan
