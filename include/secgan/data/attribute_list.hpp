#pragma once
/// Lists of what photos show, in every form in which they are handed around.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "secgan/core/attributes.hpp"
#include "secgan/core/export.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

struct SECGAN_API AttributeList {
  std::vector<std::string> attributes;  ///< those asked for, in that order
  std::vector<std::string> photos;      ///< names as listed, relative, each once, in the list's order
  at::Tensor labels;                    ///< [photos, attributes] float32 in {0, 1}
  std::vector<Split> splits;            ///< of each photo, where a column says so; else none
  std::string unread_split;             ///< why that column is not read; empty: it is, or there is none
  std::vector<DataNote> notes;

  /// One row by name.
  NamedLabels row(int64_t index) const;
};

/// Reads a list: a table of text whose rows are a photo's name and its labels (1, 0, -1, True, False), with spaces, commas, semicolons
/// or tabs between, and a line with the attributes' names before them; as CelebA's .txt and .csv files, and as pandas and spreadsheets
/// write it. UTF-8, or UTF-16 with a byte-order mark. A column "split" or "partition" is no attribute: it says train, validation or test,
/// in words or as CelebA's 0, 1 and 2.
/// @param attributes  nullopt: all that the list has
/// @throws InvalidArgument for an attribute that the list lacks; FileNotFound; Error "file:line: what is wrong": a row that does not fit,
///         one photo with two different rows, an absolute name or one with "..".
SECGAN_API AttributeList read_attribute_list(const std::filesystem::path& file,
                                             const std::optional<std::vector<std::string>>& attributes = std::nullopt);

/// The names of a list's attributes.  @throws as read_attribute_list.
SECGAN_API std::vector<std::string> attribute_list_columns(const std::filesystem::path& file);

}  // namespace secgan
