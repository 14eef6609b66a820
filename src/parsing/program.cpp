#include "secgan/parsing/program.hpp"

#include "secgan/nn/program.hpp"

namespace secgan {

ParserFunction load_torchscript_parser(const std::filesystem::path& file) { return load_torchscript(file); }

}  // namespace secgan
