#include "secgan/training/supervised_task.hpp"

#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "secgan/core/labels.hpp"
#include "secgan/core/random.hpp"
#include "secgan/core/scalars.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/losses/attribute.hpp"
#include "secgan/nn/state.hpp"

using namespace secgan;

namespace {

std::shared_ptr<const Dataset> faces(int64_t count) {
  return std::make_shared<SyntheticFaces>(SyntheticFacesOptions{.count = count, .image_size = 32});
}

ClassifierTaskOptions small_classifier() {
  ClassifierTaskOptions options{.classifier = {.dim = 4}};
  options.training.loader.batch = 4;
  return options;
}

ParserTaskOptions small_parser() {
  ParserTaskOptions options;
  options.parser.unet = {.dim = 4, .levels = 2};
  options.training.loader.batch = 4;
  options.training.loader.flip = false;
  return options;
}

double value_of(const NamedValues& values, const std::string& name) {
  for (const auto& [key, value] : values) {
    if (key == name) return value;
  }
  FAIL(name << " is missing");
  return 0;
}

/// Every output of the network becomes this one.
void answer(TrainingTask& task, double value) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : task.state()) {
    if (name.starts_with("network.")) at::Tensor(tensor).fill_(name.ends_with(".bias") ? value : 0);
  }
}

}  // namespace

TEST_CASE("a classifier is shipped as it was when it measured best", "[training]") {
  ClassifierTask task(faces(8), small_classifier(), "none");
  CHECK(task.held_out().empty());
  CHECK(task.note_on_result().empty());
  task.watch(*faces(6));
  task.step(0, 1);
  answer(task, -1);  // most photos lack most attributes
  const NamedValues measured = task.held_out();
  CHECK(measured.front().first == "held_out/accuracy");

  // By hand, of the same photos.
  const Bundle best = task.bundle();
  at::Tensor right = at::zeros({9});
  for (int64_t i = 0; i < 6; ++i) {
    const Sample sample = faces(6)->get(i);
    const at::Tensor logits = AttributeClassifier(best.classifier)->forward(to_float(sample.image).unsqueeze(0))[0];
    right += logits.gt(0).eq(sample.labels.gt(0.5)).to(at::kFloat);
  }
  CHECK(measured.front().second == Approx(right.mean().item<double>() / 6));
  CHECK(value_of(measured, "held_out/accuracy/Bangs") == Approx(right[1].item<double>() / 6));

  answer(task, 1);
  REQUIRE(task.held_out().front().second < measured.front().second);
  const Bundle kept = task.bundle();
  const NamedTensors expected = module_state(*best.classifier), found = module_state(*kept.classifier);
  for (size_t i = 0; i < expected.size(); ++i) CHECK(at::equal(expected[i].second, found[i].second));
  CHECK_THAT(task.note_on_result(), Catch::StartsWith("its weights are those of step 1, "));
}

TEST_CASE("each member of a classifier learns for itself, and they are measured together", "[training]") {
  ClassifierTaskOptions options = small_classifier();
  options.classifier.members = 2;
  ClassifierTask task(faces(8), options, "none");
  const Bundle before = task.bundle();
  const NamedValues values = task.step(0, 1);

  Loader loader(faces(8), options.training.loader);
  const Batch batch = loader.get(0);
  AttributeClassifier network = before.classifier;
  network->train();
  const at::Tensor logits = network->member_logits(batch.photo);
  at::Tensor expected = at::zeros({});
  for (int64_t m = 0; m < 2; ++m) expected += attribute_cross_entropy(logits.select(1, m), batch.labels) / 2;
  CHECK(value_of(values, "cross_entropy") == Approx(expected.item<double>()).epsilon(1e-5));
  const at::Tensor right = logits.mean(1).gt(0).eq(batch.labels.gt(0.5));
  CHECK(value_of(values, "accuracy") == Approx(right.to(at::kFloat).mean().item<double>()));
}

TEST_CASE("a parser is measured by its mean IoU, and shipped without photos to measure as it is", "[training]") {
  ParserTask task(faces(8), small_parser(), "none");
  task.step(0, 1);
  answer(task, 0);
  CHECK(module_state(*task.bundle().parser->network()).front().second.abs().sum().item<double>() == 0);
  task.watch(*faces(6));
  // Every pixel is of the first class.
  at::Tensor first = at::zeros({}, at::kLong), all = at::zeros({}, at::kLong), classes = at::zeros({kSecganClasses}, at::kLong);
  for (int64_t i = 0; i < 6; ++i) {
    const at::Tensor ids = ClassMerge(faces(6)->label_set()).ids(faces(6)->get(i).mask).to(at::kLong);
    first += ids.eq(0).sum();
    all += ids.numel();
    classes += at::bincount(ids.flatten(), {}, kSecganClasses);
  }
  const double share = first.item<double>() / all.item<double>();
  const auto occur = classes.gt(0).sum().item<double>();
  const NamedValues measured = task.held_out();
  CHECK(measured.front().first == "held_out/mean_iou");
  CHECK(measured.front().second == Approx(share / occur));
  CHECK(value_of(measured, "held_out/pixel_accuracy") == Approx(share));
}

TEST_CASE("photos and masks are moved alike, and what a shift uncovers counts nothing", "[training]") {
  ParserTaskOptions options = small_parser();
  options.training.augment = {.shift = 0.25, .brightness = 0.1};
  ParserTask task(faces(8), options, "none");
  const Bundle before = task.bundle();
  const double found = value_of(task.step(0, 1), "cross_entropy");

  Loader loader(faces(8), options.training.loader);
  const Batch batch = loader.get(0);
  const at::Generator random = seeded_generator(mix_seed(options.training.loader.seed, RandomPurpose::kAugmentation, 0));
  const Augmentation drawn = draw_augmentation(options.training.augment, 4, 32, random);
  REQUIRE(drawn.shift.abs().sum().item<int64_t>() > 0);
  Parser network = before.parser->network();
  network->train();
  const at::NoGradGuard no_grad;
  const at::Tensor logits = network->heads(augmented_photo(batch.photo, drawn).clamp(-1, 1)).front().log_softmax(1);
  double total = 0;
  int64_t pixels = 0;
  for (int64_t n = 0; n < 4; ++n) {
    const auto down = drawn.shift[n][0].item<int64_t>(), right = drawn.shift[n][1].item<int64_t>();
    for (int64_t y = 0; y < 32; ++y) {
      for (int64_t x = 0; x < 32; ++x) {
        if (y - down < 0 || y - down > 31 || x - right < 0 || x - right > 31) continue;
        total -= logits[n][batch.mask[n][y - down][x - right].item<int64_t>()][y][x].item<double>();
        ++pixels;
      }
    }
  }
  CHECK(found == Approx(total / static_cast<double>(pixels)).epsilon(1e-4));
  CHECK(pixels < 4 * 32 * 32);
}
