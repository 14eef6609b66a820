#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "secgan/core/names.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/parsing/face_parser.hpp"
#include "secgan/training/secgan_step.hpp"

using namespace secgan;

namespace {

constexpr int64_t kSide = 32;

GeneratorOptions small_generator(Backbone backbone, int64_t channels, OutputActivation output, int64_t attributes) {
  GeneratorOptions options{
      .backbone = backbone, .attributes = attributes, .image_size = kSide, .image_channels = channels, .output = output};
  options.attgan.enc_dim = options.attgan.dec_dim = options.stgan.conv_dim = options.stargan.conv_dim = 8;
  options.attgan.enc_layers = options.attgan.dec_layers = options.stgan.n_layers = 3;
  options.stgan.shortcut_layers = 2;
  options.stargan.repeat_num = 1;
  return options;
}

DiscriminatorOptions small_discriminator(Backbone backbone, int64_t channels, int64_t attributes) {
  DiscriminatorOptions options{.backbone = backbone, .attributes = attributes, .image_size = kSide, .image_channels = channels};
  options.attgan.dim = options.stgan.conv_dim = options.stargan.conv_dim = 8;
  options.attgan.n_layers = options.stgan.n_layers = options.stargan.repeat_num = 3;
  options.attgan.fc_dim = options.stgan.fc_dim = 32;
  return options;
}

Branch<Generator, Discriminator, Adam> branch(Backbone backbone, int64_t channels, OutputActivation output, int64_t attributes) {
  Generator generator = make_generator(small_generator(backbone, channels, output, attributes));
  Discriminator discriminator = make_discriminator(small_discriminator(backbone, channels, attributes));
  return {generator, discriminator, Adam(generator->parameters(), {.learning_rate = 2e-3}),
          Adam(discriminator->parameters(), {.learning_rate = 2e-3})};
}

}  // namespace

TEST_CASE("training steps with every pair of backbones decrease the objectives on drawn faces", "[training]") {
  const auto photo_backbone = GENERATE(Backbone::kAttGan, Backbone::kStgan, Backbone::kStarGan);
  const auto mask_backbone = GENERATE(Backbone::kAttGan, Backbone::kStgan, Backbone::kStarGan);
  CAPTURE(name_of(kBackbones, photo_backbone), name_of(kBackbones, mask_backbone));
  torch::manual_seed(5);

  const SyntheticFaces faces({.count = 6, .image_size = kSide, .seed = 2});
  GanBatch batch;
  std::vector<at::Tensor> photos, labels;
  for (int64_t i = 0; i < faces.size(); ++i) {
    const Sample sample = faces.get(i);
    photos.push_back(to_float(sample.image));
    labels.push_back(sample.labels);
  }
  batch.photo = torch::stack(photos);
  batch.source = torch::stack(labels);
  batch.target = batch.source.roll(1, 0);
  batch.weight = torch::rand({faces.size()});
  const int64_t attributes = batch.source.size(1);

  const at::Tensor weight = torch::randn({kSecganClasses, 3, 3, 3});
  FaceParser parser([&](const at::Tensor& photo) { return at::conv2d(photo, weight, {}, 1, 1); }, ClassMerge(Labels::kSecgan12),
                    PhotoNormalization::kNone);
  auto photo = branch(photo_backbone, 3, OutputActivation::kTanh, attributes);
  auto mask = branch(mask_backbone, kSecganClasses, OutputActivation::kLogits, attributes);
  SecganStep step(photo, &mask, &parser, {});

  // One side at a time against a resting other: both at once play a game, in which no figure has to fall.
  const auto falls = [&](auto&& update) {
    StepReport first = update(), last;
    for (int i = 0; i < 14; ++i) last = update();
    CHECK(last.photo.total.item<double>() < first.photo.total.item<double>());
    CHECK(last.mask->total.item<double>() < first.mask->total.item<double>());
  };
  falls([&] { return step.discriminator_update(batch); });
  falls([&] { return step.generator_update(batch); });
}
