#include "secgan/nn/program.hpp"

#include "targets.hpp"

namespace secgan::fuzz {

/// What is no program is refused as such. Programs themselves are trusted, and read by LibTorch alone.
void program(std::string_view bytes) {
  if (bytes.find("constants.pkl") != std::string_view::npos || bytes.find("data/aotinductor/") != std::string_view::npos) return;
  load_program(file_of("program", bytes));
  require(false, "not a program");
}

}  // namespace secgan::fuzz
