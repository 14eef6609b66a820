#include "secgan/parsing/parser.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

#include "core/format.hpp"
#include "nn/inputs.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/ops/precision.hpp"
#include "secgan/parsing/bisenet.hpp"
#include "secgan/parsing/unet.hpp"

namespace secgan {
namespace {

struct Entry {
  ParserNetwork network;
  Parser (*make)(const ParserConfig&);
};

template <class Impl>
Parser build(const ParserConfig& config) {
  const std::shared_ptr<ParserImpl> network = std::make_shared<Impl>(config);
  return Parser(network);
}

constexpr std::array<Entry, 3> kRegistry{{
    {ParserNetwork::kUnet, &build<UnetImpl>},
    {ParserNetwork::kBisenetResnet18, &build<BisenetImpl>},
    {ParserNetwork::kBisenetResnet34, &build<BisenetImpl>},
}};
static_assert(kRegistry.size() == kParserNetworks.size(), "every named parser needs its builder");

}  // namespace

Record ParserOptions::record() {
  Record record;
  record.type = "ParserOptions";
  record.fields = [this] {
    std::vector<FieldRef> fields{field_of(*this, field<&ParserOptions::network>("which network"))};
    if (network == ParserNetwork::kUnet) fields.push_back(field_of(*this, field<&ParserOptions::unet>("options of the U-Net")));
    return fields;
  };
  return record;
}

Record ParserOptions::network_record() {
  if (network == ParserNetwork::kUnet) return record_of(unet);
  return {.type = "ParserOptions", .fields = [] { return std::vector<FieldRef>{}; }, .check = {}};
}

Record ParserConfig::record() {
  Record record;
  record.type = "ParserConfig";
  record.fields = [this] {
    std::vector<FieldRef> fields = options.record().fields();
    fields.insert(fields.begin() + 1, field_of(*this, field<&ParserConfig::classes>("how many it distinguishes", rule::kPositive)));
    return fields;
  };
  return record;
}

Parser make_parser(const ParserConfig& config) {
  validate(config);
  return std::ranges::find_if(kRegistry, [&](const Entry& entry) { return entry.network == config.options.network; })->make(config);
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
