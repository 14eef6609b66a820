#pragma once
/// ResNets (He et al., arXiv 1512.03385) as feature extractors, with torchvision's state.

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/nn/blocks.hpp"

namespace secgan {

enum class ResNetDepth {
  k18,  ///< 2, 2, 2, 2 basic blocks
  k34,  ///< 3, 4, 6, 3 basic blocks
  k50,  ///< 3, 4, 6, 3 bottlenecks, the stride on their 3x3 convolution
};
inline constexpr std::array<std::pair<std::string_view, ResNetDepth>, 3> kResNetDepths{
    {{"18", ResNetDepth::k18}, {"34", ResNetDepth::k34}, {"50", ResNetDepth::k50}}};
template <>
struct EnumNames<ResNetDepth> {
  static constexpr auto& table = kResNetDepths;
  static constexpr std::string_view what = "depth";
};

struct ResNetOptions {
  ResNetDepth depth = ResNetDepth::k18;
  int64_t classes = 0;

  static constexpr auto fields() {
    using O = ResNetOptions;
    return std::tuple{
        field<&O::depth>("how many layers"),
        field<&O::classes>(
            "of `fc`, which takes no part in the features and has no gradient: with it, files that have it fit entry by entry; 0: no `fc`",
            rule::kExtentOrNone),
    };
  }
};

/// What SwAV (arXiv 2006.09882) trains, without its heads: the features of ssFID.
inline constexpr ResNetOptions kSwavResNet50{.depth = ResNetDepth::k50, .classes = 0};

/// State: `conv1`, `bn1`, the blocks `layer1.0`, `layer1.1` and so on to `layer4`, and `fc`; a block has `conv1`, `bn1`,
/// `conv2`, `bn2`, as a bottleneck `conv3` and `bn3`, and `downsample` where its sides or channels change.
class SECGAN_API ResNetImpl final : public torch::nn::Module {
 public:
  explicit ResNetImpl(const ResNetOptions& options);

  /// @param image [N, 3, H, W], any sides
  /// @return what each stage gives, finest first: 64, 128, 256, 512 channels (ResNet-50: 256, 512, 1024, 2048) at 1/4,
  /// 1/8, 1/16, 1/32 of the sides, rounded up
  std::vector<at::Tensor> stages(const at::Tensor& image);

  /// The last stage, averaged over height and width.
  /// @param image [N, 3, H, W], any sides   @return [N, feature_count()], at least 0
  at::Tensor features(const at::Tensor& image);

  int64_t feature_count() const { return feature_count_; }
  const ResNetOptions& config() const { return options_; }

 private:
  ResNetOptions options_;
  torch::nn::Conv2d conv1_;
  torch::nn::BatchNorm2d bn1_;
  std::vector<Block> stages_;
  int64_t feature_count_ = 0;
};
TORCH_MODULE(ResNet);

}  // namespace secgan
