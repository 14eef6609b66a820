// Uses the loss templates and one training step without linking the library.
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <secgan/training/secgan_step.hpp>

#include <cmath>
#include <iostream>
#include <memory>

using namespace secgan;

// Networks of a stranger: they inherit nothing.
struct TinyGenerator {
  torch::nn::Conv2d conv{torch::nn::Conv2dOptions(3, 3, 3).padding(1)};
  at::Tensor forward(const at::Tensor& image, const at::Tensor& difference) {
    return (conv(image) + difference.mean(1).view({-1, 1, 1, 1})).tanh();
  }
  std::vector<at::Tensor> parameters() const { return conv->parameters(); }
};
struct TinyDiscriminator {
  torch::nn::Linear linear{3 * 4 * 4, 3};
  Scores forward(const at::Tensor& image) {
    const at::Tensor scores = linear(image.flatten(1));
    return {scores.narrow(1, 0, 1), scores.narrow(1, 1, 2)};
  }
  std::vector<at::Tensor> parameters() const { return linear->parameters(); }
};
struct NoParser {
  at::Tensor log_probabilities(const at::Tensor& photo) const { return photo; }
};

int main() {
  const at::Tensor even = at::zeros({1, 12, 4, 4}).log_softmax(1);
  const auto [image_term, mask_term] = semantic_consistency(even, even);
  GanPass pass;
  pass.edit_scores.adversarial = at::full({1, 1}, 2.0);
  pass.input = at::zeros({1, 3, 4, 4});
  pass.reconstruction = at::full({1, 3, 4, 4}, 0.5);
  const double total = (1.0 * Adversarial{} + 100.0 * Reconstruction{})(pass).total.item<double>();

  const auto adam = [](std::vector<at::Tensor> parameters) { return Adam(std::move(parameters), AdamOptions{.learning_rate = 1e-2}); };
  auto branch = make_branch(std::make_shared<TinyGenerator>(), std::make_shared<TinyDiscriminator>(), adam, adam);
  SecganStep<decltype(branch), decltype(branch), NoParser> step(branch, nullptr, nullptr, {});
  const GanBatch batch{at::rand({2, 3, 4, 4}), at::zeros({2, 2}), at::ones({2, 2})};
  step.discriminator_update(batch, at::rand({2}));
  const double first = step.generator_update(batch).photo.total.item<double>();
  bool refused = false;
  try {
    validate(AdamOptions{.beta1 = 1});
  } catch (const InvalidArgument& error) {
    refused = std::string(error.what()) == "beta1 1 is not in [0, 1)";
  }

  std::cout << image_term.item<double>() << ' ' << total << ' ' << first << ' ' << refused << '\n';
  return std::abs(image_term.item<double>() - std::log(12.0)) < 1e-6 && std::abs(total - 48) < 1e-6 && std::isfinite(first) && refused ? 0
                                                                                                                                       : 1;
}
