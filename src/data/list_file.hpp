#pragma once
/// Lists of photos as they are handed around: CelebA's text files, CSV tables, what pandas and spreadsheets write.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/data/dataset.hpp"
#include "secgan/data/photo_names.hpp"

namespace secgan {

/// 1, 0 or -1 for a cell that is a label: 1, +1, 1.0, True, 0, 0.0, False, -1, -1.0.
std::optional<int> label_of(std::string_view cell);

/// A list row by row: the one reading of every list there is. It takes
/// - UTF-8, or UTF-16 with a byte-order mark; any line ends; blank lines and those that begin with '#' are ignored;
/// - cells between commas, semicolons, tabs or spaces, quoted as in RFC 4180 or not;
/// - as heading a line with the number of rows, one with the columns' names, both, or where it is optional none;
/// - the photo's name under a heading that says so, else in the first column that is no index. Between spaces a name may hold spaces.
class ListFile {
 public:
  enum class Heading { kRequired, kOptional };
  /// @throws FileNotFound; Error that names what the file is instead, or "file:line: what is wrong".
  ListFile(std::filesystem::path file, Heading need);

  const std::filesystem::path& file() const { return file_; }
  /// Names of the columns, less the photo's and those without one; empty without a heading.
  const std::vector<std::string>& columns() const { return columns_; }

  /// Goes to the next row; false behind the last.  @throws Error for a row that does not fit the heading.
  bool next();
  /// Of the current row, from 1.
  size_t line() const { return line_; }
  /// The photo's name: relative, with '/' between its parts, without "..".  @throws Error for any other.
  std::string photo() const;
  /// Cells behind the photo's, by the order of columns(); without a heading all of them.
  size_t cells() const { return places_.size(); }
  std::string_view cell(size_t column) const { return words_[places_.at(column)]; }
  /// @throws Error when the cell is none.
  int64_t whole_number_in(size_t column) const;

  /// What the heading says and the rows do not, once all are read.
  void compare_count(std::vector<DataNote>& notes) const;
  /// @throws Error "file:line: what"
  [[noreturn]] void fail(std::string_view what) const;

 private:
  bool next_line();
  void find_separator();
  std::string_view line_at(size_t begin, size_t& next) const;
  void split(std::string_view line);
  void split_words(std::string_view line);
  std::string_view quoted(std::string_view line, size_t& at);
  void place_columns(std::vector<std::string> heading);
  void fit_row();

  std::filesystem::path file_;
  std::string text_;
  size_t begin_ = 0, line_ = 0;
  char separator_ = ' ';
  std::vector<std::string_view> words_;  // of the current line
  std::optional<int64_t> announced_;
  int64_t rows_ = 0;
  bool first_row_pending_ = false;
  size_t width_ = 0, photo_ = 0;  // cells of a row, and the photo's
  std::vector<std::string> columns_;
  std::vector<size_t> places_;  // of columns_ among the cells
};

/// The photo that a list means by a name.  @throws Error naming the list where it may be two.
std::optional<size_t> find_listed(const PhotoNames& photos, const std::string& name, const std::filesystem::path& list);

}  // namespace secgan
