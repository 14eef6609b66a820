#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "secgan/data/synthetic_faces.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/parsing/face_parser.hpp"
#include "secgan/training/secgan_step.hpp"
#include "training/small_branch.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

constexpr int64_t kSide = 32;

}  // namespace

TEST_CASE("training steps with every pair of backbones decrease the objectives on drawn faces", "[training]") {
  const std::string photo_backbone = GENERATE("attgan", "stgan", "stargan");
  const std::string mask_backbone = GENERATE("attgan", "stgan", "stargan");
  CAPTURE(photo_backbone, mask_backbone);
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
  const at::Tensor position = torch::rand({faces.size()});
  const int64_t attributes = batch.source.size(1);

  const at::Tensor weight = torch::randn({kSecganClasses, 3, 3, 3});
  FaceParser parser([&](const at::Tensor& photo) { return at::conv2d(photo, weight, {}, 1, 1); }, ClassMerge(Labels::kSecgan12),
                    PhotoNormalization::kNone);
  auto photo = small_branch(photo_backbone, {attributes, kSide, 3, OutputActivation::kTanh});
  auto mask = small_branch(mask_backbone, {attributes, kSide, kSecganClasses, OutputActivation::kLogits});
  SecganStep step(photo, &mask, &parser, {});

  // One side at a time against a resting other: both at once play a game, in which no figure has to fall.
  const auto falls = [&](auto&& update) {
    StepReport first = update(), last;
    for (int i = 0; i < 14; ++i) last = update();
    CHECK(last.photo.total.item<double>() < first.photo.total.item<double>());
    CHECK(last.mask->total.item<double>() < first.mask->total.item<double>());
  };
  falls([&] { return step.discriminator_update(batch, position); });
  falls([&] { return step.generator_update(batch); });
}
