#include "secgan/parsing/parser.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/rules.hpp"
#include "nn/inputs.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/nn/autocast.hpp"
#include "secgan/parsing/bisenet.hpp"
#include "secgan/parsing/unet.hpp"

namespace secgan {
namespace {

struct Entry {
  ParserNetwork network;
  Parser (*make)(const ParserOptions&);
};

template <class Impl>
Parser build(const ParserOptions& options) {
  const std::shared_ptr<ParserImpl> network = std::make_shared<Impl>(options);
  return Parser(network);
}

constexpr Entry kRegistry[] = {
    {ParserNetwork::kUnet, &build<UnetImpl>},
    {ParserNetwork::kBisenetResnet18, &build<BisenetImpl>},
    {ParserNetwork::kBisenetResnet34, &build<BisenetImpl>},
};
static_assert(std::size(kRegistry) == kParserNetworks.size(), "every named parser needs its builder");

}  // namespace

void ParserOptions::validate() const {
  require_positive("classes", classes);
  if (network == ParserNetwork::kUnet) {
    require_positive("dim", unet.dim);
    require_layers("levels", unet.levels);
  }
}

Parser make_parser(const ParserOptions& options) {
  options.validate();
  return std::find_if(std::begin(kRegistry), std::end(kRegistry), [&](const Entry& entry) { return entry.network == options.network; })
      ->make(options);
}

std::vector<at::Tensor> ParserImpl::checked(const at::Tensor& photo, bool main_only) {
  check_shape(photo, "photo", {kAny, 3, kAny, kAny}, "[N, 3, H, W]");
  check_input(*this, photo, "photo");
  for (const int64_t dimension : {2, 3}) {
    // size() would fix the batch as well where an export keeps it open.
    const int64_t side = photo.sym_size(dimension).guard_int(__FILE__, __LINE__);
    if (side < side_multiple() || side % side_multiple() != 0) {
      throw InvalidArgument(fmt::format("photo side {} is not a multiple of {}", side, side_multiple()));
    }
  }
  std::vector<at::Tensor> heads = run(photo, main_only);
  for (at::Tensor& logits : heads) logits = full_precision(logits);
  return heads;
}

at::Tensor ParserImpl::forward(const at::Tensor& photo) { return checked(photo, /*main_only=*/true).front(); }

std::vector<at::Tensor> ParserImpl::heads(const at::Tensor& photo) { return checked(photo, /*main_only=*/false); }

}  // namespace secgan
