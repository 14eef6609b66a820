#pragma once
/// Weights from files into networks: safetensors, or what the public repositories save.

#include <filesystem>
#include <string_view>

#include "secgan/core/export.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/models/inception_v3.hpp"
#include "secgan/nn/resnet.hpp"
#include "secgan/parsing/parser.hpp"

namespace secgan {

/// Loads a network's weights from a safetensors or torch.save file, or from the index of one in several parts: dictionaries bare or
/// nested, beside whatever else there is, names with or without the words that wrappers put before or into them, of PyTorch before or
/// after 1.6. num_batches_tracked and a parser's auxiliary heads may be missing. Of two states that fit an average over training ("ema")
/// is taken. Never runs code.
/// @param entry  where in the file: "G", "state_dict.model"; empty: wherever a state fits
/// @return for people, which of several states was taken; empty where there was one
/// @throws FileNotFound, or Error naming the file and the first entry that differs, what the file seems to hold and the
///         options that would fit, or the first tensor that is not finite, or states that fit of which none is an average; the network is
///         then unchanged.
SECGAN_API std::string load_weights(Generator& generator, const std::filesystem::path& file, std::string_view entry = {});
SECGAN_API std::string load_weights(Discriminator& discriminator, const std::filesystem::path& file, std::string_view entry = {});
SECGAN_API std::string load_weights(Parser& parser, const std::filesystem::path& file, std::string_view entry = {});

/// Of the FID Inception v3 as a bare checkpoint or as pytorch-fid's module saves itself, which has no classifier.
SECGAN_API std::string load_weights(InceptionV3& network, const std::filesystem::path& file, std::string_view entry = {});
/// Of a ResNet in torchvision's layout; the heads that SwAV trains with (`projection_head`, `prototypes`) are ignored.
SECGAN_API std::string load_weights(ResNet& network, const std::filesystem::path& file, std::string_view entry = {});

/// The FID Inception v3 that a file holds, with its classifier where the file has one, in evaluation mode.
/// @throws as load_weights.
SECGAN_API InceptionV3 read_inception_v3(const std::filesystem::path& file);
/// The ResNet-50 that SwAV trained, in evaluation mode.  @throws as load_weights.
SECGAN_API ResNet read_swav_resnet50(const std::filesystem::path& file);

/// Where these weights come from, for messages and help. They are the user's: nothing is ever downloaded.
inline constexpr std::string_view kInceptionWeightsOrigin =
    "pt_inception-2015-12-05-6726825d.pth, from the release fid_weights of the pytorch-fid project (github.com/mseitzer/pytorch-fid)";
inline constexpr std::string_view kSwavWeightsOrigin =
    "swav_800ep_pretrain.pth.tar, from the SwAV project (github.com/facebookresearch/swav)";

/// The same for any module, without advice on options.
SECGAN_API std::string load_weights(torch::nn::Module& module, const std::filesystem::path& file, std::string_view entry = {});

}  // namespace secgan
