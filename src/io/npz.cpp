#include "secgan/io/npz.hpp"

#include <ATen/ATen.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <ctime>
#include <optional>
#include <set>

#include "core/counted.hpp"
#include "core/dtype.hpp"
#include "core/format.hpp"
#include "io/file_kind.hpp"
#include "io/zip_archive.hpp"
#include "io/zip_handles.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"

namespace secgan {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::string_view kSuffix = ".npy";
constexpr size_t kAlignment = 64;       // of the data, as NumPy writes it
constexpr size_t kMostDimensions = 64;  // NumPy's own limit

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 9> kArrayTypes{{{"f8", at::kDouble},
                                                                                  {"f4", at::kFloat},
                                                                                  {"f2", at::kHalf},
                                                                                  {"i8", at::kLong},
                                                                                  {"i4", at::kInt},
                                                                                  {"i2", at::kShort},
                                                                                  {"i1", at::kChar},
                                                                                  {"u1", at::kByte},
                                                                                  {"b1", at::kBool}}};

/// What an array's header says; a Python dictionary of literals with these three keys.
struct Header {
  std::string type;
  bool fortran = false;
  std::vector<int64_t> shape;
};

class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : text_(text) {}

  Header read() {
    Header header;
    std::set<std::string> seen;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      if (!seen.insert(key).second) fail();
      expect(':');
      if (key == "descr") {
        skip_blanks();
        if (text_.starts_with('[')) throw Error("structured arrays are not supported");
        header.type = string();
      } else if (key == "fortran_order") {
        header.fortran = boolean();
      } else if (key == "shape") {
        header.shape = tuple();
      } else {
        fail();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_blanks();
    if (!text_.empty() || seen.size() != 3) fail();
    return header;
  }

 private:
  [[noreturn]] static void fail() { throw Error("malformed header"); }
  void skip_blanks() { text_.remove_prefix(std::min(text_.find_first_not_of(" \n\t\r"), text_.size())); }
  bool accept(char c) {
    skip_blanks();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail();
  }
  std::string string() {
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const size_t end = text_.find(quote);
    if (end == std::string_view::npos) fail();
    const std::string out(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return out;
  }
  bool boolean() {
    skip_blanks();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, std::pair{std::string_view("False"), false}}) {
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(word.size());
      return value;
    }
    fail();
  }
  std::vector<int64_t> tuple() {
    std::vector<int64_t> out;
    expect('(');
    while (!accept(')')) {
      skip_blanks();
      int64_t extent = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), extent);
      if (error != std::errc() || extent < 0 || out.size() == kMostDimensions) fail();
      text_.remove_prefix(static_cast<size_t>(end - text_.data()));
      if (text_.starts_with('L')) text_.remove_prefix(1);  // Python 2
      out.push_back(extent);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return out;
  }

  std::string_view text_;
};

at::ScalarType scalar_type(std::string_view type) {
  if (type.size() >= 2 && (type[1] == 'O' || type == "O")) throw Error("an array of Python objects, which are never read");
  const auto found =
      std::ranges::find_if(kArrayTypes, [&](const auto& entry) { return type.size() == 3 && entry.first == type.substr(1); });
  if (found == kArrayTypes.end() || (type[0] != '<' && type[0] != '|')) throw Error(fmt::format("type '{}' is not supported", type));
  return found->second;
}

at::Tensor parse_array(std::string_view bytes) {
  const auto take = [&](size_t count) {
    if (count > bytes.size()) throw Error("truncated header");
    const std::string_view out = bytes.substr(0, count);
    bytes.remove_prefix(count);
    return out;
  };
  const auto length = [&](size_t width) {
    size_t out = 0;
    const std::string_view stored = take(width);
    for (size_t i = 0; i < width; ++i) out |= size_t{static_cast<unsigned char>(stored[i])} << (8 * i);
    return out;
  };
  if (!bytes.starts_with(kMagic)) throw Error("not a NumPy array");
  take(kMagic.size());
  const auto version = static_cast<unsigned char>(take(1)[0]);
  take(1);  // minor version
  if (version < 1 || version > 3) throw Error(fmt::format("version {} of the array format is not supported", version));
  const Header header = HeaderReader(take(length(version == 1 ? 2 : 4))).read();
  const at::ScalarType type = scalar_type(header.type);

  // The strides of an empty tensor are products too: they are counted without the zeros.
  uint64_t wanted = c10::elementSize(type);
  bool empty = false;
  for (const int64_t extent : header.shape) {
    empty = empty || extent == 0;
    if (__builtin_mul_overflow(wanted, static_cast<uint64_t>(std::max<int64_t>(extent, 1)), &wanted) || wanted >> 62 != 0)
      throw Error("shape is too large");
  }
  if ((empty ? 0 : wanted) != bytes.size()) {
    throw Error(fmt::format("{} of data, its shape ({}) of {} asks for {}", counted(bytes.size(), "byte"), fmt::join(header.shape, ", "),
                            header.type, empty ? 0 : wanted));
  }
  if (type == at::kBool && std::ranges::any_of(bytes, [](char byte) { return byte != 0 && byte != 1; })) {
    throw Error("a byte is neither true nor false");  // undefined behavior where it would be read
  }
  std::vector<int64_t> stored = header.shape;
  if (header.fortran) std::ranges::reverse(stored);
  at::Tensor tensor = at::empty(stored, type);
  if (!bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), bytes.data(), bytes.size());
  if (!header.fortran) return tensor;
  std::vector<int64_t> order(stored.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(order.size() - 1 - i);
  return tensor.permute(order).contiguous();
}

[[noreturn]] void refuse_kind(std::string_view name, detail::FileKind kind) {
  throw Error(fmt::format("{}: not an .npz file: it is {}", name, detail::describe(kind)));
}

}  // namespace

NamedTensors parse_npz(std::string_view bytes, std::string_view name, const std::vector<std::string>& only) {
  if (!bytes.starts_with("PK")) refuse_kind(name, detail::file_kind(bytes));
  std::optional<detail::ZipArchive> archive;
  try {
    archive.emplace(bytes);
  } catch (const Error& problem) {
    throw Error(fmt::format("{}: {}", name, problem.what()));
  }
  NamedTensors arrays;
  std::set<std::string> names;
  for (const detail::ZipMember& file : archive->members()) {
    if (!file.name.ends_with(kSuffix)) continue;
    const std::string member = file.name.substr(0, file.name.size() - kSuffix.size());
    if (!only.empty() && std::ranges::find(only, member) == only.end()) continue;
    try {
      const at::Tensor array = parse_array(archive->read(file));
      // Which of two were read would depend on the reader.
      if (!names.insert(member).second) throw Error("stands twice");
      arrays.emplace_back(member, array);
    } catch (const Error& problem) {
      throw Error(fmt::format("{}: '{}': {}", name, file.name, problem.what()));
    } catch (const std::bad_alloc&) {
      throw Error(fmt::format("{}: '{}': claims more memory than there is", name, file.name));
    }
  }
  return arrays;
}

NamedTensors load_npz(const std::filesystem::path& file, const std::vector<std::string>& only) {
  if (const detail::FileKind kind = detail::kind_of_head(file); !detail::is_zip(kind)) refuse_kind(file.string(), kind);
  return parse_npz(read_file(file), file.string(), only);
}

std::string encode_npz(const NamedTensors& tensors) {
  if (tensors.empty()) throw InvalidArgument(".npz: no arrays to write");
  std::vector<std::string> members;  // libzip reads them when the archive is closed
  std::set<std::string_view> names;
  for (const auto& [name, tensor] : tensors) {
    const auto type = std::ranges::find_if(kArrayTypes, [&, t = tensor.scalar_type()](const auto& entry) { return entry.second == t; });
    if (type == kArrayTypes.end())
      throw InvalidArgument(fmt::format("array '{}': .npz files have no type {} here", name, dtype_name(tensor)));
    if (name.empty() || !names.insert(name).second) throw InvalidArgument(fmt::format("array '{}': names must be given, and once", name));
    const at::Tensor stored = tensor.detach().to(at::kCPU).contiguous();
    std::string header =
        fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}", stored.element_size() == 1 ? '|' : '<', type->first,
                    fmt::join(stored.sizes(), ", "), stored.dim() == 1 ? "," : "");
    const size_t before = kMagic.size() + 4;  // version and length
    header.resize((before + header.size() + 1 + kAlignment - 1) / kAlignment * kAlignment - before - 1, ' ');
    header += '\n';
    std::string& bytes = members.emplace_back(kMagic);
    bytes += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
    bytes.reserve(bytes.size() + header.size() + stored.nbytes());
    bytes += header;
    bytes.append(static_cast<const char*>(stored.const_data_ptr()), stored.nbytes());
  }

  detail::ZipError error;
  const detail::ZipSource target(zip_source_buffer_create(nullptr, 0, 0, &error));
  detail::ZipHandle archive(target ? zip_open_from_source(target.get(), ZIP_TRUNCATE, &error) : nullptr);
  if (!archive) throw Error(fmt::format(".npz: {}", zip_error_strerror(&error)));
  zip_source_keep(target.get());  // one for the archive, one for reading what it wrote
  for (size_t i = 0; i < members.size(); ++i) {
    detail::ZipSource member(zip_source_buffer(archive.get(), members[i].data(), members[i].size(), 0));
    const int64_t index =
        member ? zip_file_add(archive.get(), (tensors[i].first + std::string(kSuffix)).c_str(), member.get(), ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0) throw InvalidArgument(fmt::format("array '{}': {}", tensors[i].first, zip_strerror(archive.get())));
    static_cast<void>(member.release());  // the archive's now
    // 1980-01-01, the first date that the format can write: the same arrays give the same bytes.
    constexpr zip_uint16_t kFirstDate = (1 << 5) | 1;
    zip_set_file_compression(archive.get(), static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
    zip_file_set_dostime(archive.get(), static_cast<zip_uint64_t>(index), 0, kFirstDate, 0);
  }
  if (zip_close(archive.get()) != 0) throw Error(fmt::format(".npz: {}", zip_strerror(archive.get())));
  static_cast<void>(archive.release());  // closed

  zip_stat_t about;
  if (zip_source_stat(target.get(), &about) != 0 || zip_source_open(target.get()) != 0) throw Error(".npz: cannot be read back");
  std::string bytes(about.size, '\0');
  const int64_t got = zip_source_read(target.get(), bytes.data(), bytes.size());
  zip_source_close(target.get());
  if (got != static_cast<int64_t>(bytes.size())) throw Error(".npz: cannot be read back");
  return bytes;
}

}  // namespace secgan
