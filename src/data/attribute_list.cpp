#include "secgan/data/attribute_list.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <unordered_map>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "data/list_file.hpp"
#include "data/splits.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

struct Column {
  size_t place;
  size_t minus = 0, zero = 0;  ///< the first lines that write absence as -1 and as 0
};

std::vector<Column> find_columns(const ListFile& list, const std::vector<std::string>& attributes) {
  std::vector<Column> columns;
  for (const std::string& attribute : attributes) {
    const auto found = std::ranges::find(list.columns(), attribute);
    if (found == list.columns().end()) {
      throw InvalidArgument(
          fmt::format("attribute '{}' is unknown; {} has: {}", attribute, list.file().string(), fmt::join(list.columns(), ", ")));
    }
    if (std::find(found + 1, list.columns().end(), attribute) != list.columns().end())
      throw Error(fmt::format("'{}': two columns are called '{}'", list.file().string(), attribute));
    columns.push_back({static_cast<size_t>(found - list.columns().begin())});
  }
  return columns;
}

float read_label(const ListFile& list, Column& column) {
  const std::string_view cell = list.cell(column.place);
  const std::optional<int> label = label_of(cell);
  if (!label) list.fail(fmt::format("label '{}' of {} is none of 1, -1, 0, True, False", cell, list.columns()[column.place]));
  if (*label == 1) return 1;
  size_t& first = *label == 0 ? column.zero : column.minus;
  if (first == 0) first = list.line();
  // Some lists keep 0 for what is not known: not guessed.
  if (column.minus != 0 && column.zero != 0) {
    list.fail(fmt::format("label '{}' of {}, where line {} has {}: a list writes what is absent as -1 or as 0", cell,
                          list.columns()[column.place], *label == 0 ? column.minus : column.zero, *label == 0 ? -1 : 0));
  }
  return 0;
}

/// The column that says which split a photo is of.
std::optional<size_t> split_column(const ListFile& list) {
  const auto says = [](std::string name) {
    std::ranges::transform(name, name.begin(), [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return name == "split" || name == "partition";
  };
  const auto found = std::ranges::find_if(list.columns(), says);
  if (found == list.columns().end()) return std::nullopt;
  if (const auto other = std::find_if(found + 1, list.columns().end(), says); other != list.columns().end())
    throw Error(fmt::format("'{}': columns '{}' and '{}' both say a photo's split", list.file().string(), *found, *other));
  return static_cast<size_t>(found - list.columns().begin());
}

std::optional<Split> split_in(std::string_view cell) {
  if (const std::optional<Split> named = split_called(cell)) return named;
  constexpr std::array<std::string_view, 3> kCelebA{"0", "1", "2"};
  const auto* const number = std::ranges::find(kCelebA, cell);
  if (number == kCelebA.end()) return std::nullopt;
  return kSplits.at(static_cast<size_t>(number - kCelebA.begin())).second;
}

std::vector<std::string> attributes_of(const ListFile& list) {
  std::vector<std::string> names = list.columns();
  if (const auto split = split_column(list)) names.erase(names.begin() + static_cast<std::ptrdiff_t>(*split));
  return names;
}

}  // namespace

NamedLabels AttributeList::row(int64_t index) const {
  NamedLabels named;
  const auto* const values = labels.const_data_ptr<float>() + index * static_cast<int64_t>(attributes.size());
  for (size_t a = 0; a < attributes.size(); ++a) named.emplace_back(attributes[a], values[a] != 0);
  return named;
}

AttributeList read_attribute_list(const std::filesystem::path& file, const std::optional<std::vector<std::string>>& attributes) {
  ListFile list(file, ListFile::Heading::kRequired);
  AttributeList out;
  out.attributes = attributes ? *attributes : attributes_of(list);
  const std::optional<size_t> split = split_column(list);
  std::vector<Column> columns = find_columns(list, out.attributes);
  std::vector<float> labels, row(columns.size());
  std::vector<size_t> lines;
  std::unordered_map<std::string, size_t> rows;
  int64_t again = 0;
  while (list.next()) {
    std::ranges::transform(columns, row.begin(), [&](Column& column) { return read_label(list, column); });
    const std::optional<Split> part = split ? split_in(list.cell(*split)) : std::nullopt;
    if (split && !part && out.unread_split.empty()) {
      out.unread_split = fmt::format("{}:{}: {} '{}' is none of train, validation, test, or 0, 1, 2", file.string(), list.line(),
                                     list.columns()[*split], list.cell(*split));
    }
    const Split of_split = part.value_or(Split::kTrain);
    auto [known, fresh] = rows.try_emplace(list.photo(), lines.size());
    if (fresh) {
      out.photos.push_back(known->first);
      lines.push_back(list.line());
      labels.insert(labels.end(), row.begin(), row.end());
      if (split) out.splits.push_back(of_split);
    } else {
      if (part && of_split != out.splits[known->second])
        list.fail(fmt::format("'{}' is of another split in line {}", known->first, lines[known->second]));
      if (!std::equal(row.begin(), row.end(), labels.begin() + static_cast<std::ptrdiff_t>(known->second * row.size())))
        list.fail(fmt::format("'{}' has other labels in line {}", known->first, lines[known->second]));
      ++again;
    }
  }
  if (!out.unread_split.empty()) out.splits.clear();
  list.compare_count(out.notes);
  if (again > 0) out.notes.push_back({fmt::format("'{}': {} an earlier one", file.string(), counted(again, "row repeats", "rows repeat"))});
  out.labels = at::tensor(labels).view({static_cast<int64_t>(lines.size()), static_cast<int64_t>(columns.size())});
  return out;
}

std::vector<std::string> attribute_list_columns(const std::filesystem::path& file) {
  return attributes_of(ListFile(file, ListFile::Heading::kRequired));
}

}  // namespace secgan
