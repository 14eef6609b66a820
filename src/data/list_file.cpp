#include "data/list_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <ranges>
#include <utility>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/whole_number.hpp"
#include "io/file_kind.hpp"
#include "secgan/core/attributes.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"

namespace secgan {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
  } else {
    out += {static_cast<char>(0xf0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 63)), static_cast<char>(0x80 | (code >> 6 & 63)),
            static_cast<char>(0x80 | (code & 63))};
  }
}

/// @param bytes  behind the byte-order mark
std::string from_utf16(std::string_view bytes, bool big, const std::string& file) {
  const auto unit = [&](size_t at) {
    const auto first = static_cast<uint8_t>(bytes[at]), second = static_cast<uint8_t>(bytes[at + 1]);
    return static_cast<uint32_t>(big ? first << 8 | second : second << 8 | first);
  };
  std::string out;
  out.reserve(bytes.size() / 2);
  size_t at = 0;
  for (; at + 2 <= bytes.size(); at += 2) {
    uint32_t code = unit(at);
    if (code >= 0xd800 && code < 0xe000) {
      const uint32_t low = at + 4 <= bytes.size() ? unit(at + 2) : 0;
      if (code >= 0xdc00 || low < 0xdc00 || low >= 0xe000) break;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      at += 2;
    }
    append_utf8(out, code);
  }
  if (at != bytes.size()) throw Error(fmt::format("'{}': damaged UTF-16 at byte {}", file, at + 2));
  return out;
}

/// Length of the UTF-8 sequence at a place; 0 where there is none.
size_t utf8_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<uint8_t>(text[at + i]) : uint8_t{0}; };
  const auto follows = [&](size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  if (lead >= 0xc2 && lead < 0xe0) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead < 0xf0) return follows(1) && follows(2) && !(lead == 0xe0 && byte(1) < 0xa0) ? 3 : 0;
  if (lead >= 0xf0 && lead < 0xf5) return follows(1) && follows(2) && follows(3) && !(lead == 0xf0 && byte(1) < 0x90) ? 4 : 0;
  return 0;
}

/// The file's text as UTF-8, without its byte-order mark.
std::string read_text(const std::filesystem::path& path) {
  std::string text = read_file(path, kMostText);
  const std::string file = path.string();
  if (const detail::FileKind kind = detail::file_kind(text);
      kind != detail::FileKind::kText && kind != detail::FileKind::kUtf16 && kind != detail::FileKind::kUnknown)
    throw Error(fmt::format("'{}' is {}: a list of photos is text, as CelebA's .txt or a CSV file", file, detail::describe(kind)));
  if (text.starts_with("\xff\xfe\0\0"sv) || text.starts_with("\0\0\xfe\xff"sv))
    throw Error(fmt::format("'{}' is text in UTF-32: save it as UTF-8", file));
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    text = from_utf16(std::string_view(text).substr(2), text.starts_with("\xfe\xff"), file);
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  for (size_t at = 0; at < text.size();) {
    if (const auto byte = static_cast<uint8_t>(text[at]); byte != 0 && byte < 0x80) {
      ++at;
      continue;
    }
    const size_t length = utf8_length(text, at);
    if (length == 0) {
      const auto line = 1 + std::ranges::count(std::string_view(text).substr(0, at), '\n');
      throw Error(fmt::format("{}:{}: byte 0x{:02x} is not UTF-8: save the list as UTF-8", file, line, static_cast<uint8_t>(text[at])));
    }
    at += length;
  }
  return text;
}

/// Length of the blank at a place, 0 where there is none: also a non-breaking space, and the mark that joined files leave inside.
size_t blank(std::string_view text, size_t at) {
  const char c = text[at];
  if (c > ' ') return 0;
  if (c == ' ' || c == '\t' || c == '\v' || c == '\f') return 1;
  if (c == '\xc2') return text.substr(at).starts_with("\xc2\xa0") ? 2 : 0;
  if (c == '\xef') return text.substr(at).starts_with(kByteOrderMark) ? 3 : 0;
  return 0;
}

size_t skip_blanks(std::string_view text, size_t at) {
  while (at < text.size()) {
    const size_t length = blank(text, at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(skip_blanks(text, 0));
  for (size_t length = 1; length != 0 && !text.empty();) {
    length = 0;
    for (const size_t n : {1, 2, 3}) {
      if (n <= text.size() && blank(text, text.size() - n) == n) length = n;
    }
    text.remove_suffix(length);
  }
  return text;
}

/// Lower-case letters and digits alone: "Image ID" and "image_id" are one heading.
std::string plain(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

/// What the photo's column is called, the surest first.
constexpr std::array kPhotoHeadings{"imageid"sv,  "filename"sv, "imagename"sv, "imagefile"sv, "imagefilename"sv, "imgfilename"sv,
                                    "imgname"sv,  "imgid"sv,    "imgfile"sv,   "image"sv,     "images"sv,        "img"sv,
                                    "photo"sv,    "photos"sv,   "file"sv,      "files"sv,     "imagepath"sv,     "imgpath"sv,
                                    "filepath"sv, "path"sv,     "name"sv,      "idx"sv};
/// What else a heading holds where a list may have none.
constexpr std::array kValueHeadings{"partition"sv, "split"sv, "evaluationstatus"sv, "origidx"sv, "origfile"sv};

std::optional<size_t> photo_column(const std::vector<std::string>& heading) {
  for (const std::string_view known : kPhotoHeadings) {
    for (size_t i = 0; i < heading.size(); ++i) {
      if (plain(heading[i]) == known) return i;
    }
  }
  return std::nullopt;
}

/// What pandas calls the column of its row numbers.
bool names_an_index(std::string_view heading) {
  return heading.empty() || heading.starts_with("Unnamed:") || heading == "index" || heading == "Index";
}

bool is_value(std::string_view cell) { return label_of(cell) || whole_number(cell); }

}  // namespace

std::optional<int> label_of(std::string_view cell) {
  if (cell == "-1" || cell == "-1.0") return -1;
  if (cell == "1" || cell == "+1" || cell == "1.0" || cell == "True" || cell == "true" || cell == "TRUE") return 1;
  if (cell == "0" || cell == "0.0" || cell == "False" || cell == "false" || cell == "FALSE") return 0;
  return std::nullopt;
}

ListFile::ListFile(std::filesystem::path file, Heading need) : file_(std::move(file)), text_(read_text(file_)) {
  find_separator();
  if (!next_line()) throw Error(fmt::format("'{}' holds no row", file_.string()));
  const auto drop_empty_ends = [&] {
    while (words_.size() > 1 && words_.back().empty()) words_.pop_back();
  };
  drop_empty_ends();
  if (words_.size() == 1 && whole_number(words_[0])) {
    announced_ = whole_number(words_[0]);
    if (!next_line()) fail("nothing follows the number of rows");
    drop_empty_ends();
  }
  std::vector<std::string> heading;
  if (need == Heading::kRequired) {
    heading.assign(words_.begin(), words_.end());
    if (std::any_of(words_.begin() + 1, words_.end(), is_value) || is_value(words_[0]))
      fail("not an attribute list: no line with the attributes' names comes before the rows");
  } else if (words_[0].empty() || std::ranges::any_of(words_, [](std::string_view word) {
               const std::string name = plain(word);
               return std::ranges::find(kPhotoHeadings, name) != kPhotoHeadings.end() ||
                      std::ranges::find(kValueHeadings, name) != kValueHeadings.end();
             })) {
    heading.assign(words_.begin(), words_.end());
  }
  first_row_pending_ = heading.empty() || next_line();
  place_columns(std::move(heading));
}

std::string_view ListFile::line_at(size_t begin, size_t& next) const {
  const std::string_view text = text_;
  const size_t end = std::min(text.find_first_of("\r\n", begin), text.size());
  next = end + (text.substr(end).starts_with("\r\n") ? 2 : 1);
  return text.substr(begin, end - begin);
}

/// By the first lines that are no number of rows: those of names, and of a photo.
void ListFile::find_separator() {
  std::vector<std::string_view> lines;
  for (size_t begin = 0, next = 0; begin < text_.size() && lines.size() < 2; begin = next) {
    const std::string_view line = trimmed(line_at(begin, next));
    if (line.empty() || line.front() == '#') continue;
    const std::string_view number = line.substr(0, line.find_first_of(",;"));
    if (lines.empty() && whole_number(number) && line.find_first_not_of(",;", number.size()) == std::string_view::npos) continue;
    lines.push_back(line);
  }
  const auto count = [](std::string_view line, char separator) {
    bool inside = false;
    size_t found = 0;
    for (const char c : line) {
      inside ^= c == '"';
      found += c == separator && !inside ? 1 : 0;
    }
    return found;
  };
  for (const char separator : {',', ';'}) {
    for (const std::string_view line : lines) {
      if (count(line, separator) > 0) {
        separator_ = separator;
        return;
      }
    }
  }
  if (lines.size() < 2 || count(lines[1], '\t') == 0) return;
  const size_t names = count(lines[0], '\t'), cells = count(lines[1], '\t');
  if (names != cells && names + 1 != cells) return;
  // Tabs may also be blanks among others: "-1 1" between two of them is no cell.
  separator_ = '\t';
  for (std::string_view rest = lines[1]; !rest.empty(); rest.remove_prefix(std::min(rest.find('\t'), rest.size() - 1) + 1)) {
    words_.clear();
    split_words(rest.substr(0, rest.find('\t')));
    if (words_.size() > 1 && std::ranges::all_of(words_, is_value)) separator_ = ' ';
  }
}

bool ListFile::next_line() {
  while (begin_ < text_.size()) {
    ++line_;
    const std::string_view line = line_at(begin_, begin_);
    const size_t first = skip_blanks(line, 0);
    if (first == line.size() || line[first] == '#') continue;
    words_.clear();
    separator_ == ' ' ? split_words(line) : split(line);
    if (std::ranges::any_of(words_, [](std::string_view word) { return !word.empty(); })) return true;
  }
  return false;
}

/// The text between quotes, "" in it for one; `at` moves from the first quote behind the last.
std::string_view ListFile::quoted(std::string_view line, size_t& at) {
  // Written over itself: what is unquoted is never longer.
  char* const text = text_.data() + (line.data() - text_.data());
  const size_t begin = ++at;
  size_t length = 0;
  for (;; ++at) {
    if (at >= line.size()) fail("a quote is not closed");
    if (text[at] == '"') {
      if (at + 1 >= line.size() || text[at + 1] != '"') break;
      ++at;
    }
    text[begin + length++] = text[at];
  }
  ++at;
  return line.substr(begin, length);
}

void ListFile::split(std::string_view line) {
  for (size_t at = 0;; ++at) {
    // A tab is a separator here or a blank.
    while (at < line.size() && line[at] != separator_ && blank(line, at) != 0) at += blank(line, at);
    if (at < line.size() && line[at] == '"') {
      words_.push_back(quoted(line, at));
      while (at < line.size() && line[at] != separator_ && blank(line, at) != 0) at += blank(line, at);
      if (at < line.size() && line[at] != separator_) fail(fmt::format("text follows the quoted '{}'", words_.back()));
    } else {
      const size_t end = std::min(line.find(separator_, at), line.size());
      words_.push_back(trimmed(line.substr(at, end - at)));
      at = end;
    }
    if (at >= line.size()) return;
  }
}

void ListFile::split_words(std::string_view line) {
  for (size_t at = skip_blanks(line, 0); at < line.size(); at = skip_blanks(line, at)) {
    if (line[at] == '"') {
      words_.push_back(quoted(line, at));
      continue;
    }
    const size_t begin = at;
    while (at < line.size() && blank(line, at) == 0) ++at;
    words_.push_back(line.substr(begin, at - begin));
  }
}

/// From the heading (may be empty) and the first row, which is the current line.
void ListFile::place_columns(std::vector<std::string> heading) {
  const size_t row = first_row_pending_ ? words_.size() : 0;
  std::optional<size_t> photo = photo_column(heading);
  if (!first_row_pending_) {
    width_ = heading.size();
    photo_ = photo.value_or(width_);
  } else if (heading.empty()) {
    // What ends with numbers may begin with a name of several words.
    const auto from_the_end = words_ | std::views::reverse;
    const auto values = static_cast<size_t>(std::ranges::find_if_not(from_the_end, is_value) - from_the_end.begin());
    width_ = separator_ == ' ' && values > 0 && values < row ? values + 1 : row;
    if (width_ < 2) fail("one word, expected a photo's name and more");
    heading.resize(width_);
  } else {
    // CelebA's heading names the attributes alone, pandas' may leave its row numbers unnamed.
    const bool unnamed = separator_ == ' ' && !photo ? row > heading.size() : row == heading.size() + 1;
    const bool numbered = unnamed && photo && row > *photo + 1 && whole_number(words_[0]) && !is_value(words_[*photo + 1]);
    if (unnamed && (separator_ != ' ' || !photo || numbered)) {
      heading.insert(heading.begin(), "");
      photo = photo ? *photo + 1 : 0;
    }
    width_ = heading.size();
    if (!photo) {
      // A row that is cut short looks like one whose photo has a heading.
      const auto& known = celeba_attribute_names();
      if (row != width_ || announced_ || std::ranges::find(known, heading[0]) != known.end())
        fail(fmt::format("{}, expected a photo's name and {}", counted(row, "cell"), counted(width_, "label")));
      photo = names_an_index(heading[0]) && row > 1 && whole_number(words_[0]) && !is_value(words_[1]) ? 1 : 0;
    }
    photo_ = *photo;
  }
  for (size_t i = 0; i < heading.size(); ++i) {
    if (i == photo_ || (names_an_index(heading[i]) && std::ranges::any_of(heading, [](const auto& name) { return !name.empty(); })))
      continue;
    places_.push_back(i);
    if (!heading[i].empty()) columns_.push_back(heading[i]);
  }
}

/// Makes the current line's cells as many as the heading's.
void ListFile::fit_row() {
  while (separator_ != ' ' && words_.size() > width_ && words_.back().empty()) words_.pop_back();
  const size_t more = words_.size() - std::min(words_.size(), width_);
  if (more > 0 && separator_ == ' ' && !is_value(words_[photo_ + more])) {
    const char* const begin = words_[photo_].data();
    const std::string_view last = words_[photo_ + more];
    words_[photo_] = {begin, static_cast<size_t>(last.data() + last.size() - begin)};
    const auto behind = words_.begin() + static_cast<std::ptrdiff_t>(photo_) + 1;
    words_.erase(behind, behind + static_cast<std::ptrdiff_t>(more));
  }
  if (words_.size() != width_) fail(fmt::format("{}, expected a photo's name and {} more", counted(words_.size(), "cell"), width_ - 1));
}

bool ListFile::next() {
  if (!std::exchange(first_row_pending_, false) && !next_line()) return false;
  fit_row();
  ++rows_;
  return true;
}

std::string ListFile::photo() const {
  const std::string_view cell = words_[photo_];
  if (cell.empty()) fail("the photo's name is empty");
  if (cell.find_first_of("/\\") == std::string_view::npos && cell != ".." && cell != ".") return std::string(cell);
  std::string name(cell);
  std::ranges::replace(name, '\\', '/');  // as Windows writes it
  const bool drive = name.size() > 1 && name[1] == ':' && std::isalpha(static_cast<unsigned char>(name[0])) != 0;
  if (name.front() == '/' || drive) fail(fmt::format("'{}' is an absolute name: photos are named from their folder on", cell));
  const std::filesystem::path path = std::filesystem::path(name).lexically_normal();
  for (const auto& part : std::filesystem::path(name)) {
    if (part == "..") fail(fmt::format("'{}' leads out of the photos' folder", cell));
  }
  if (!path.has_filename() || path == ".") fail(fmt::format("'{}' is no photo's name", cell));
  return path.string();
}

int64_t ListFile::whole_number_in(size_t column) const {
  if (column >= cells()) fail(fmt::format("{}, expected {} or more", counted(cells() + 1, "cell"), column + 2));
  const std::optional<int64_t> value = whole_number(cell(column));
  if (!value) fail(fmt::format("'{}' is not a number", cell(column)));
  return *value;
}

void ListFile::compare_count(std::vector<DataNote>& notes) const {
  if (announced_ && *announced_ != rows_) {
    notes.push_back(
        {fmt::format("'{}': its heading announces {}, it has rows for {}", file_.string(), counted(*announced_, "photo"), rows_), true});
  }
}

void ListFile::fail(std::string_view what) const { throw Error(fmt::format("{}:{}: {}", file_.string(), line_, what)); }

std::optional<size_t> find_listed(const PhotoNames& photos, const std::string& name, const std::filesystem::path& list) {
  try {
    return photos.find(name);
  } catch (const Error& error) {
    throw Error(fmt::format("'{}': {}", list.string(), error.what()));
  }
}

}  // namespace secgan
