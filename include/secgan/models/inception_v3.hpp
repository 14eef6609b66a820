#pragma once
/// The Inception v3 (Szegedy et al., arXiv 1512.00567) that FID and the Inception Score are defined on.

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"

namespace secgan {

namespace inception {
class Layer;
}  // namespace inception

struct InceptionV3Options {
  int64_t classes = 1008;

  static constexpr auto fields() {
    using O = InceptionV3Options;
    return std::tuple{
        field<&O::classes>("of `fc`, as TensorFlow's network of 2015 has them; 0: no `fc`, and no logits", rule::kExtentOrNone),
    };
  }
};

/// Channels of the four blocks, which are the dims that FID is computed on.
inline constexpr std::array<int64_t, 4> kInceptionDims{64, 192, 768, 2048};

/// TensorFlow's network of 2015 as pytorch-fid carries it over: average pools leave their padding out of the count, and
/// the last Mixed block pools by maximum. Torchvision's Inception v3 is another network with other metrics.
///
/// State: torchvision's names, `Conv2d_1a_3x3.conv.weight`, `Conv2d_1a_3x3.bn.*`, …, `Mixed_7c.branch_pool.bn.*`,
/// `fc.{weight, bias}`.
class SECGAN_API InceptionV3Impl final : public torch::nn::Module {
 public:
  explicit InceptionV3Impl(const InceptionV3Options& options = {});

  /// @param image [N, 3, H, W] in [-1, 1], RGB; 299 x 299 for FID, at least 75 x 75
  /// @param count how many blocks to run, 1 to 4
  /// @return their maps: [N, 64, 73, 73], [N, 192, 35, 35], [N, 768, 17, 17], [N, 2048, 8, 8] at 299 x 299
  std::vector<at::Tensor> blocks(const at::Tensor& image, int64_t count = 4);

  /// A block's map, averaged over height and width.
  /// @param dims of kInceptionDims, which picks the block   @return [N, dims], at least 0
  at::Tensor features(const at::Tensor& image, int64_t dims = 2048);

  /// @param features [N, 2048]   @param bias  false: without `fc`'s bias, as the Inception Score's first code
  /// (arXiv 1606.03498) has it   @return [N, classes] logits
  /// @throws InvalidArgument for a network without classes.
  at::Tensor logits(const at::Tensor& features, bool bias = true);

  bool has_logits() const { return options_.classes > 0; }
  const InceptionV3Options& config() const { return options_; }

 private:
  InceptionV3Options options_;
  std::array<std::vector<std::shared_ptr<inception::Layer>>, 4> blocks_;
  torch::nn::Linear fc_ = nullptr;
};
TORCH_MODULE(InceptionV3);

/// Which of the four blocks has these dims, 0 to 3.  @throws InvalidArgument that lists them.
SECGAN_API int64_t inception_block(int64_t dims);

/// The name here of an entry of pytorch-fid's InceptionV3 module: "blocks.2.0.branch1x1.conv.weight" ->
/// "Mixed_5b.branch1x1.conv.weight". Other names stay.
SECGAN_API std::string inception_name_from_wrapper(std::string_view name);

}  // namespace secgan
