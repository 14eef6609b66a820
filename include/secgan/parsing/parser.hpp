#pragma once
/// Face parsers: photo in, class logits per pixel out. The networks of this library, picked by name.

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/fields.hpp"

namespace secgan {

enum class ParserNetwork {
  kUnet,             ///< small U-Net for small photos (half a million parameters at its defaults)
  kBisenetResnet18,  ///< BiSeNet, 13.3 million parameters; public weights exist, for faces at 448 to 512 pixels
  kBisenetResnet34,  ///< the same over ResNet-34, 23.4 million
};
inline constexpr std::array<std::pair<std::string_view, ParserNetwork>, 3> kParserNetworks{
    {{"unet", ParserNetwork::kUnet},
     {"bisenet-resnet18", ParserNetwork::kBisenetResnet18},
     {"bisenet-resnet34", ParserNetwork::kBisenetResnet34}}};
template <>
struct EnumNames<ParserNetwork> {
  static constexpr auto& table = kParserNetworks;
  static constexpr std::string_view what = "parser";
};

struct UnetOptions {
  int64_t dim = 16;    ///< channels at full resolution, doubled per level
  int64_t levels = 4;  ///< resolutions; sides must be multiples of 2^(levels - 1)

  static void visit(auto& self, auto&& visit) {
    visit("dim", self.dim);
    visit("levels", self.levels);
  }
};

struct ParserOptions {
  ParserNetwork network = ParserNetwork::kUnet;
  int64_t classes = 19;   ///< 19 for the public label sets, 12 for a parser that was trained on the merged classes
  UnetOptions unet = {};  ///< read when network is kUnet

  static void visit(auto& self, auto&& visit) {
    visit("network", self.network);
    visit("classes", self.classes);
    if (self.network == ParserNetwork::kUnet) visit("unet", self.unet);
  }
  /// @throws InvalidArgument naming the option, the rule and the value.
  void validate() const;
};

/// Interface of every parser network that is picked at run time.
class ParserImpl : public torch::nn::Module {
 public:
  explicit ParserImpl(ParserOptions options) : options_(std::move(options)) {}

  /// @param photo [N, 3, H, W], normalized as the network expects   @return [N, classes, H, W] logits
  /// @throws InvalidArgument for another shape, or sides that are not multiples of `side_multiple()`.
  at::Tensor forward(const at::Tensor& photo);
  /// The logits of every head, each at the photo's size, the main one first; training sums a loss over all of them.
  std::vector<at::Tensor> heads(const at::Tensor& photo);

  virtual int64_t side_multiple() const = 0;
  const ParserOptions& options() const { return options_; }

 protected:
  /// @param main_only  leave out the auxiliary heads
  virtual std::vector<at::Tensor> run(const at::Tensor& photo, bool main_only) = 0;

 private:
  std::vector<at::Tensor> checked(const at::Tensor& photo, bool main_only);

  ParserOptions options_;
};
TORCH_MODULE(Parser);

/// Builds the network that the options name.  @throws InvalidArgument when options break a rule.
Parser make_parser(const ParserOptions& options);

}  // namespace secgan
