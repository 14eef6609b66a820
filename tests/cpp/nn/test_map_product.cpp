#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "nn/map_product.hpp"

using namespace secgan;

TEST_CASE("a convolution as a product is the convolution, of any kernel, stride, padding and batch", "[engine]") {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(4);
  struct Case {
    int64_t kernel, stride, padding;
  };
  for (const auto& [kernel, stride, padding] : {Case{4, 2, 1}, {3, 1, 1}, {5, 2, 2}, {1, 1, 0}, {2, 3, 0}, {7, 1, 0}}) {
    for (const int64_t photos : {1, 3}) {
      for (const bool with_bias : {false, true}) {
        CAPTURE(kernel, stride, padding, photos, with_bias);
        const at::Tensor x = torch::randn({photos, 5, 7, 8}).contiguous(at::MemoryFormat::ChannelsLast);
        const at::Tensor bias = with_bias ? torch::randn({6}) : at::Tensor();
        const at::Tensor weight = torch::randn({6, 5, kernel, kernel});
        const at::Tensor plain = at::conv2d(x, weight, bias, stride, padding);
        // Packed for another number of pixels, as for another batch.
        const at::Tensor found = MapProduct(weight, bias, {stride, padding, false}, 11)(x);
        CHECK(found.sizes() == plain.sizes());
        CHECK(at::allclose(found, plain, 1e-4, 1e-4));

        const at::Tensor turned = weight.transpose(0, 1).contiguous();  // [in, out, k, k]
        const at::Tensor plain_transposed = at::conv_transpose2d(x, turned, bias, stride, padding);
        const at::Tensor found_transposed = MapProduct(turned, bias, {stride, padding, true}, 11)(x);
        CHECK(found_transposed.sizes() == plain_transposed.sizes());
        CHECK(at::allclose(found_transposed, plain_transposed, 1e-4, 1e-4));
      }
    }
  }
}

TEST_CASE("products take small maps with many weights alone", "[engine]") {
  const at::Tensor many = torch::empty({1536, 512, 4, 4}), few = torch::empty({64, 64, 4, 4});
  CHECK(MapProduct::pays(many, 8, 8));
  CHECK_FALSE(MapProduct::pays(many, 16, 16));
  CHECK_FALSE(MapProduct::pays(few, 4, 4));
}
