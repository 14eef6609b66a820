#pragma once
/// Weights from files into networks: safetensors, or what the public repositories save.

#include <filesystem>

#include "secgan/io/bundle.hpp"
#include "secgan/io/recognize.hpp"

namespace secgan {

/// Loads a network's weights from a safetensors or torch.save file: bare or nested dictionaries, with or without
/// "module." and optimiser state, of PyTorch before or after 1.6; num_batches_tracked may be missing. Never runs code.
/// @throws FileNotFound, or Error naming the file, the first entry that differs, what the file seems to hold and the
///         options that would fit; the network is then unchanged.
void load_weights(Generator& generator, const std::filesystem::path& file);
void load_weights(Discriminator& discriminator, const std::filesystem::path& file);
void load_weights(Parser& parser, const std::filesystem::path& file);

/// The same for any module, without advice on options.
void load_weights(torch::nn::Module& module, const std::filesystem::path& file);

}  // namespace secgan
