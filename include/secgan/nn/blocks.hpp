#pragma once
/// Blocks shared by every backbone: convolution, normalization and activation in one line.

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"

namespace secgan {

enum class Normalization {
  kNone,
  kBatch,
  kInstance,         ///< affine, statistics of the sample in train and eval mode alike
  kTrackedInstance,  ///< the same, with running statistics that are kept (the public state has them) but never used
  kRunningInstance,  ///< the same, and used in eval mode as PyTorch does: another network than the one that was trained
  kSwitchable,       ///< instance, layer and batch statistics, mixed by learned weights (arXiv 1806.10779)
};
inline constexpr std::array<std::pair<std::string_view, Normalization>, 6> kNormalizations{
    {{"none", Normalization::kNone},
     {"batchnorm", Normalization::kBatch},
     {"instancenorm", Normalization::kInstance},
     {"instancenorm-tracked", Normalization::kTrackedInstance},
     {"instancenorm-running", Normalization::kRunningInstance},
     {"switchnorm", Normalization::kSwitchable}}};
template <>
struct EnumNames<Normalization> {
  static constexpr auto& table = kNormalizations;
  static constexpr std::string_view what = "normalization";
};

enum class Activation { kNone, kRelu, kLeakyRelu, kSigmoid, kTanh };
inline constexpr std::array<std::pair<std::string_view, Activation>, 5> kActivations{{{"none", Activation::kNone},
                                                                                      {"relu", Activation::kRelu},
                                                                                      {"lrelu", Activation::kLeakyRelu},
                                                                                      {"sigmoid", Activation::kSigmoid},
                                                                                      {"tanh", Activation::kTanh}}};
template <>
struct EnumNames<Activation> {
  static constexpr auto& table = kActivations;
  static constexpr std::string_view what = "activation";
};

/// How a decoder doubles the side of its feature maps.
enum class Upsampling {
  kTransposed,  ///< transposed convolution 4/2/1, as published
  kNearest,     ///< nearest neighbor, then convolution 3/1/1: no checkerboard
  kBilinear,    ///< bilinear, then convolution 3/1/1
  kSubpixel,    ///< convolution 3/1/1 to four times the channels, then pixel shuffle; begins as nearest neighbor (arXiv 1707.02937)
};
inline constexpr std::array<std::pair<std::string_view, Upsampling>, 4> kUpsamplings{{{"transposed", Upsampling::kTransposed},
                                                                                      {"nearest", Upsampling::kNearest},
                                                                                      {"bilinear", Upsampling::kBilinear},
                                                                                      {"subpixel", Upsampling::kSubpixel}}};
template <>
struct EnumNames<Upsampling> {
  static constexpr auto& table = kUpsamplings;
  static constexpr std::string_view what = "upsampling";
};

/// What follows a linear map: its norm and activation.
struct Epilogue {
  Normalization norm = Normalization::kNone;
  Activation activation = Activation::kNone;
  double slope = 0.01;       ///< of leaky ReLU; 0.01 in AttGAN and StarGAN, 0.2 in STGAN
  std::optional<bool> bias;  ///< of the map; unset: where no norm follows
  double epsilon = 1e-5;     ///< of the norm
  double momentum = 0.1;     ///< share of the new statistics in the running ones

  bool has_bias() const { return bias.value_or(norm == Normalization::kNone); }
};

struct Kernel {
  int64_t size = 4;
  int64_t stride = 2;
  int64_t padding = 1;
};

/// A Sequential of tensor maps that can stand inside another one (LibTorch's own cannot: its forward is a template).
class SECGAN_API BlockImpl : public torch::nn::SequentialImpl {
 public:
  at::Tensor forward(const at::Tensor& input) { return SequentialImpl::forward(input); }
};
TORCH_MODULE(Block);

/// Convolution, norm, activation as children "0", "1", … ([N, in, H, W] → [N, out, H', W']).
SECGAN_API Block conv_block(int64_t in, int64_t out, Kernel kernel, Epilogue epilogue);
/// The same that doubles the side.
SECGAN_API Block upsampling_block(int64_t in, int64_t out, Upsampling upsampling, Epilogue epilogue);
/// Linear map, norm (none, batch or switchable), activation ([N, in] → [N, out]).
SECGAN_API Block linear_block(int64_t in, int64_t out, Epilogue epilogue);

/// Puts a block's parts at the end of another.
SECGAN_API void append_parts(Block& block, const Block& parts);

/// One block after the other.
SECGAN_API at::Tensor run_blocks(std::vector<Block>& blocks, at::Tensor z);

/// Registers blocks under `name` as children "0", "1", …
SECGAN_API void register_blocks(torch::nn::Module& owner, const std::string& name, const std::vector<Block>& blocks);

/// Channels doubled per layer, up to a cap; cap 0: none.
SECGAN_API int64_t doubled_width(int64_t base, int64_t doublings, int64_t cap);

/// Weights of every linear map drawn from Glorot's uniform distribution, biases zero: TensorFlow slim's beginning.
SECGAN_API void initialize_glorot(torch::nn::Module& module);

/// `attributes` [N, A] tiled to [N, A, H, W] and appended to the channels of `features` [N, C, H, W].
SECGAN_API at::Tensor append_attributes(const at::Tensor& features, const at::Tensor& attributes);

/// Total number of elements of the trainable tensors.
SECGAN_API int64_t parameter_count(const torch::nn::Module& module);

}  // namespace secgan
