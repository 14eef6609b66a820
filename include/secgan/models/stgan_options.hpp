#pragma once
/// Options of STGAN's networks (Liu et al., arXiv 1904.09709), named as in STGAN-pytorch. The official TensorFlow
/// version is an option set of the same networks.

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "secgan/nn/blocks.hpp"

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

struct StganGeneratorOptions {
  int64_t conv_dim = 64;                           ///< channels of the first encoder layer, then doubled
  int64_t n_layers = 5;                            ///< each halves the side
  int64_t shortcut_layers = 3;                     ///< decoder layers fed by an encoder skip; at most layers − 1
  int64_t inject_layers = 0;                       ///< decoder layers followed by the attributes again (official: 4)
  int64_t stu_kernel_size = 3;                     ///< of the gates; odd
  bool use_stu = true;                             ///< false: plain skips
  Normalization stu_norm = Normalization::kBatch;  ///< of the gates (official: none)
  StuState stu_state = StuState::kStu;
  bool one_more_conv = true;                        ///< a last transposed convolution at full size, from conv_dim / 4 channels
  int64_t one_more_kernel_size = 3;                 ///< its kernel; odd
  bool final_bias = false;                          ///< of the last layer (official: true)
  double slope = 0.2;                               ///< leaky ReLU
  double norm_epsilon = 1e-5;                       ///< batch norm (official: 1e-3)
  double norm_momentum = 0.1;                       ///< share of the new statistics (official: 0.001)
  int64_t max_dim = 0;                              ///< cap on every layer's channels; 0: none (official: 1024)
  bool glorot = false;                              ///< begin with Glorot's weights and zero biases (official: true)
  Upsampling upsampling = Upsampling::kTransposed;  ///< of the decoder; the units keep transposed convolutions

  static void visit(auto& self, auto&& visit) {
    visit("conv_dim", self.conv_dim);
    visit("n_layers", self.n_layers);
    visit("shortcut_layers", self.shortcut_layers);
    visit("inject_layers", self.inject_layers);
    visit("stu_kernel_size", self.stu_kernel_size);
    visit("use_stu", self.use_stu);
    visit("stu_norm", self.stu_norm);
    visit("stu_state", self.stu_state);
    visit("one_more_conv", self.one_more_conv);
    visit("one_more_kernel_size", self.one_more_kernel_size);
    visit("final_bias", self.final_bias);
    visit("slope", self.slope);
    visit("norm_epsilon", self.norm_epsilon);
    visit("norm_momentum", self.norm_momentum);
    visit("max_dim", self.max_dim);
    visit("glorot", self.glorot);
    visit("upsampling", self.upsampling);
  }
  void validate(int64_t image_size) const;

  /// The official TensorFlow version (csmliu/STGAN): four units without norm, attributes after every decoder layer.
  static StganGeneratorOptions official();
};

struct StganDiscriminatorOptions {
  int64_t conv_dim = 64;                                    ///< channels of the first layer, then doubled
  int64_t fc_dim = 1024;                                    ///< width of both heads
  int64_t n_layers = 5;                                     ///< each halves the side
  Normalization norm_fn = Normalization::kTrackedInstance;  ///< PyTorch's eval mode: instancenorm-running
  bool conv_bias = true;                                    ///< of convolutions before a norm (official: false)
  double norm_epsilon = 1e-5;                               ///< (official: 1e-6)
  double slope = 0.2;                                       ///< leaky ReLU
  int64_t max_dim = 0;                                      ///< cap on every layer's channels; 0: none (official: 1024)
  bool glorot = false;                                      ///< begin with Glorot's weights and zero biases (official: true)

  static void visit(auto& self, auto&& visit) {
    visit("conv_dim", self.conv_dim);
    visit("fc_dim", self.fc_dim);
    visit("n_layers", self.n_layers);
    visit("norm_fn", self.norm_fn);
    visit("conv_bias", self.conv_bias);
    visit("norm_epsilon", self.norm_epsilon);
    visit("slope", self.slope);
    visit("max_dim", self.max_dim);
    visit("glorot", self.glorot);
  }
  void validate(int64_t image_size) const;

  /// The official TensorFlow version.
  static StganDiscriminatorOptions official();
};

}  // namespace secgan
