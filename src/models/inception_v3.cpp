#include "secgan/models/inception_v3.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "core/format.hpp"
#include "nn/parameter_budget.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace inception {
namespace {

/// A convolution with batch norm and ReLU. Stride 1 keeps the side unless `valid`; stride 2 pads nothing.
struct Conv {
  const char* name;
  int64_t out;
  int64_t height, width;
  int64_t stride = 1;
  bool valid = false;
  bool beside = false;  ///< takes what the one before took; their outputs are joined
};

enum class Pool {
  kNone,
  kAverage,  ///< 3/1/1, padding not counted: FID's departure from torchvision
  kMaximum,  ///< 3/1/1
  kHalving,  ///< maximum 3/2/0
};

/// A pool and convolutions one after the other.
struct Branch {
  Pool pool = Pool::kNone;
  std::vector<Conv> convs;
};

/// A child of the network: branches over one map, joined in this order, which is the state's order too. A single
/// branch is a single convolution that bears the child's name.
struct Child {
  const char* name;
  std::vector<Branch> branches;
};

Child single(Conv conv) { return {conv.name, {{Pool::kNone, {conv}}}}; }

std::vector<Conv> double_3x3(int64_t last_stride) {
  return {{"branch3x3dbl_1", 64, 1, 1}, {"branch3x3dbl_2", 96, 3, 3}, {"branch3x3dbl_3", 96, 3, 3, last_stride}};
}

Child mixed_a(const char* name, int64_t pooled) {
  return {name,
          {{Pool::kNone, {{"branch1x1", 64, 1, 1}}},
           {Pool::kNone, {{"branch5x5_1", 48, 1, 1}, {"branch5x5_2", 64, 5, 5}}},
           {Pool::kNone, double_3x3(1)},
           {Pool::kAverage, {{"branch_pool", pooled, 1, 1}}}}};
}

Child mixed_b(const char* name) {
  return {name, {{Pool::kNone, {{"branch3x3", 384, 3, 3, 2}}}, {Pool::kNone, double_3x3(2)}, {Pool::kHalving, {}}}};
}

Child mixed_c(const char* name, int64_t c) {
  return {name,
          {{Pool::kNone, {{"branch1x1", 192, 1, 1}}},
           {Pool::kNone, {{"branch7x7_1", c, 1, 1}, {"branch7x7_2", c, 1, 7}, {"branch7x7_3", 192, 7, 1}}},
           {Pool::kNone,
            {{"branch7x7dbl_1", c, 1, 1},
             {"branch7x7dbl_2", c, 7, 1},
             {"branch7x7dbl_3", c, 1, 7},
             {"branch7x7dbl_4", c, 7, 1},
             {"branch7x7dbl_5", 192, 1, 7}}},
           {Pool::kAverage, {{"branch_pool", 192, 1, 1}}}}};
}

Child mixed_d(const char* name) {
  return {name,
          {{Pool::kNone, {{"branch3x3_1", 192, 1, 1}, {"branch3x3_2", 320, 3, 3, 2}}},
           {Pool::kNone,
            {{"branch7x7x3_1", 192, 1, 1}, {"branch7x7x3_2", 192, 1, 7}, {"branch7x7x3_3", 192, 7, 1}, {"branch7x7x3_4", 192, 3, 3, 2}}},
           {Pool::kHalving, {}}}};
}

Child mixed_e(const char* name, Pool pool) {
  const auto beside = [](const char* conv) { return Conv{conv, 384, 3, 1, 1, false, true}; };
  return {name,
          {{Pool::kNone, {{"branch1x1", 320, 1, 1}}},
           {Pool::kNone, {{"branch3x3_1", 384, 1, 1}, {"branch3x3_2a", 384, 1, 3}, beside("branch3x3_2b")}},
           {Pool::kNone,
            {{"branch3x3dbl_1", 448, 1, 1}, {"branch3x3dbl_2", 384, 3, 3}, {"branch3x3dbl_3a", 384, 1, 3}, beside("branch3x3dbl_3b")}},
           {pool, {{"branch_pool", 192, 1, 1}}}}};
}

/// The children of the four blocks. The first two blocks end in a halving pool.
const std::array<std::vector<Child>, 4>& children() {
  constexpr bool kValid = true;
  static const std::array<std::vector<Child>, 4> table{
      {{single({"Conv2d_1a_3x3", 32, 3, 3, 2}), single({"Conv2d_2a_3x3", 32, 3, 3, 1, kValid}), single({"Conv2d_2b_3x3", 64, 3, 3})},
       {single({"Conv2d_3b_1x1", 80, 1, 1}), single({"Conv2d_4a_3x3", 192, 3, 3, 1, kValid})},
       {mixed_a("Mixed_5b", 32), mixed_a("Mixed_5c", 64), mixed_a("Mixed_5d", 64), mixed_b("Mixed_6a"), mixed_c("Mixed_6b", 128),
        mixed_c("Mixed_6c", 160), mixed_c("Mixed_6d", 160), mixed_c("Mixed_6e", 192)},
       {mixed_d("Mixed_7a"), mixed_e("Mixed_7b", Pool::kAverage), mixed_e("Mixed_7c", Pool::kMaximum)}}};
  return table;
}

at::Tensor pooled(const at::Tensor& x, Pool pool) {
  switch (pool) {
    case Pool::kNone: return x;
    case Pool::kAverage: return at::avg_pool2d(x, {3, 3}, {1, 1}, {1, 1}, /*ceil_mode=*/false, /*count_include_pad=*/false);
    case Pool::kMaximum: return at::max_pool2d(x, {3, 3}, {1, 1}, {1, 1});
    case Pool::kHalving: return at::max_pool2d(x, {3, 3}, {2, 2});
  }
  return x;
}

}  // namespace

class Layer : public torch::nn::Module {
 public:
  virtual at::Tensor forward(const at::Tensor& x) = 0;
  int64_t out = 0;  ///< channels
};

namespace {

class BasicConv final : public Layer {
 public:
  BasicConv(int64_t in, const Conv& c) {
    const bool padded = c.stride == 1 && !c.valid;
    conv_ = register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(in, c.out, {c.height, c.width})
                                                          .stride(c.stride)
                                                          .padding({padded ? c.height / 2 : 0, padded ? c.width / 2 : 0})
                                                          .bias(false)));
    bn_ = register_module("bn", torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(c.out).eps(1e-3)));
    out = c.out;
  }
  at::Tensor forward(const at::Tensor& x) override { return bn_(conv_(x)).relu_(); }

 private:
  torch::nn::Conv2d conv_ = nullptr;
  torch::nn::BatchNorm2d bn_ = nullptr;
};

class Mixed final : public Layer {
 public:
  Mixed(int64_t in, const std::vector<Branch>& branches) {
    for (const Branch& branch : branches) {
      Path& path = paths_.emplace_back();
      path.pool = branch.pool;
      int64_t taken = in, given = in;
      for (const Conv& conv : branch.convs) {
        if (!conv.beside) taken = std::exchange(given, 0);
        path.convs.emplace_back(register_module(conv.name, std::make_shared<BasicConv>(taken, conv)), conv.beside);
        given += conv.out;
      }
      out += given;
    }
  }

  at::Tensor forward(const at::Tensor& x) override {
    std::vector<at::Tensor> outputs;
    for (const Path& path : paths_) {
      at::Tensor z = pooled(x, path.pool), taken;
      for (const auto& [conv, beside] : path.convs) {
        if (!beside) taken = z;
        const at::Tensor output = conv->forward(taken);
        z = beside ? at::cat({z, output}, 1) : output;
      }
      outputs.push_back(z);
    }
    return at::cat(outputs, 1);
  }

 private:
  struct Path {
    Pool pool{};
    std::vector<std::pair<std::shared_ptr<BasicConv>, bool>> convs;  ///< with whether it stands beside the one before
  };
  std::vector<Path> paths_;
};

}  // namespace
}  // namespace inception

InceptionV3Impl::InceptionV3Impl(const InceptionV3Options& options) : options_(options) {
  using namespace inception;
  validate(options);
  int64_t channels = 3;
  for (size_t block = 0; block < blocks_.size(); ++block) {
    for (const auto& [name, branches] : inception::children()[block]) {
      std::shared_ptr<Layer> layer;
      if (branches.size() == 1) {
        layer = std::make_shared<BasicConv>(channels, branches[0].convs[0]);
      } else {
        layer = std::make_shared<Mixed>(channels, branches);
      }
      blocks_[block].push_back(register_module(name, layer));
      channels = layer->out;
    }
  }
  if (has_logits()) ParameterBudget::spend({channels, options.classes});
  if (has_logits()) fc_ = register_module("fc", torch::nn::Linear(channels, options.classes));
}

std::vector<at::Tensor> InceptionV3Impl::blocks(const at::Tensor& image, int64_t count) {
  check_shape(image, "image", {kAny, 3, kAny, kAny}, "[N, 3, H, W]");
  if (image.sym_size(2) < 75 || image.sym_size(3) < 75) {
    throw InvalidArgument(fmt::format("image must be at least 75 x 75 for Inception v3, found {} x {}", image.size(2), image.size(3)));
  }
  if (count < 1 || count > 4) throw InvalidArgument(fmt::format("count {} is not between 1 and 4 blocks", count));
  at::Tensor z = image;
  std::vector<at::Tensor> maps;
  for (size_t block = 0; block < static_cast<size_t>(count); ++block) {
    for (const auto& layer : blocks_[block]) z = layer->forward(z);
    if (block < 2) z = inception::pooled(z, inception::Pool::kHalving);
    maps.push_back(z);
  }
  return maps;
}

at::Tensor InceptionV3Impl::features(const at::Tensor& image, int64_t dims) {
  return blocks(image, inception_block(dims) + 1).back().mean({2, 3});
}

at::Tensor InceptionV3Impl::logits(const at::Tensor& features, bool bias) {
  if (!has_logits()) throw InvalidArgument("this Inception v3 has no logits: its weights came without the classifier fc");
  check_shape(features, "features", {kAny, 2048}, "[N, 2048]");
  return at::linear(features, fc_->weight, bias ? std::optional(fc_->bias) : std::nullopt);
}

int64_t inception_block(int64_t dims) {
  const auto* const found = std::ranges::find(kInceptionDims, dims);
  if (found == kInceptionDims.end())
    throw InvalidArgument(fmt::format("dims {} is none of Inception v3's: {}", dims, fmt::join(kInceptionDims, ", ")));
  return found - kInceptionDims.begin();
}

std::string inception_name_from_wrapper(std::string_view name) {
  // blocks.B.I.rest
  constexpr std::string_view kPrefix = "blocks.";
  if (!name.starts_with(kPrefix)) return std::string(name);
  const char* const end = name.data() + name.size();
  size_t block = 0, child = 0;
  const auto [dot, no_block] = std::from_chars(name.data() + kPrefix.size(), end, block);
  if (no_block != std::errc{} || dot == end || *dot != '.') return std::string(name);
  const auto [rest, no_child] = std::from_chars(dot + 1, end, child);
  const auto& table = inception::children();
  if (no_child != std::errc{} || block >= table.size() || child >= table[block].size()) return std::string(name);
  return table[block][child].name + std::string(rest, end);
}

}  // namespace secgan
