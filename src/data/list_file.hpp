#pragma once
/// The list files of CelebA and its relatives: words in lines.

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace secgan {

struct ListLine {
  size_t number;  ///< from 1
  std::vector<std::string_view> words;
};
/// Calls use(line) for every line that holds words, one at a time: all of CelebA's 8 million at once take half a
/// gigabyte. The words live until `use` returns.
void for_each_line(const std::filesystem::path& file, const std::function<void(const ListLine& line)>& use);

/// A whole number.  @throws Error "file:line: 'x' is not a number"
int64_t list_number(const std::filesystem::path& file, const ListLine& line, size_t word);

/// An attribute list: a line with the count, one with the names, then "name 1 -1 …" per photo.
struct AttributeList {
  std::vector<std::string> photos;
  std::vector<std::vector<float>> labels;  ///< of the attributes asked for, in their order
};
/// @throws InvalidArgument for an attribute that the list lacks, naming those it has.
AttributeList read_attribute_list(const std::filesystem::path& file, const std::vector<std::string>& attributes);

/// The first of the places that exists.  @throws FileNotFound that lists them.
std::filesystem::path find_place(const std::filesystem::path& root, const std::vector<std::string>& places);

}  // namespace secgan
