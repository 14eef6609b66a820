// A function with parameters as the photo generator of a whole training run: loader, mask branch, averaging, checkpoints
// and samples are the library's. Usage: custom_callable RUN_FOLDER PARSER_BUNDLE [STEPS]
#include <torch/torch.h>

#include <secgan/models/callable.hpp>
#include <secgan/training/train.hpp>

#include <cstdlib>
#include <iostream>

// Called twice: for the network that is trained, and for its moving average.
secgan::Generator residual_edit(const secgan::NetworkSpec& spec) {
  torch::nn::Sequential layers(torch::nn::Conv2d(torch::nn::Conv2dOptions(3 + spec.attributes, 16, 5).padding(2)), torch::nn::ReLU(),
                               torch::nn::Conv2d(torch::nn::Conv2dOptions(16, 3, 5).padding(2)));
  const auto edit = [layers](const at::Tensor& image, const at::Tensor& difference) mutable {
    const at::Tensor planes = difference.view({-1, difference.size(1), 1, 1}).expand({-1, -1, image.size(2), image.size(3)});
    return (image + layers->forward(torch::cat({image, planes}, 1))).clamp(-1, 1);
  };
  return secgan::make_callable_generator(spec, edit, {.parameters = secgan::module_state(*layers)});
}

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: " << argv[0] << " RUN_FOLDER PARSER_BUNDLE [STEPS]\n";
    return 2;
  }
  try {
    secgan::TrainSettings settings;
    settings.data = {.source = {.kind = secgan::DataKind::kSynthetic}, .image_size = 64, .count = 256};
    settings.parser = argv[2];
    settings.task = secgan::small_scale_recipe();
    settings.trainer.steps = argc > 3 ? std::atoll(argv[3]) : 200;
    settings.trainer.sample_every = 0;

    const secgan::CustomParts custom{.networks = {.photo_generator = residual_edit}};
    const secgan::TrainingOutcome outcome = secgan::train(settings, {.run = argv[1]}, custom);
    std::cout << outcome.steps << " steps in " << outcome.seconds << " s; averaged weights: " << argv[1]
              << "/photo_generator.safetensors\n";
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
