#pragma once
/// What a command on photos writes: named, and known to cost nobody a file, before the first photo is read.

#include <ATen/core/Tensor.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "secgan/image/provenance.hpp"

namespace secgan::cli {

enum class Result {
  kPicture,    ///< the photo's own name; ".png" is added to an ending that is none of .png, .jpg, .jpeg in any case
  kMask,       ///< NAME_mask.png
  kOverlay,    ///< NAME_overlay.png
  kAnimation,  ///< NAME.webp
  kFilm,       ///< NAME.mp4
};

struct PhotoOutputs {
  std::filesystem::path photo;
  std::vector<std::filesystem::path> files;  ///< of the results that were asked for, in their order
};

/// Every file that will be written into `folder`.
/// @param photos  files and folders; of a folder all pictures below it but for those in `folder`, whose results keep its subfolders
/// @param overwrite  also files that no command of ours made
/// @throws InvalidArgument naming both: two results of one name, a result in the place of a photo (links and hard links are seen through),
/// or
///         of somebody else's file. Error where nothing can be written.
std::vector<PhotoOutputs> plan_outputs(const std::vector<std::string>& photos, const std::filesystem::path& folder,
                                       const std::vector<Result>& results, bool overwrite);

/// An option for a file of JSON, besides or instead of what a command prints; '-' is the terminal.
void add_json_option(CLI::App& command, std::string& file, const std::string& help);

/// Before long work: that the file can be written, and costs nobody anything but JSON of the same command.
/// @param file  empty: none   @param keys  the first one that the command writes, and others
/// @throws InvalidArgument naming what is there, Error where nothing can be written.
void require_json_place(const std::string& file, const std::vector<std::string>& keys);

/// What a result says that is no edit: plan_outputs knows it again by its software.
Provenance note();

/// Whether encode_result changes pixels there, as JPEG does.
bool encodes_anew(const std::filesystem::path& file);
/// A picture as its name says, PNG or JPEG.
/// @param image [3, H, W] uint8   @param made  empty: plan_outputs will not know it again
std::string encode_result(const std::filesystem::path& file, const at::Tensor& image, const Provenance& made);
/// @param ids [H, W] uint8 of the twelve classes
std::string encode_mask(const at::Tensor& ids, const Provenance& made);

}  // namespace secgan::cli
