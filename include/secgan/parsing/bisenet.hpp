#pragma once
/// BiSeNet (Yu et al., arXiv 1808.00897) as the public face parsers have it: a ResNet, attention, three heads.

#include <memory>
#include <string>
#include <string_view>

#include "secgan/core/export.hpp"
#include "secgan/parsing/parser.hpp"

namespace secgan {

namespace bisenet {
class FeaturePyramid;
class FeatureFusion;
class Head;
}  // namespace bisenet

/// The graph of zllrunning/face-parsing.PyTorch and yakhyo/face-parsing, with the latter's state, entry by entry:
/// `fpn.backbone`, `fpn.arm16`, `fpn.arm32`, `fpn.conv_head32`, `fpn.conv_head16`, `fpn.conv_avg`, `ffm`, `conv_out`,
/// `conv_out16` and `conv_out32`. Their weights expect ImageNet's normalization and the classes of Labels::kFaceParsing.
///
/// Sides are free; the heads are brought to the photo's size. Training needs two photos or more, because the
/// statistics of a batch cover 1 x 1 maps.
class SECGAN_API BisenetImpl final : public ParserImpl {
 public:
  /// @param config  its network says which ResNet
  explicit BisenetImpl(const ParserConfig& config);
  int64_t side_multiple() const override { return 1; }

 private:
  std::vector<at::Tensor> run(const at::Tensor& photo, bool main_only) override;

  std::shared_ptr<bisenet::FeaturePyramid> pyramid_;
  std::shared_ptr<bisenet::FeatureFusion> fusion_;
  std::vector<std::shared_ptr<bisenet::Head>> heads_;
};

/// The name here of an entry of zllrunning/face-parsing.PyTorch's state. All its entries have one; only
/// `fpn.backbone.fc`, which takes no part in parsing, has no counterpart there.
SECGAN_API std::string bisenet_name_from_zllrunning(std::string_view name);

}  // namespace secgan
