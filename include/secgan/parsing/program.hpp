#pragma once
/// Parsers that come as a program: TorchScript.

#include <filesystem>

#include "secgan/parsing/face_parser.hpp"

namespace secgan {

/// A TorchScript file (torch.jit.save) as a parser's network: evaluation mode, weights without gradients, the photo's
/// gradient kept. Of several answers the first counts. Such a file is a program: load none that you do not trust.
/// @throws FileNotFound, or Error naming the file when it is no TorchScript.
ParserFunction load_torchscript_parser(const std::filesystem::path& file);

}  // namespace secgan
