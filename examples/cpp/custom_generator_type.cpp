// A custom generator type in SeCGAN's training step. It inherits nothing: forward() and parameters() are all that
// the concept GeneratorLike asks for. The discriminator is the library's.
#include <torch/torch.h>

#include <secgan/data/synthetic_faces.hpp>
#include <secgan/image/transforms.hpp>
#include <secgan/models/attgan.hpp>
#include <secgan/parsing/face_parser.hpp>
#include <secgan/training/secgan_step.hpp>

#include <iostream>
#include <memory>

// Two convolutions that see the photo and the difference vector, added to the photo.
struct ResidualEdit {
  torch::nn::Conv2d in, out;

  explicit ResidualEdit(int64_t attributes)
      : in(torch::nn::Conv2dOptions(3 + attributes, 24, 5).padding(2)), out(torch::nn::Conv2dOptions(24, 3, 5).padding(2)) {}

  at::Tensor forward(const at::Tensor& image, const at::Tensor& difference) {
    const at::Tensor planes = difference.view({-1, difference.size(1), 1, 1}).expand({-1, -1, image.size(2), image.size(3)});
    return (image + out(in(torch::cat({image, planes}, 1)).relu())).clamp(-1, 1);
  }
  std::vector<at::Tensor> parameters() const {
    std::vector<at::Tensor> all = in->parameters();
    for (const at::Tensor& p : out->parameters()) all.push_back(p);
    return all;
  }
};
static_assert(secgan::GeneratorLike<std::shared_ptr<ResidualEdit>>);

int main() {
  torch::manual_seed(1);
  const secgan::SyntheticFaces faces({.count = 64, .image_size = 32, .seed = 1});
  const int64_t attributes = faces.attributes().size();
  auto generator = std::make_shared<ResidualEdit>(attributes);
  secgan::Discriminator discriminator = secgan::make_discriminator(
      {.attributes = attributes, .image_size = 32}, secgan::AttGanDiscriminatorOptions{.dim = 16, .fc_dim = 64, .n_layers = 3});

  // A branch is a generator, a discriminator and their optimizers: any that step().
  const auto adam = [](std::vector<at::Tensor> parameters) { return torch::optim::Adam(parameters, 1e-3); };
  auto branch = secgan::make_branch(generator, discriminator, adam, adam);
  // No mask branch here: with one, its own types would stand in place of `decltype(branch)`, and a parser of FaceParser.
  secgan::SecganStep<decltype(branch), decltype(branch), secgan::FaceParser> step(branch, nullptr, nullptr, {});

  double first = 0, last = 0;
  for (int i = 0; i < 40; ++i) {
    std::vector<at::Tensor> photos, labels;
    for (int64_t k = 0; k < 8; ++k) {
      const secgan::Sample face = faces.get((8 * i + k) % faces.size());
      photos.push_back(secgan::to_float(face.image));
      labels.push_back(face.labels);
    }
    const at::Tensor source = torch::stack(labels);
    const secgan::GanBatch batch{.photo = torch::stack(photos), .source = source, .target = source.roll(1, 0)};
    step.discriminator_update(batch, /*position=*/torch::rand({8}));
    const auto report = step.generator_update(batch).photo;
    last = report.total.item<double>();
    if (i == 0) first = last;
  }
  std::cout << "generator's objective " << first << " -> " << last << "\n";
  return last < first ? 0 : 1;
}
