// SeCGAN's consistency term alone, added to somebody else's training: here a "generator" that is nothing but the pixels
// of one photo, moved until a (toy) parser sees in it what a target mask says.
#include <torch/torch.h>

#include <secgan/ops/semantic_consistency.hpp>

#include <iostream>

int main() {
  torch::manual_seed(1);
  // Any differentiable map from a photo to log-probabilities can be the parser; its weights get no gradient.
  const at::Tensor weight = torch::randn({12, 3, 3, 3});
  const auto parser = [&](const at::Tensor& photo) { return at::conv2d(photo, weight, {}, 1, 1).log_softmax(1); };

  const at::Tensor target = parser(torch::rand({1, 3, 16, 16}) * 2 - 1);
  at::Tensor photo = torch::zeros({1, 3, 16, 16}).requires_grad_(true);
  torch::optim::Adam optimizer({photo}, 0.05);

  double first = 0, last = 0;
  for (int step = 0; step < 200; ++step) {
    const auto [image_term, mask_term] = secgan::semantic_consistency(parser(photo.tanh()), target);
    optimizer.zero_grad();
    image_term.backward();
    optimizer.step();
    last = image_term.item<double>();
    if (step == 0) first = last;
  }
  const double agreement = parser(photo.tanh()).argmax(1).eq(target.argmax(1)).to(at::kFloat).mean().item<double>();
  std::cout << "consistency " << first << " -> " << last << ", " << 100 * agreement << " % of pixels agree\n";
  return last < 0.5 * first && agreement > 0.8 ? 0 : 1;
}
