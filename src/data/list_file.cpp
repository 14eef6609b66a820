#include "data/list_file.hpp"

#include <algorithm>
#include <optional>

#include "core/format.hpp"
#include "core/whole_number.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"

namespace secgan {

void for_each_line(const std::filesystem::path& file, const std::function<void(const ListLine& line)>& use) {
  constexpr std::string_view kSpace = " \t\r\v\f";
  const std::string text = read_file(file);
  ListLine line{0, {}};
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view all = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++line.number;
    line.words.clear();
    for (size_t at = all.find_first_not_of(kSpace); at != std::string_view::npos; at = all.find_first_not_of(kSpace, at)) {
      const size_t stop = std::min(all.find_first_of(kSpace, at), all.size());
      line.words.push_back(all.substr(at, stop - at));
      at = stop;
    }
    if (!line.words.empty()) use(line);
  }
}

int64_t list_number(const std::filesystem::path& file, const ListLine& line, size_t word) {
  if (word >= line.words.size())
    throw Error(fmt::format("{}:{}: {} words, expected {} or more", file.string(), line.number, line.words.size(), word + 1));
  const std::string_view text = line.words[word];
  const std::optional<int64_t> value = whole_number(text);
  if (!value) throw Error(fmt::format("{}:{}: '{}' is not a number", file.string(), line.number, text));
  return *value;
}

AttributeList read_attribute_list(const std::filesystem::path& file, const std::vector<std::string>& attributes) {
  AttributeList list;
  size_t lines = 0, names = 0;
  std::vector<size_t> columns;
  const auto require_heading = [&](bool found) {
    if (!found)
      throw Error(fmt::format("{}: not an attribute list: a line with the count and one with the names come first", file.string()));
  };
  for_each_line(file, [&](const ListLine& line) {
    if (++lines == 1) return require_heading(line.words.size() == 1);
    if (lines == 2) {
      names = line.words.size();
      for (const std::string& attribute : attributes) {
        const auto found = std::ranges::find(line.words, attribute);
        if (found == line.words.end()) {
          throw InvalidArgument(
              fmt::format("attribute '{}' is unknown; {} has: {}", attribute, file.string(), fmt::join(line.words, ", ")));
        }
        columns.push_back(static_cast<size_t>(found - line.words.begin()));
      }
      return;
    }
    if (line.words.size() != names + 1) {
      throw Error(fmt::format("{}:{}: {} words, expected a name and {} labels", file.string(), line.number, line.words.size(), names));
    }
    std::vector<float> labels;
    for (const size_t column : columns) {
      const std::string_view word = line.words[column + 1];
      if (word != "1" && word != "-1" && word != "0")
        throw Error(fmt::format("{}:{}: label '{}' is none of 1, -1, 0", file.string(), line.number, word));
      labels.push_back(word == "1" ? 1.0f : 0.0f);
    }
    list.photos.emplace_back(line.words[0]);
    list.labels.push_back(std::move(labels));
  });
  require_heading(lines >= 2);
  return list;
}

std::filesystem::path find_place(const std::filesystem::path& root, const std::vector<std::string>& places) {
  for (const std::string& place : places) {
    if (std::filesystem::exists(root / place)) return root / place;
  }
  throw FileNotFound(fmt::format("'{}' has no {}", root.string(), fmt::join(places, " or ")));
}

}  // namespace secgan
