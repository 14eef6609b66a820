#pragma once
/// A small U-Net (Ronneberger et al., arXiv 1505.04597): the parser that trains in a minute or two on a CPU.

#include "secgan/core/export.hpp"
#include "secgan/nn/blocks.hpp"
#include "secgan/parsing/parser.hpp"

namespace secgan {

/// State: `down.{i}.{0, 1}.*`, `up.{i}.{0, 1}.*` (conv, norm), `head.0.*`.
class SECGAN_API UnetImpl final : public ParserImpl {
 public:
  explicit UnetImpl(const ParserConfig& config);
  int64_t side_multiple() const override { return int64_t{1} << (config().options.unet.levels - 1); }

 private:
  std::vector<at::Tensor> run(const at::Tensor& photo, bool main_only) override;

  std::vector<Block> down_;
  std::vector<Block> up_;
  Block head_;
};

}  // namespace secgan
