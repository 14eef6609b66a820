#pragma once
/// What every command on photos does around its own work.

#include <ATen/core/Tensor.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "cli/outputs.hpp"

namespace secgan::cli {

/// What every command on photos is asked.
struct PhotoRequest {
  std::string model, out, crop, on_error = "stop", device = "auto";
  std::vector<std::string> photos;
  bool overwrite = false;
};

/// @param results  what the command writes, for its help
void add_photos(CLI::App& command, PhotoRequest& request, const std::string& results);

/// A photo's results, encoded, and what to say of them.
struct Finished {
  std::vector<std::string> bytes;  ///< of each planned file
  std::string line;
  std::vector<std::string> notes = {};  ///< what a person should know; said once for all photos that share it
};
using PhotoWork = std::function<Finished(const at::Tensor& photo, const PhotoOutputs& outputs)>;

/// Carries out a step of one photo's, whose name stands before its errors.
/// @return false where it failed, and the request says that such photos are skipped
bool succeeds(const PhotoRequest& request, const PhotoOutputs& one, const std::function<void()>& step);
/// @throws Error that counts those that were skipped
void require_all(size_t done, size_t given);

/// Photos are read, worked on and written one by one, so that memory holds one, whatever their number.
void each_photo(const PhotoRequest& request, std::vector<PhotoOutputs> plan, const PhotoWork& work);

}  // namespace secgan::cli
