#pragma once
/// Protocol Buffers' encoding, as far as files are written in it: LibTorch carries a Protobuf of its own, and a second one in a process
/// clashes with it.

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace secgan::detail {

/// A message, field by field. Numbers are those of the .proto file.
class ProtobufMessage {
 public:
  /// int64, int32, bool and enumerations.
  void integer(int field, int64_t value) {
    tag(field, 0);
    varint(static_cast<uint64_t>(value));
  }
  void real(int field, float value) {
    tag(field, 5);
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int byte = 0; byte < 4; ++byte) bytes_ += static_cast<char>(bits >> (8 * byte) & 0xff);
  }
  /// Strings and bytes.
  void text(int field, std::string_view value) {
    tag(field, 2);
    varint(value.size());
    bytes_ += value;
  }
  void message(int field, const ProtobufMessage& value) { text(field, value.bytes_); }

  const std::string& bytes() const { return bytes_; }

 private:
  void tag(int field, int type) { varint(static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(type)); }
  /// Seven bits a byte, the lowest first.
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7f) | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace secgan::detail
