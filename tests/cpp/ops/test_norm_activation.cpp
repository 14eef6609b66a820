#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "numeric.hpp"
#include "ops/norm_activation.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

constexpr double kEpsilon = 1e-3, kSlope = 0.2;

struct Case {
  at::Tensor input, weight, bias, gradient, covector;

  /// @param channels  70: one whole block of the kernel and a part of one
  explicit Case(at::ScalarType type = at::kDouble, int64_t channels = 70) {
    torch::manual_seed(8);
    const auto map = [&] { return torch::randn({3, channels, 5, 4}, type).contiguous(at::MemoryFormat::ChannelsLast); };
    input = map() * 2 + 0.5;
    gradient = map();
    covector = map();
    weight = torch::rand({channels}, type) + 0.5;
    bias = torch::randn({channels}, type) * 0.3;
  }
};

/// The same by autograd, from LibTorch's own ops.
struct Reference {
  at::Tensor output, of_input, of_weight, of_bias, second_of_gradient, second_of_input, second_of_weight;

  explicit Reference(const Case& c) {
    const at::Tensor x = c.input.detach().requires_grad_(), w = c.weight.detach().requires_grad_(), b = c.bias.detach().requires_grad_(),
                     g = c.gradient.detach().requires_grad_();
    output = at::leaky_relu(at::instance_norm(x, w, b, {}, {}, true, 0.1, kEpsilon, false), kSlope);
    const auto first = torch::autograd::grad({output}, {x, w, b}, {g}, /*retain_graph=*/true, /*create_graph=*/true);
    of_input = first[0], of_weight = first[1], of_bias = first[2];
    const auto second = torch::autograd::grad({(of_input * c.covector).sum()}, {g, x, w});
    second_of_gradient = second[0], second_of_input = second[1], second_of_weight = second[2];
  }
};

void check_agreement(const Case& c, VectorLevel level, double tolerance) {
  const Reference reference(c);
  const NormActivation at = norm_activation(c.input, c.weight, c.bias, kEpsilon, kSlope, level);
  CHECK(max_difference(at.output, reference.output) < tolerance);
  const NormGradient first = norm_activation_gradient(c.gradient, at, level);
  CHECK(max_difference(first.input, reference.of_input) < tolerance);
  CHECK(max_difference(first.weight.sum(0), reference.of_weight) < 10 * tolerance);
  CHECK(max_difference(first.bias.sum(0), reference.of_bias) < 10 * tolerance);
  const NormSecondGradient second = norm_activation_second_gradient(c.covector, c.gradient, at, level);
  CHECK(max_difference(second.gradient, reference.second_of_gradient) < tolerance);
  CHECK(max_difference(second.input, reference.second_of_input) < tolerance);
  CHECK(max_difference(second.weight.sum(0), reference.second_of_weight) < 10 * tolerance);
}

}  // namespace

TEST_CASE("norm and activation as one map are autograd's to second order, whatever the processor's vectors", "[ops]") {
  for (const VectorLevel level : {VectorLevel::kPlain, VectorLevel::kAvx2, VectorLevel::kAvx512}) {
    if (level > processor_vectors()) continue;
    CAPTURE(static_cast<int>(level));
    check_agreement(Case(), level, 1e-12);
    check_agreement(Case(at::kFloat), level, 2e-5);
    check_agreement(Case(at::kDouble, 3), level, 1e-12);
  }
}

TEST_CASE("norm and activation take maps that lie channel by channel, and rows of a batch", "[ops]") {
  const Case c;
  const NormActivation packed = norm_activation(c.input, c.weight, c.bias, kEpsilon, kSlope);
  const NormActivation planes = norm_activation(c.input.contiguous(), c.weight, c.bias, kEpsilon, kSlope);
  CHECK(at::equal(planes.output, packed.output));
  const NormGradient all = norm_activation_gradient(c.gradient, packed);
  const NormGradient some = norm_activation_gradient(c.gradient.narrow(0, 1, 2).contiguous(), packed.rows(1, 2));
  CHECK(at::equal(some.input, all.input.narrow(0, 1, 2)));
  CHECK(at::equal(some.weight, all.weight.narrow(0, 1, 2)));
}

TEST_CASE("norm and activation in bfloat16 sum in float32", "[ops]") {
  const Case c(at::kFloat);
  const at::Tensor input = c.input.to(at::kBFloat16), gradient = c.gradient.to(at::kBFloat16), covector = c.covector.to(at::kBFloat16);
  const NormActivation at = norm_activation(input, c.weight, c.bias, kEpsilon, kSlope);
  const NormActivation wide = norm_activation(input.to(at::kFloat), c.weight, c.bias, kEpsilon, kSlope);
  CHECK(at.output.scalar_type() == at::kBFloat16);
  CHECK(at::equal(at.mean, wide.mean));
  CHECK(at::equal(at.output, wide.output.to(at::kBFloat16)));
  const NormSecondGradient second = norm_activation_second_gradient(covector, gradient, at);
  const NormSecondGradient wide_second = norm_activation_second_gradient(covector.to(at::kFloat), gradient.to(at::kFloat), wide);
  CHECK(at::equal(second.input, wide_second.input.to(at::kBFloat16)));
  CHECK(second.weight.scalar_type() == at::kFloat);
}
