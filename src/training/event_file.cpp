#include "secgan/training/event_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "core/format.hpp"
#include "core/whole_number.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0x82f63b78u ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}();

// Protocol buffers: a field is its number and wire type, then a varint, 8, 4 or a counted number of bytes.
void varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}
void number(std::string& out, int field, int64_t value) {
  varint(out, static_cast<uint64_t>(field) << 3);
  varint(out, static_cast<uint64_t>(value));
}
template <class T>
void fixed(std::string& out, int field, T value) {
  varint(out, static_cast<uint64_t>(field) << 3 | (sizeof value == 8 ? 1 : 5));
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void bytes(std::string& out, int field, std::string_view value) {
  varint(out, static_cast<uint64_t>(field) << 3 | 2);
  varint(out, value.size());
  out.append(value);
}

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
std::string event(int64_t step) {
  std::string out;
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  fixed(out, 1, now);
  number(out, 2, step);
  return out;
}
std::string summary_event(int64_t step, const std::string& value) {
  std::string summary, out = event(step);
  bytes(summary, 1, value);
  bytes(out, 5, summary);
  return out;
}

}  // namespace

uint32_t crc32c(std::string_view data) {
  uint32_t crc = 0xffffffffu;
  for (const char c : data) crc = kCrcTable[(crc ^ static_cast<uint8_t>(c)) & 0xff] ^ (crc >> 8);
  return crc ^ 0xffffffffu;
}

EventFile::EventFile(const std::filesystem::path& folder, int64_t first_step) {
  // TensorBoard reads a folder's files in the order of their names and never goes back: a later file has a later name, also within a second
  // and after the clock was set back.
  auto second = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  constexpr std::string_view kPrefix = "events.out.tfevents.";
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    const auto other = whole_number(std::string_view(name).substr(kPrefix.size(), 10));
    if (other && *other < 9'999'999'999) second = std::max<int64_t>(second, *other + 1);
  }
  file_ = folder / fmt::format("{}{:010}.secgan", kPrefix, second);
  stream_.open(file_, std::ios::binary);
  if (!stream_) throw Error(fmt::format("'{}': cannot be written: {}", file_.string(), std::generic_category().message(errno)));
  std::string version = event(0);
  bytes(version, 3, "brain.Event:2");
  write(version);
  if (first_step > 0) {
    std::string session, start = event(first_step);
    number(session, 1, 1);  // SessionLog.START
    bytes(start, 7, session);
    write(start);
  }
  flush();
}

void EventFile::write(const std::string& payload) {
  const auto append = [&](std::string_view data) {
    const uint32_t crc = crc32c(data);
    const uint32_t masked = std::rotr(crc, 15) + 0xa282ead8u;
    stream_.write(data.data(), static_cast<std::streamsize>(data.size()));
    stream_.write(reinterpret_cast<const char*>(&masked), sizeof masked);
  };
  const uint64_t size = payload.size();
  append({reinterpret_cast<const char*>(&size), sizeof size});
  append(payload);
}

void EventFile::scalar(int64_t step, std::string_view tag, double value) {
  std::string out;
  bytes(out, 1, tag);
  fixed(out, 2, static_cast<float>(value));
  write(summary_event(step, out));
}

void EventFile::image(int64_t step, std::string_view tag, std::string_view png, int64_t height, int64_t width) {
  std::string image, out;
  number(image, 1, height);
  number(image, 2, width);
  number(image, 3, 3);
  bytes(image, 4, png);
  bytes(out, 1, tag);
  bytes(out, 4, image);
  write(summary_event(step, out));
}

void EventFile::flush() {
  if (!stream_.flush()) throw Error(fmt::format("'{}': cannot be written: {}", file_.string(), std::generic_category().message(errno)));
}

}  // namespace secgan
