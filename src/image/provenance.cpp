#include "image/provenance.hpp"

#include <ATen/ATen.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/report/html.hpp"
#include "secgan/version.hpp"

namespace secgan {
namespace {

using namespace std::string_view_literals;

constexpr auto kIptc = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"sv, kXmp = "http://ns.adobe.com/xap/1.0/"sv,
               kRdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"sv, kOwn = "urn:secgan:1.0:"sv;

/// Most bytes of a packet that is written: a JPEG's segment holds 65504.
constexpr size_t kMostWritten = 60'000;
/// Of a packet and of a text that are read.
constexpr size_t kMostRead = size_t{1} << 20, kMostText = size_t{1} << 16;
constexpr size_t kMostEdits = 4000;
constexpr auto kLeftOut = "..."sv;

constexpr auto kSoftwareKeyword = "Software"sv, kModelKeyword = "secgan model"sv, kHashKeyword = "secgan model hash"sv,
               kEditsKeyword = "secgan edits"sv;

/// Text that XML and PNG can hold: in one line, without what steers a terminal, and without U+FFFE and U+FFFF.
std::string shown(std::string_view text) {
  std::string out = printable(text);
  for (const std::string_view none : {"\xef\xbf\xbe"sv, "\xef\xbf\xbf"sv}) {
    for (size_t at = out.find(none); at != std::string::npos; at = out.find(none, at)) out.replace(at, none.size(), "\xef\xbf\xbd");
  }
  return out;
}

Provenance shown(Provenance made) {
  for (std::string* text : {&made.source_type, &made.software, &made.model, &made.model_hash}) *text = shown(*text);
  for (std::string& edit : made.edits) edit = shown(edit);
  return made;
}

/// The packet of Adobe's XMP specification, part 1.
std::string xmp_packet(const Provenance& made) {
  std::string body;
  const auto add = [&](std::string_view property, std::string_view text) {
    if (!text.empty()) body += fmt::format("   <{0}>{1}</{0}>\n", property, html_escape(text));
  };
  add("Iptc4xmpExt:DigitalSourceType", made.source_type);
  add("xmp:CreatorTool", made.software);
  add("secgan:Model", made.model);
  add("secgan:ModelHash", made.model_hash);
  if (!made.edits.empty()) {
    body += "   <secgan:Edits>\n    <rdf:Seq>\n";
    for (const std::string& edit : made.edits) body += fmt::format("     <rdf:li>{}</rdf:li>\n", html_escape(edit));
    body += "    </rdf:Seq>\n   </secgan:Edits>\n";
  }
  return fmt::format(
      "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
      " <rdf:RDF xmlns:rdf=\"{}\">\n  <rdf:Description rdf:about=\"\" xmlns:Iptc4xmpExt=\"{}\" xmlns:xmp=\"{}\" xmlns:secgan=\"{}\">\n{}"
      "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"w\"?>",
      kRdf, kIptc, kXmp, kOwn, body);
}

std::string big_endian(size_t value, int bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 0xff);
  return out;
}

std::string png_chunk_of(std::string_view name, std::string_view data) {
  const std::string body = fmt::format("{}{}", name, data);
  const auto checksum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(data.size(), 4) + body + big_endian(checksum, 4);
}

/// Latin-1 where that is enough, so that old readers see it.
std::string png_text(std::string_view keyword, std::string_view text) {
  if (text.empty()) return {};
  const bool ascii = std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii && keyword != detail::kXmpKeyword) return png_chunk_of("tEXt", fmt::format("{}{}{}", keyword, '\0', text));
  return png_chunk_of("iTXt", fmt::format("{}{}{}", keyword, "\0\0\0\0\0"sv, text));  // not compressed, no language, no keyword in it
}

std::string jpeg_segment(unsigned char marker, std::string_view body) {
  return std::string{'\xff', static_cast<char>(marker)} + big_endian(body.size() + 2, 2) + std::string(body);
}

/// Text between tags or quotes, with the five entities that XML defines; nothing for any other.
std::optional<std::string> unescaped(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 6> kEntities{
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&#39;", '\''}}};
  std::string out;
  while (!text.empty()) {
    const size_t plain = std::min(text.find('&'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto* const entity = std::ranges::find_if(kEntities, [&](const auto& one) { return text.starts_with(one.first); });
    if (entity == kEntities.end()) return {};
    out += entity->second;
    text.remove_prefix(entity->first.size());
  }
  return out;
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-' || c == '.';
  });
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Finds properties in a packet by their names, and understands nothing else of XML: what a search cannot be sure of is not there.
class XmpText {
 public:
  explicit XmpText(std::string_view xmp) : xmp_(xmp.size() <= kMostRead ? xmp : std::string_view()), rdf_(prefix(kRdf)) {}

  /// The first one that is well formed; empty where there is none.
  std::string text(std::string_view space, std::string_view property) const {
    const std::string name = qualified(prefix(space), property);
    if (name.empty()) return {};
    for (size_t at = xmp_.find(name); at != std::string_view::npos; at = xmp_.find(name, at + name.size())) {
      const char before = at > 0 ? xmp_[at - 1] : '\0';
      std::string_view rest = xmp_.substr(at + name.size(), kMostText + 2);
      std::optional<std::string> found;
      if (before == '<' && rest.starts_with('>')) {
        rest.remove_prefix(1);
        const size_t end = rest.find('<');
        if (end == std::string_view::npos) return {};
        if (closes(at + name.size() + 1 + end, name)) found = unescaped(rest.substr(0, end));
      } else if (is_space(before) && (rest.starts_with("=\"") || rest.starts_with("='"))) {
        const size_t end = rest.find(rest[1], 2);
        if (end == std::string_view::npos) return {};
        const std::string_view value = rest.substr(2, end - 2);
        if (value.find('<') == std::string_view::npos) found = unescaped(value);
      }
      if (found && !found->empty()) return *found;
    }
    return {};
  }

  /// A property's list, an rdf:Seq, in the form that is written.
  std::vector<std::string> list(std::string_view space, std::string_view property) const {
    const std::string name = qualified(prefix(space), property), item = qualified(rdf_, "li"), seq = qualified(rdf_, "Seq");
    std::vector<std::string> out;
    size_t at = name.empty() || item.empty() ? std::string_view::npos : xmp_.find(fmt::format("<{}>", name));
    if (at == std::string_view::npos) return out;
    at += name.size() + 2;
    if (!opens(at, seq)) return out;
    while (out.size() < kMostEdits && opens(at, item)) {
      const size_t end = xmp_.find('<', at);
      if (end == std::string_view::npos || end - at > kMostText || !closes(end, item)) return {};
      const std::optional<std::string> text = unescaped(xmp_.substr(at, end - at));
      if (!text) return {};
      out.push_back(*text);
      at = end + item.size() + 3;
    }
    return out;
  }

 private:
  /// What stands for a namespace, of `xmlns:PREFIX="…"`.
  std::string_view prefix(std::string_view space) const {
    for (size_t at = xmp_.find(space); at != std::string_view::npos; at = xmp_.find(space, at + space.size())) {
      const size_t end = at + space.size();
      if (at < 2 || end >= xmp_.size() || (xmp_[at - 1] != '"' && xmp_[at - 1] != '\'') || xmp_[end] != xmp_[at - 1]) continue;
      constexpr size_t kLongest = 64;
      constexpr auto kDeclares = "xmlns:"sv;
      const size_t from = at > kLongest ? at - kLongest : 0;
      const std::string_view before = xmp_.substr(from, at - 2 - from);
      const size_t begin = before.rfind(kDeclares);
      if (xmp_[at - 2] != '=' || begin == std::string_view::npos) continue;
      const std::string_view name = before.substr(begin + kDeclares.size());
      if (is_name(name)) return name;
    }
    return {};
  }

  static std::string qualified(std::string_view prefix, std::string_view property) {
    return prefix.empty() ? std::string() : fmt::format("{}:{}", prefix, property);
  }

  bool closes(size_t at, std::string_view name) const { return xmp_.substr(at, name.size() + 3) == fmt::format("</{}>", name); }

  /// Whether nothing but space stands before this tag; then `at` is behind it.
  bool opens(size_t& at, std::string_view name) const {
    size_t begin = at;
    while (begin < xmp_.size() && is_space(xmp_[begin])) ++begin;
    if (xmp_.substr(begin, name.size() + 2) != fmt::format("<{}>", name)) return false;
    at = begin + name.size() + 2;
    return true;
  }

  std::string_view xmp_, rdf_;
};

std::vector<std::string> lines_in(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty() && out.size() < kMostEdits) {
    const std::string_view line = text.substr(0, text.find('\n'));
    out.emplace_back(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return out;
}

/// The packet, and what of the provenance it holds.
std::pair<std::string, Provenance> fitted(const Provenance& provenance) {
  Provenance made = shown(provenance);
  std::string packet = xmp_packet(made);
  for (; packet.size() > kMostWritten; packet = xmp_packet(made)) {
    if (made.edits.empty() || made.edits.front() == kLeftOut) {
      throw InvalidArgument(fmt::format("provenance has {} bytes as XMP, at most {} can be written", packet.size(), kMostWritten));
    }
    made.edits.resize((made.edits.size() + 1) / 2);
    made.edits.back() = kLeftOut;
  }
  return {std::move(packet), std::move(made)};
}

}  // namespace

std::string this_software() { return fmt::format("secgan {}", kVersion); }

bool detail::is_provenance_keyword(std::string_view keyword) {
  return keyword == kSoftwareKeyword || keyword == kModelKeyword || keyword == kHashKeyword || keyword == kEditsKeyword;
}

std::string detail::packet_of(const Provenance& provenance) { return fitted(provenance).first; }

std::string detail::with_provenance(std::string encoded, const Provenance& provenance) {
  if (provenance.empty()) return encoded;
  const auto [packet, made] = fitted(provenance);
  // Where the headers end that every file begins with: PNG's IHDR, a JPEG's JFIF.
  constexpr size_t kPngHeader = 33, kJfifHeader = 20;
  if (encoded.starts_with("\x89PNG")) {
    encoded.insert(kPngHeader, png_text(kSoftwareKeyword, made.software) + png_text(kModelKeyword, made.model) +
                                   png_text(kHashKeyword, made.model_hash) +
                                   png_text(kEditsKeyword, fmt::format("{}", fmt::join(made.edits, "\n"))) + png_text(kXmpKeyword, packet));
  } else {
    const std::string comment = made.software.empty() ? "" : jpeg_segment(0xfe, made.software);
    encoded.insert(kJfifHeader, comment + jpeg_segment(0xe1, fmt::format("{}{}", kXmpSegment, packet)));
  }
  return encoded;
}

Provenance detail::provenance_of(const Picture& picture) {
  const XmpText xmp(picture.xmp);
  const auto text = [&](std::string_view keyword) {
    const auto found = std::ranges::find(picture.texts, keyword, [](const auto& one) { return one.first; });
    return found != picture.texts.end() && found->second.size() <= kMostText ? found->second : std::string();
  };
  const auto either = [](std::string first, std::string second) { return first.empty() ? std::move(second) : std::move(first); };
  Provenance out{.source_type = xmp.text(kIptc, "DigitalSourceType"),
                 .software = either(xmp.text(kXmp, "CreatorTool"), text(kSoftwareKeyword)),
                 .model = either(xmp.text(kOwn, "Model"), text(kModelKeyword)),
                 .model_hash = either(xmp.text(kOwn, "ModelHash"), text(kHashKeyword)),
                 .edits = xmp.list(kOwn, "Edits")};
  if (out.edits.empty()) out.edits = lines_in(text(kEditsKeyword));
  return shown(std::move(out));
}

}  // namespace secgan
