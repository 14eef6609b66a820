#pragma once
/// TensorBoard event files, written without TensorFlow: framed records of hand-encoded protocol buffers.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "secgan/core/export.hpp"

namespace secgan {

/// CRC-32C (Castagnoli) as the record framing wants it.
SECGAN_API uint32_t crc32c(std::string_view bytes);

class SECGAN_API EventFile {
 public:
  /// Begins a new file in `folder`.
  /// @param first_step  the first step that will be written: TensorBoard hides what earlier files hold of it and of
  ///                    later ones; 0 hides nothing
  EventFile(const std::filesystem::path& folder, int64_t first_step);

  void scalar(int64_t step, std::string_view tag, double value);
  void image(int64_t step, std::string_view tag, std::string_view png, int64_t height, int64_t width);
  void flush();

 private:
  void write(const std::string& payload);

  std::filesystem::path file_;
  std::ofstream stream_;
};

}  // namespace secgan
