#pragma once
/// Bundles out of what the public repositories save.

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/bundle/bundle.hpp"
#include "secgan/core/fields.hpp"

namespace secgan {

/// Whose file it is. That decides what no tensor tells: how photos are cropped and normalized, and in which form the
/// generator takes its attributes.
enum class WeightOrigin {
  kAttGanPyTorch,      ///< elvisyjlin/AttGAN-PyTorch: weights.N.pth
  kStganPyTorch,       ///< bluestyle97/STGAN-pytorch: G_N.pth.tar
  kStarGan,            ///< yunjey/stargan: N-G.ckpt
  kFaceParsing,        ///< zllrunning/face-parsing.PyTorch: 79999_iter.pth
  kFaceParsingYakhyo,  ///< yakhyo/face-parsing: resnet18.pt, resnet34.pt
};
inline constexpr std::array<std::pair<std::string_view, WeightOrigin>, 5> kWeightOrigins{
    {{"attgan-pytorch", WeightOrigin::kAttGanPyTorch},
     {"stgan-pytorch", WeightOrigin::kStganPyTorch},
     {"stargan", WeightOrigin::kStarGan},
     {"face-parsing", WeightOrigin::kFaceParsing},
     {"face-parsing-yakhyo", WeightOrigin::kFaceParsingYakhyo}}};
template <>
struct EnumNames<WeightOrigin> {
  static constexpr auto& table = kWeightOrigins;
  static constexpr std::string_view what = "origin";
};

/// What the file cannot say. Empty fields take the repository's own defaults.
struct ImportOptions {
  std::vector<std::string> attributes;  ///< default: the repository's published list, where the count fits
  std::optional<int64_t> image_size;    ///< default: 128; parsers 512
  std::string crop;                     ///< default: center:170 (AttGAN), center:178 (STGAN, StarGAN), none (parsers)
  std::optional<double> intensity;      ///< default: what the repository's test script does
  std::string classifier;               ///< bundle whose classifier goes along, for edits without given labels
  std::string parser;                   ///< bundle whose parser goes along
  std::string license;                  ///< of the weights
};

/// Reads the generator or parser in `file`; its options are read off the tensors. AttGAN-PyTorch's setting.txt is read
/// too where it lies beside the file or one folder up, as that repository leaves it.
/// @throws FileNotFound, Error naming the file and what it seems to hold, or InvalidArgument for options that do not fit.
Bundle import_weights(WeightOrigin origin, const std::filesystem::path& file, const ImportOptions& options = {});

}  // namespace secgan
