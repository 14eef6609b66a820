#include "io/zip_archive.hpp"

#include "core/counted.hpp"
#include "core/format.hpp"
#include "io/zip_handles.hpp"
#include "secgan/core/error.hpp"

namespace secgan::detail {
namespace {

constexpr uint64_t kFree = uint64_t{128} << 20;  // bytes that any archive may unpack to
constexpr uint64_t kExpansion = 16;              // and so many times its own

zip_stat_t stat_of(zip_t* archive, uint64_t index) {
  zip_stat_t about;
  constexpr zip_uint64_t kNeeded =
      ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD | ZIP_STAT_CRC;
  if (zip_stat_index(archive, index, 0, &about) != 0 || (about.valid & kNeeded) != kNeeded) throw Error("damaged directory");
  return about;
}

}  // namespace

void ZipArchive::Close::operator()(zip* archive) const { CloseZip()(archive); }

ZipArchive::ZipArchive(std::string_view bytes) : file_size_(bytes.size()), left_(kFree + kExpansion * bytes.size()) {
  ZipError error;
  ZipSource source(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error));
  archive_.reset(source ? zip_open_from_source(source.get(), ZIP_RDONLY | ZIP_CHECKCONS, &error) : nullptr);
  if (!archive_) throw Error(fmt::format("damaged or truncated archive ({})", zip_error_strerror(&error)));
  static_cast<void>(source.release());  // the archive's now
  const int64_t count = zip_get_num_entries(archive_.get(), 0);
  for (int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<uint64_t>(i);
    const zip_stat_t about = stat_of(archive_.get(), index);
    members_.push_back({index, about.name, about.size});
  }
}

std::string ZipArchive::read(const ZipMember& member) {
  admit(member);
  std::string bytes(member.size, '\0');
  unpack(member, bytes.data());
  return bytes;
}

void ZipArchive::read(const ZipMember& member, char* into) {
  admit(member);
  unpack(member, into);
}

void ZipArchive::admit(const ZipMember& member) {
  const zip_stat_t about = stat_of(archive_.get(), member.index);
  if (about.encryption_method != ZIP_EM_NONE) throw Error("encrypted");
  if (about.comp_method != ZIP_CM_STORE && about.comp_method != ZIP_CM_DEFLATE) {
    throw Error(fmt::format("compression method {} is not supported", about.comp_method));
  }
  const bool stored = about.comp_method == ZIP_CM_STORE;
  if (about.comp_size > file_size_ || (stored && about.size != about.comp_size) || member.size > left_) {
    throw Error(fmt::format("claims {} out of {} in a file of {}", counted(about.size, "byte"), about.comp_size, file_size_));
  }
  left_ -= member.size;
}

void ZipArchive::unpack(const ZipMember& member, char* into) {
  const zip_stat_t about = stat_of(archive_.get(), member.index);
  const ZipFile file(zip_fopen_index(archive_.get(), member.index, 0));
  if (!file) throw Error(zip_strerror(archive_.get()));
  // The checksum is compared where the end is found: one byte more is asked for. torch.save writes 0 where it is told to save the time.
  uint64_t done = 0;
  for (char beyond = 0;;) {
    const bool full = done == member.size;
    if (full && about.crc == 0) break;
    const int64_t got = zip_fread(file.get(), full ? &beyond : into + done, full ? 1 : member.size - done);
    if (got < 0) throw Error(fmt::format("damaged: {}", zip_file_strerror(file.get())));
    if (got == 0) break;
    done += static_cast<uint64_t>(got);
    if (done > member.size) break;
  }
  if (done != member.size) throw Error(fmt::format("damaged: {} instead of {}", counted(done, "byte"), member.size));
}

}  // namespace secgan::detail
