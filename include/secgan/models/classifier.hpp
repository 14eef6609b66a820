#pragma once
/// The attribute classifier: independent of every discriminator, it predicts what a photo shows and scores edits.

#include <cstdint>
#include <tuple>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/nn/blocks.hpp"

namespace secgan {

struct ClassifierOptions {
  int64_t dim = 24;
  int64_t max_dim = 192;
  int64_t members = 1;

  static constexpr auto fields() {
    using O = ClassifierOptions;
    return std::tuple{
        field<&O::dim>("channels of the first convolution", rule::kExtent),
        field<&O::max_dim>("cap on every convolution's channels", rule::kExtent),
        field<&O::members>("networks that differ by their first weights and answer together, by the mean of their logits",
                           Rule{.low = 1, .high = 64}),
    };
  }
};

/// A classifier in full: what the data say, and its options.
struct ClassifierConfig {
  int64_t attributes = 13;
  int64_t image_size = 128;
  ClassifierOptions options = {};

  static constexpr auto fields() {
    using O = ClassifierConfig;
    return std::tuple_cat(
        std::tuple{
            field<&O::attributes>("how many it predicts", rule::kExtent),
            field<&O::image_size>("side in pixels", rule::multiple_of(32)),
        },
        inlined<&O::options>());
  }
};

/// Convolutions 4/2/1 with batch norm down to at most 4 x 4, one 3/1/1 after every second of them, a linear layer.
/// State: `features.{i}.{0, 1}.*`, `head.0.*`; of several members each below `members.{m}.`.
class SECGAN_API AttributeClassifierImpl final : public torch::nn::Module {
 public:
  explicit AttributeClassifierImpl(const ClassifierConfig& config);
  /// @param photo [N, 3, S, S] in [-1, 1]   @return [N, A] logits
  at::Tensor forward(const at::Tensor& photo);
  /// What each member says, whose mean is the answer: members are trained by it, each for itself.
  /// @param photo [N, 3, S, S] in [-1, 1]   @return [N, M, A] logits
  at::Tensor member_logits(const at::Tensor& photo);
  /// What the linear layers see, the members' one after the other.
  /// @param photo [N, 3, S, S] in [-1, 1]   @return [N, M * C, S', S'] with S' at most 4, at least 0
  at::Tensor features(const at::Tensor& photo);
  const ClassifierConfig& config() const { return config_; }

 private:
  struct Member {
    Block features, head;
  };

  /// Each member's [N, C, S', S'].
  std::vector<at::Tensor> maps(const at::Tensor& photo);

  ClassifierConfig config_;
  std::vector<Member> members_;
};
TORCH_MODULE(AttributeClassifier);

/// @throws InvalidArgument naming the option, the rule and the value.
SECGAN_API AttributeClassifier make_classifier(const ClassifierConfig& config);

}  // namespace secgan
