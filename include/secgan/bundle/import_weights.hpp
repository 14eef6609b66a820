#pragma once
/// Bundles out of what the public repositories save.

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "secgan/bundle/bundle.hpp"
#include "secgan/core/export.hpp"
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
  std::vector<std::string> attributes = {};
  std::optional<int64_t> image_size = {};
  std::string crop = {};
  std::optional<double> intensity = {};
  std::string classifier = {};
  std::string parser = {};
  std::string license = {};
  std::string entry = {};

  static constexpr auto fields() {
    using O = ImportOptions;
    return std::tuple{
        field<&O::attributes>("the generator's attributes, in its order; default: the repository's published list, where the count fits"),
        field<&O::image_size>("side of the photos it was trained on; default 128, parsers 512", rule::kPositive),
        field<&O::crop>("none, center, center:N or box:x,y,w,h; default: center:170 (AttGAN), center:178 (STGAN, StarGAN), none (parsers)"),
        field<&O::intensity>("what strength 1 means; default: the repository's test script", rule::kStrength),
        field<&O::classifier>("bundle whose classifier is included, for edits without given labels"),
        field<&O::parser>("bundle whose parser is included"),
        field<&O::license>("of the weights, for people to read", {}, "licence"),
        field<&O::entry>("which of several states in the file, as G_ema or state_dict.model; default: the one that fits, an average first"),
    };
  }
  /// @throws InvalidArgument for a crop in another form.
  SECGAN_API void check() const;
  friend bool operator==(const ImportOptions&, const ImportOptions&) = default;
};

/// Reads the generator or parser in `file`; its options are read off the tensors. AttGAN-PyTorch's setting.txt is read
/// too where it lies beside the file or one folder up, as that repository leaves it.
/// @param note  receives, for people, which of several states was taken; empty where there was one
/// @throws FileNotFound, Error naming the file and what it seems to hold, or as load_weights, or InvalidArgument for options that do not
/// fit.
SECGAN_API Bundle import_weights(WeightOrigin origin, const std::filesystem::path& file, const ImportOptions& options = {},
                                 std::string* note = nullptr);

}  // namespace secgan
