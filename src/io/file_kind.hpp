#pragma once
/// What a file is, told by its bytes whatever its name says. Every reader's refusal names it.

#include <filesystem>
#include <string_view>

#include "secgan/core/export.hpp"

namespace secgan::detail {

enum class FileKind {
  kUnknown,
  kEmpty,
  // Pictures.
  kJpeg,
  kPng,
  kWebp,
  kHeic,
  kAvif,
  kGif,
  kTiff,
  kBmp,
  kJpegXl,
  kJpeg2000,
  kPhotoshop,
  kIcon,
  kPortableMap,
  kQoi,
  kExr,
  kRadiance,
  kSvg,
  kCameraRaw,
  kVideo,
  kPdf,
  // Text.
  kHtml,
  kXml,
  kGitLfsPointer,
  kGitAnnexPointer,
  kJson,
  kUtf16,
  kText,
  // Archives.
  kZip,
  kTar,
  kGzip,
  kBzip2,
  kXz,
  kZstandard,
  kLz4,
  kSevenZip,
  kRar,
  // Tensors.
  kTorchZip,     ///< torch.save since PyTorch 1.6
  kTorchLegacy,  ///< and before
  kTorchScript,
  kTorchExport,
  kSafetensors,
  kNpz,
  kNumpy,
  kPickle,
  kHdf5,
  kOnnx,
  kGguf,
  kTfLite,
  kMatlab,
  kProgram,
};

/// @param bytes  of the whole file; of its first 4096 most kinds are told too, but for what an archive's directory tells
SECGAN_API FileKind file_kind(std::string_view bytes);

/// Of a file's first 4096 bytes: what is none of the caller's is refused before gigabytes of it are read.
/// @throws as read_file
SECGAN_API FileKind kind_of_head(const std::filesystem::path& file);

/// Whether it is a zip archive, of whatever: its first bytes do not always tell what is in it.
SECGAN_API bool is_zip(FileKind kind);

/// "a WebP picture", "empty", "a Git LFS pointer, not the file itself (run git lfs pull)": what stands behind "FILE is".
SECGAN_API std::string_view describe(FileKind kind);

/// describe(file_kind(bytes))
SECGAN_API std::string_view describe_file(std::string_view bytes);

}  // namespace secgan::detail
