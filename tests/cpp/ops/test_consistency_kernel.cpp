// The fused consistency terms against the composition of LibTorch's ops that they replace.
#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include "numeric.hpp"
#include "ops/consistency_kernel.hpp"
#include "secgan/core/fast_paths.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/ops/semantic_consistency.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

struct Terms {
  at::Tensor image, mask, image_gradient, mask_gradient;
};

/// Both terms, and the gradient of their sum, the second weighted.
Terms terms_of(const at::Tensor& image_logits, const at::Tensor& mask_logits, const std::vector<int64_t>& groups,
               ConsistencyTarget target = ConsistencyTarget::kHard) {
  const at::Tensor image = image_logits.detach().requires_grad_(true), mask = mask_logits.detach().requires_grad_(true);
  const auto [image_term, mask_term] = semantic_consistency(Segmentation(image, groups), Segmentation(mask), target);
  const auto gradients = torch::autograd::grad({image_term + 0.3 * mask_term}, {image, mask});
  return {image_term.detach(), mask_term.detach(), gradients[0], gradients[1]};
}

Terms composed_terms_of(const at::Tensor& image, const at::Tensor& mask, const std::vector<int64_t>& groups,
                        ConsistencyTarget target = ConsistencyTarget::kHard) {
  const FastPathsGuard off(false);
  return terms_of(image, mask, groups, target);
}

/// Largest difference over the largest value.
double relative(const at::Tensor& a, const at::Tensor& b) { return ((a - b).abs().max() / b.abs().max()).to(at::kDouble).item<double>(); }

void check_equal(const Terms& a, const Terms& b, double tolerance) {
  CHECK(relative(a.image, b.image) < tolerance);
  CHECK(relative(a.mask, b.mask) < tolerance);
  CHECK(relative(a.image_gradient, b.image_gradient) < tolerance);
  CHECK(relative(a.mask_gradient, b.mask_gradient) < tolerance);
  CHECK(a.image_gradient.scalar_type() == b.image_gradient.scalar_type());
}

double tolerance(at::ScalarType type) { return type == at::kDouble ? 1e-12 : 1e-5; }

const std::vector<int64_t>& nineteen_to_twelve() {
  static const ClassMerge merge(Labels::kFaceParsing);
  return merge.table();
}

at::Tensor logits(at::IntArrayRef shape, at::ScalarType type) { return 3 * torch::randn(shape, type); }

}  // namespace

TEST_CASE("fused consistency terms and their gradients equal the composed ones, with and without a merge", "[ops][fast_paths]") {
  torch::manual_seed(11);
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    // More than a task of pixels, less than a vector, rows' ends of every length; classes that are merged on both sides or on none.
    for (const auto& [height, width] : {std::pair(72, 61), std::pair(1, 1), std::pair(3, 5), std::pair(8, 16), std::pair(5, 7)}) {
      INFO(c10::toString(type) << ' ' << height << 'x' << width);
      const at::Tensor image = logits({2, 19, height, width}, type), mask = logits({2, 12, height, width}, type);
      check_equal(terms_of(image, mask, nineteen_to_twelve()), composed_terms_of(image, mask, nineteen_to_twelve()), tolerance(type));
      check_equal(terms_of(mask, mask.flip(0), {}), composed_terms_of(mask, mask.flip(0), {}), tolerance(type));
    }
  }
}

TEST_CASE("the fused path is taken where it can be: its graph is its own", "[ops][fast_paths]") {
  torch::manual_seed(12);
  const at::Tensor image = logits({1, 19, 4, 4}, at::kFloat).requires_grad_(true), mask = logits({1, 12, 4, 4}, at::kFloat);
  const auto name = [&] {
    return segmentation_cross_entropy(Segmentation(image, nineteen_to_twelve()), Segmentation(mask)).grad_fn()->name();
  };
  CHECK_THAT(name(), Catch::Contains("HardTerm"));
  const FastPathsGuard off(false);
  CHECK_THAT(name(), !Catch::Contains("HardTerm"));
}

TEST_CASE("every width of vectors computes the same terms, labels and gradients", "[ops][fast_paths]") {
  torch::manual_seed(13);
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const MergedLogits image{logits({1, 19, 9, 11}, type), nineteen_to_twelve()};
    const MergedLogits mask{logits({1, 12, 9, 11}, type), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}};
    const HardTerms plain = hard_consistency_terms(image, mask, {true, true}, VectorLevel::kPlain);
    const at::Tensor gradient = hard_consistency_gradient(image, plain.labels[1], 2.0, VectorLevel::kPlain);
    for (const VectorLevel level : {VectorLevel::kAvx2, VectorLevel::kAvx512}) {
      if (level > processor_vectors()) continue;
      const HardTerms wide = hard_consistency_terms(image, mask, {true, true}, level);
      for (size_t s = 0; s < 2; ++s) {
        CHECK(wide.sums[s] == Approx(plain.sums[s]).epsilon(tolerance(type)));
        CHECK(at::equal(wide.labels[s], plain.labels[s]));
      }
      CHECK(relative(hard_consistency_gradient(image, plain.labels[1], 2.0, level), gradient) < tolerance(type));
    }
  }
}

TEST_CASE("a gradient that exceeds the caches is written past them, where its rows are aligned", "[ops][fast_paths]") {
  torch::manual_seed(14);
  for (const auto& [height, width] : {std::pair(256, 512), std::pair(257, 511)}) {
    const at::Tensor image = logits({2, 19, height, width}, at::kFloat), mask = logits({2, 12, height, width}, at::kFloat);
    check_equal(terms_of(image, mask, nineteen_to_twelve()), composed_terms_of(image, mask, nineteen_to_twelve()), 1e-5);
  }
}

TEST_CASE("fused consistency is right for logits that lie far apart, are huge or rule a class out", "[ops][fast_paths]") {
  torch::manual_seed(15);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    for (const double scale : {30.0, 300.0, 1e4}) {
      INFO(c10::toString(type) << " times " << scale);
      const at::Tensor image = scale * torch::randn({1, 19, 8, 16}, type), mask = scale * torch::randn({1, 12, 8, 16}, type);
      // In float64: composed in float32, a difference of logarithms that are far from 0 has lost more digits.
      const Terms fused = terms_of(image, mask, nineteen_to_twelve());
      const Terms exact = composed_terms_of(image.to(at::kDouble), mask.to(at::kDouble), nineteen_to_twelve());
      CHECK(relative(fused.image, exact.image) < tolerance(type));
      CHECK(relative(fused.mask, exact.mask) < tolerance(type));
      CHECK(relative(fused.image_gradient, exact.image_gradient) < tolerance(type));
      CHECK(relative(fused.mask_gradient, exact.mask_gradient) < tolerance(type));
    }
    // A class that is ruled out on both sides: the background, one of four that become "others", and the glasses, alone.
    at::Tensor image = logits({1, 19, 8, 16}, type), mask = logits({1, 12, 8, 16}, type);
    image.select(1, 0).fill_(-kInfinity);
    image.select(1, 6).fill_(-kInfinity);
    mask.select(1, 3).fill_(-kInfinity);
    check_equal(terms_of(image, mask, nineteen_to_twelve()), composed_terms_of(image, mask, nineteen_to_twelve()), tolerance(type));
    // The other side wants the class that is ruled out: infinite, as composed.
    mask.select(1, 3).fill_(50);
    CHECK(std::isinf(terms_of(image, mask, nineteen_to_twelve()).image.item<double>()));
    CHECK(std::isinf(composed_terms_of(image, mask, nineteen_to_twelve()).image.item<double>()));
  }
}

TEST_CASE("a logit that is not a number is not lost", "[ops][fast_paths]") {
  torch::manual_seed(16);
  for (const int64_t place : {0, 5, 134}) {  // in vectors and in a row's end
    const at::Tensor image = logits({1, 19, 9, 15}, at::kFloat), mask = logits({1, 12, 9, 15}, at::kFloat);
    image.view({19, -1})[3][place] = std::numeric_limits<float>::quiet_NaN();
    CHECK(std::isnan(terms_of(image, mask, nineteen_to_twelve()).image.item<double>()));
  }
}

TEST_CASE("fused consistency takes whatever memory, type and part of the graph it is given", "[ops][fast_paths]") {
  torch::manual_seed(17);
  const at::Tensor image = logits({2, 19, 8, 10}, at::kFloat), mask = logits({2, 12, 8, 10}, at::kFloat);
  const Terms expected = composed_terms_of(image, mask, nineteen_to_twelve());
  check_equal(
      terms_of(image.contiguous(at::MemoryFormat::ChannelsLast), mask.transpose(2, 3).contiguous().transpose(2, 3), nineteen_to_twelve()),
      expected, 1e-5);
  check_equal(terms_of(at::cat({image, image}, 3).narrow(3, 0, 10), mask, nineteen_to_twelve()), expected, 1e-5);

  const at::Tensor half = image.to(at::kBFloat16), half_mask = mask.to(at::kBFloat16);
  const Terms of_half = terms_of(half, half_mask, nineteen_to_twelve());
  const Terms composed_half = composed_terms_of(half, half_mask, nineteen_to_twelve());
  CHECK(of_half.image.scalar_type() == at::kFloat);
  CHECK(relative(of_half.image, composed_half.image) < 1e-5);
  CHECK(of_half.image_gradient.scalar_type() == at::kBFloat16);
  CHECK(relative(of_half.image_gradient.to(at::kFloat), composed_half.image_gradient.to(at::kFloat)) < 1e-2);  // bfloat16 rounds it

  // Only one side, or none, wants a gradient; then each of the terms by itself, one after the other.
  const at::Tensor leaf = image.detach().clone().requires_grad_(true);
  const auto [image_term, mask_term] = semantic_consistency(Segmentation(leaf, nineteen_to_twelve()), Segmentation(mask));
  CHECK(!mask_term.requires_grad());
  CHECK(relative(torch::autograd::grad({image_term}, {leaf})[0], expected.image_gradient) < 1e-5);
  const Segmentation of_image(leaf, nineteen_to_twelve());
  const at::Tensor mask_leaf = mask.detach().clone().requires_grad_(true);
  const Segmentation of_mask(mask_leaf);
  const at::Tensor own = segmentation_cross_entropy(of_mask, of_image.detach());
  CHECK(relative(torch::autograd::grad({0.3 * own}, {mask_leaf})[0], expected.mask_gradient) < 1e-5);
  const at::Tensor other = segmentation_cross_entropy(of_image, of_mask.detach());
  CHECK(relative(torch::autograd::grad({other}, {leaf})[0], expected.image_gradient) < 1e-5);
  CHECK(!segmentation_cross_entropy(of_image.detach(), of_mask.detach()).requires_grad());

  // No pixels, another device, and too many classes are the composition's.
  const Segmentation none(image.narrow(0, 0, 0), nineteen_to_twelve()), no_mask(mask.narrow(0, 0, 0));
  CHECK(segmentation_cross_entropy(none, no_mask).item<double>() == 0);
  const Segmentation meta(image.to(at::kMeta), nineteen_to_twelve()), meta_mask(mask.to(at::kMeta));
  CHECK(segmentation_cross_entropy(meta, meta_mask).is_meta());
  const at::Tensor many = logits({1, 70, 4, 4}, at::kDouble);
  check_equal(terms_of(many, many.flip(1), {}), composed_terms_of(many, many.flip(1), {}), 1e-12);
}

TEST_CASE("soft targets of segmentations are the composition's", "[ops][fast_paths]") {
  torch::manual_seed(18);
  const at::Tensor image = logits({2, 19, 4, 4}, at::kDouble), mask = logits({2, 12, 4, 4}, at::kDouble);
  const at::Tensor image_log_probs = ClassMerge(Labels::kFaceParsing).log_probabilities(image), mask_log_probs = mask.log_softmax(1);
  for (const auto& [name, target] : kConsistencyTargets) {
    INFO(name);
    const auto [image_term, mask_term] = semantic_consistency(Segmentation(image, nineteen_to_twelve()), Segmentation(mask), target);
    const auto [image_composed, mask_composed] = semantic_consistency(image_log_probs, mask_log_probs, target);
    CHECK(image_term.item<double>() == Approx(image_composed.item<double>()).epsilon(1e-12));
    CHECK(mask_term.item<double>() == Approx(mask_composed.item<double>()).epsilon(1e-12));
  }
}

TEST_CASE("fused consistency has right first and second derivatives, also of what is below the gradient", "[ops][fast_paths]") {
  torch::manual_seed(19);
  const at::Tensor image = randn64({1, 5, 2, 3}), mask = randn64({1, 3, 2, 3}), direction = randn64({1, 5, 2, 3});
  const std::vector<int64_t> groups{2, 0, 1, 0, 0};
  const auto f = [&](const at::Tensor& x) {
    return segmentation_cross_entropy(Segmentation(x, groups), Segmentation(mask)).square();  // whose gradient's factor has a gradient
  };
  CHECK(max_difference(analytic_gradient(f, image), numeric_gradient(f, image)) < 1e-8);
  CHECK(max_difference(analytic_hessian_product(f, image, direction), numeric_hessian_product(f, image, direction)) < 1e-8);
  const at::Tensor fused = analytic_hessian_product(f, image, direction);
  const FastPathsGuard off(false);
  CHECK(max_difference(fused, analytic_hessian_product(f, image, direction)) < 1e-12);
}

TEST_CASE("a graph that is kept gives its gradient again, and the same bits whatever the threads", "[ops][fast_paths]") {
  torch::manual_seed(20);
  const at::Tensor image = logits({2, 19, 70, 61}, at::kFloat).requires_grad_(true), mask = logits({2, 12, 70, 61}, at::kFloat);
  const auto term = [&] { return segmentation_cross_entropy(Segmentation(image, nineteen_to_twelve()), Segmentation(mask)); };
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  const at::Tensor two = term();
  const at::Tensor once = torch::autograd::grad({two}, {image}, {}, /*retain_graph=*/true)[0];
  CHECK(at::equal(torch::autograd::grad({2 * two}, {image})[0], 2 * once));
  at::set_num_threads(1);
  const at::Tensor one = term();
  const at::Tensor gradient = torch::autograd::grad({one}, {image})[0];
  at::set_num_threads(threads);
  CHECK(one.item<float>() == two.item<float>());
  CHECK(at::equal(gradient, once));
}

TEST_CASE("segmentations that do not fit each other are refused by name", "[ops][fast_paths]") {
  const at::Tensor nineteen = at::zeros({1, 19, 2, 2}), twelve = at::zeros({1, 12, 2, 2});
  CHECK_THROWS_WITH(semantic_consistency(Segmentation(nineteen), Segmentation(twelve)),
                    Catch::Contains("image and mask must have the same merged shape, found [1, 19, 2, 2] and [1, 12, 2, 2]"));
  CHECK_THROWS_WITH(segmentation_cross_entropy(Segmentation(twelve, nineteen_to_twelve()), Segmentation(twelve)),
                    Catch::Contains("segmentation must be [N, classes, H, W] with dimension 1 = 19, found [1, 12, 2, 2]"));
}
