#pragma once
/// STGAN (Liu et al., arXiv 1904.09709): an encoder-decoder whose skips pass selective transfer units, which decide
/// from the difference vector what of the encoder's features an edit may keep.

#include <torch/nn/pimpl.h>

#include <torch/nn/modules/conv.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/nn/blocks.hpp"
#include "secgan/nn/state_shapes.hpp"

namespace secgan {

/// What a selective transfer unit hands down to the next finer one.
enum class StuState {
  kStu,     ///< r · ŝ, the state past the reset gate
  kGru,     ///< the unit's output
  kDirect,  ///< ŝ, the upsampled state
};
inline constexpr std::array<std::pair<std::string_view, StuState>, 3> kStuStates{
    {{"stu", StuState::kStu}, {"gru", StuState::kGru}, {"direct", StuState::kDirect}}};
template <>
struct EnumNames<StuState> {
  static constexpr auto& table = kStuStates;
  static constexpr std::string_view what = "stu_state";
};

/// STGAN's generator, named as in STGAN-pytorch.
struct SECGAN_API StganGeneratorOptions {
  int64_t conv_dim = 64;
  int64_t n_layers = 5;
  int64_t shortcut_layers = 3;
  int64_t inject_layers = 0;
  int64_t stu_kernel_size = 3;
  bool use_stu = true;
  Normalization stu_norm = Normalization::kBatch;
  StuState stu_state = StuState::kStu;
  bool one_more_conv = true;
  int64_t one_more_kernel_size = 3;
  bool final_bias = false;
  double slope = 0.2;
  double norm_epsilon = 1e-5;
  double norm_momentum = 0.1;
  int64_t max_dim = 0;
  bool glorot = false;
  Upsampling upsampling = Upsampling::kTransposed;

  static constexpr auto fields() {
    using O = StganGeneratorOptions;
    return std::tuple{
        field<&O::conv_dim>("channels of the first encoder layer, then doubled", rule::kExtent),
        field<&O::n_layers>("each halves the side", rule::kLayers),
        field<&O::shortcut_layers>("decoder layers fed by an encoder skip; at most layers − 1", rule::kExtentOrNone),
        field<&O::inject_layers>("decoder layers followed by the attributes again (official: 4)", rule::kExtentOrNone),
        field<&O::stu_kernel_size>("side of the gates' kernels", rule::kOdd),
        field<&O::use_stu>("selective transfer units in the skips; false: plain skips"),
        field<&O::stu_norm>("norm of the gates (official: none)"),
        field<&O::stu_state>("what a unit hands down to the next finer one"),
        field<&O::one_more_conv>("a last transposed convolution at full size, from conv_dim / 4 channels"),
        field<&O::one_more_kernel_size>("side of its kernel", rule::kOdd),
        field<&O::final_bias>("a bias in the last layer (official: true)"),
        field<&O::slope>("negative slope of leaky ReLU"),
        field<&O::norm_epsilon>("of batch norm (official: 1e-3)", rule::kPositive),
        field<&O::norm_momentum>("share of the new statistics in the running ones (official: 0.001)", rule::kPositiveShare),
        field<&O::max_dim>("cap on every layer's channels; 0: none (official: 1024)", rule::kExtentOrNone),
        field<&O::glorot>("begin with Glorot's weights and zero biases (official: true)"),
        field<&O::upsampling>("how the decoder doubles the side; the units keep transposed convolutions"),
    };
  }

  /// The official TensorFlow version (csmliu/STGAN): four units without norm, attributes after every decoder layer.
  static StganGeneratorOptions official();

  static constexpr std::string_view kBackbone = "stgan";
  static constexpr NetworkRole kRole = NetworkRole::kGenerator;
  void check(const NetworkSpec& spec) const;
  static StganGeneratorOptions small(int64_t width);
  static bool recognize(const StateShapes& state, NetworkSpec& spec, StganGeneratorOptions& options);
};

/// STGAN's discriminator, named as in STGAN-pytorch.
struct SECGAN_API StganDiscriminatorOptions {
  int64_t conv_dim = 64;
  int64_t fc_dim = 1024;
  int64_t n_layers = 5;
  Normalization norm_fn = Normalization::kTrackedInstance;
  bool conv_bias = true;
  double norm_epsilon = 1e-5;
  double slope = 0.2;
  int64_t max_dim = 0;
  bool glorot = false;

  static constexpr auto fields() {
    using O = StganDiscriminatorOptions;
    return std::tuple{
        field<&O::conv_dim>("channels of the first layer, then doubled", rule::kExtent),
        field<&O::fc_dim>("width of both heads", rule::kExtent),
        field<&O::n_layers>("each halves the side", rule::kLayers),
        field<&O::norm_fn>("norm; as PyTorch's eval mode has it: instancenorm-running"),
        field<&O::conv_bias>("a bias in convolutions before a norm (official: false)"),
        field<&O::norm_epsilon>("of the norm (official: 1e-6)", rule::kPositive),
        field<&O::slope>("negative slope of leaky ReLU"),
        field<&O::max_dim>("cap on every layer's channels; 0: none (official: 1024)", rule::kExtentOrNone),
        field<&O::glorot>("begin with Glorot's weights and zero biases (official: true)"),
    };
  }

  /// The official TensorFlow version.
  static StganDiscriminatorOptions official();

  static constexpr std::string_view kBackbone = "stgan";
  static constexpr NetworkRole kRole = NetworkRole::kDiscriminator;
  void check(const NetworkSpec& spec) const;
  static StganDiscriminatorOptions small(int64_t width);
  static bool recognize(const StateShapes& state, NetworkSpec& spec, StganDiscriminatorOptions& options);
};

/// One unit: a GRU cell over scales. Features f [N, C, H, W], state [N, C', H/2, W/2], attributes [N, A]:
///   ŝ = upsample([state; a]), r = reset([f; ŝ]), z = update([f; ŝ]), h = hidden([f; r · ŝ]), output (1 − z) · ŝ + z · h.
/// State: `upsample.weight`, `{reset_gate, update_gate, hidden}.{0 conv, 1 norm}.*`.
class SECGAN_API SelectiveTransferUnitImpl final : public torch::nn::Module {
 public:
  SelectiveTransferUnitImpl(int64_t channels, int64_t state_channels, int64_t attributes, const StganGeneratorOptions& options);

  struct Result {
    at::Tensor output;  ///< [N, C, H, W], for the decoder
    at::Tensor state;   ///< [N, C, H, W], for the next finer unit
  };
  Result forward(const at::Tensor& features, const at::Tensor& state, const at::Tensor& attributes);

 private:
  torch::nn::ConvTranspose2d upsample_;
  Block reset_gate_, update_gate_, hidden_;
  StuState passed_on_;
};
TORCH_MODULE(SelectiveTransferUnit);

/// State: `encoder.{i}.{0, 1}.*`, `stu.{s}.*` (none without units), `decoder.{i}.{0, 1, 3}.*`.
class SECGAN_API StganGeneratorImpl final : public GeneratorImpl {
 public:
  using Options = StganGeneratorOptions;
  StganGeneratorImpl(const NetworkSpec& spec, const Options& options);

 private:
  std::vector<at::Tensor> encode_image(const at::Tensor& image) override;
  at::Tensor decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) override;

  std::vector<Block> encoder_;
  std::vector<SelectiveTransferUnit> units_;
  std::vector<Block> decoder_;
  int64_t shortcuts_;
  int64_t injections_;
};

/// State: `conv.{i}.{0, 1}.*`, `fc_adv.{0, 2}.*`, `fc_att.{0, 2}.*`.
class SECGAN_API StganDiscriminatorImpl final : public DiscriminatorImpl {
 public:
  using Options = StganDiscriminatorOptions;
  StganDiscriminatorImpl(const NetworkSpec& spec, const Options& options);

  std::optional<PenalizedScores> penalized_scores(const at::Tensor& real, const at::Tensor& fake, const at::Tensor& between) override;

 private:
  Scores score(const at::Tensor& image) override;

  std::vector<Block> conv_;
  Block adversarial_head_, attribute_head_;
};

}  // namespace secgan
