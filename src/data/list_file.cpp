#include "data/list_file.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"

namespace secgan {

std::vector<ListLine> read_list(const std::filesystem::path& file) {
  std::vector<ListLine> lines;
  std::istringstream text(read_file(file));
  size_t number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    if (!words.empty()) lines.push_back({number, std::move(words)});
  }
  return lines;
}

int64_t list_number(const std::filesystem::path& file, const ListLine& line, size_t word) {
  if (word >= line.words.size()) throw Error(fmt::format("{}:{}: {} words, expected {} or more", file.string(), line.number, line.words.size(), word + 1));
  const std::string& text = line.words[word];
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) throw Error(fmt::format("{}:{}: '{}' is not a number", file.string(), line.number, text));
  return value;
}

AttributeList read_attribute_list(const std::filesystem::path& file, const std::vector<std::string>& attributes) {
  const std::vector<ListLine> lines = read_list(file);
  if (lines.size() < 2 || lines[0].words.size() != 1) {
    throw Error(fmt::format("{}: not an attribute list: a line with the count and one with the names come first", file.string()));
  }
  const std::vector<std::string>& names = lines[1].words;
  std::vector<size_t> columns;
  for (const std::string& attribute : attributes) {
    const auto found = std::find(names.begin(), names.end(), attribute);
    if (found == names.end()) throw InvalidArgument(fmt::format("attribute '{}' is unknown; {} has: {}", attribute, file.string(), fmt::join(names, ", ")));
    columns.push_back(static_cast<size_t>(found - names.begin()));
  }
  AttributeList list;
  for (size_t i = 2; i < lines.size(); ++i) {
    const ListLine& line = lines[i];
    if (line.words.size() != names.size() + 1) {
      throw Error(fmt::format("{}:{}: {} words, expected a name and {} labels", file.string(), line.number, line.words.size(), names.size()));
    }
    std::vector<float> labels;
    for (const size_t column : columns) {
      const std::string& word = line.words[column + 1];
      if (word != "1" && word != "-1" && word != "0") throw Error(fmt::format("{}:{}: label '{}' is none of 1, -1, 0", file.string(), line.number, word));
      labels.push_back(word == "1" ? 1.0f : 0.0f);
    }
    list.photos.push_back(line.words[0]);
    list.labels.push_back(std::move(labels));
  }
  return list;
}

std::filesystem::path find_place(const std::filesystem::path& root, const std::vector<std::string>& places) {
  for (const std::string& place : places) {
    if (std::filesystem::exists(root / place)) return root / place;
  }
  throw FileNotFound(fmt::format("'{}' has no {}", root.string(), fmt::join(places, " or ")));
}

}  // namespace secgan
