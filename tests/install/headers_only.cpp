// Uses the loss templates without linking the library.
#include <secgan/losses/adversarial.hpp>
#include <secgan/losses/objective.hpp>
#include <secgan/losses/reconstruction.hpp>
#include <secgan/ops/semantic_consistency.hpp>

#include <cmath>
#include <iostream>

int main() {
  const at::Tensor even = at::zeros({1, 12, 4, 4}).log_softmax(1);
  const auto [image_term, mask_term] = secgan::semantic_consistency(even, even);
  secgan::GeneratorPass pass;
  pass.edit_scores.adversarial = at::full({1, 1}, 2.0);
  pass.input = at::zeros({1, 3, 4, 4});
  pass.reconstruction = at::full({1, 3, 4, 4}, 0.5);
  const double total = (1.0 * secgan::Adversarial{} + 100.0 * secgan::Reconstruction{})(pass).total.item<double>();
  std::cout << image_term.item<double>() << ' ' << total << '\n';
  return std::abs(image_term.item<double>() - std::log(12.0)) < 1e-6 && std::abs(total - 48) < 1e-6 ? 0 : 1;
}
