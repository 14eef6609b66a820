#pragma once
/// Zip archives in memory, for the formats that are made of them (.npz, .pth).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct zip;

namespace secgan::detail {

/// What an archive's directory says of a member.
struct ZipMember {
  uint64_t index = 0;
  std::string name;
  uint64_t size = 0;
};

/// All members together may unpack to so much: a small archive of zeros, or one whose members share their bytes, asks for any memory.
class ZipArchive {
 public:
  /// @param bytes  of the archive, which outlive it   @throws Error for a damaged directory.
  explicit ZipArchive(std::string_view bytes);

  const std::vector<ZipMember>& members() const { return members_; }
  /// @throws Error for a member that is encrypted, packed by another method than deflate, too large or damaged.
  std::string read(const ZipMember& member);
  /// The same into memory of the member's size.
  void read(const ZipMember& member, char* into);

 private:
  struct Close {
    void operator()(zip* archive) const;
  };
  void admit(const ZipMember& member);
  void unpack(const ZipMember& member, char* into);

  uint64_t file_size_;
  uint64_t left_;  ///< bytes that may still be unpacked
  std::unique_ptr<zip, Close> archive_;
  std::vector<ZipMember> members_;
};

}  // namespace secgan::detail
