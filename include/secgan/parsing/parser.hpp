#pragma once
/// Face parsers: photo in, class logits per pixel out. The networks of this library, picked by name.

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
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
  int64_t dim = 16;
  int64_t levels = 4;

  static constexpr auto fields() {
    using O = UnetOptions;
    return std::tuple{
        field<&O::dim>("channels at full resolution, doubled per level", rule::kExtent),
        field<&O::levels>("resolutions; sides must be multiples of 2^(levels - 1)", rule::kLayers),
    };
  }
};

struct SECGAN_API ParserOptions {
  ParserNetwork network = ParserNetwork::kUnet;
  UnetOptions unet = {};  ///< read when network is kUnet

  Record record();
  /// The network's own options alone; only the U-Net has some.
  Record network_record();
};

/// A parser network in full: what its classes say, and its options.
struct SECGAN_API ParserConfig {
  ParserOptions options = {};
  int64_t classes = 19;  ///< 19 for the public label sets, 12 for a parser that was trained on the merged classes

  Record record();
};

/// Interface of every parser network that is picked at run time.
class SECGAN_API ParserImpl : public torch::nn::Module {
 public:
  explicit ParserImpl(const ParserConfig& config) : config_(config) {}

  /// @param photo [N, 3, H, W], normalized as the network expects   @return [N, classes, H, W] logits
  /// @throws InvalidArgument for another shape, or sides that are not multiples of `side_multiple()`.
  at::Tensor forward(const at::Tensor& photo);
  /// The logits of every head, each at the photo's size, the main one first; training sums a loss over all of them.
  std::vector<at::Tensor> heads(const at::Tensor& photo);

  virtual int64_t side_multiple() const = 0;
  const ParserConfig& config() const { return config_; }

 protected:
  /// @param main_only  leave out the auxiliary heads
  virtual std::vector<at::Tensor> run(const at::Tensor& photo, bool main_only) = 0;

 private:
  std::vector<at::Tensor> checked(const at::Tensor& photo, bool main_only);

  ParserConfig config_;
};
TORCH_MODULE(Parser);

/// Builds the network that the options name.  @throws InvalidArgument when options break a rule.
SECGAN_API Parser make_parser(const ParserConfig& config);

}  // namespace secgan
