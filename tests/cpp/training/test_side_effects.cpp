#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <future>
#include <sstream>

#include "random_bundle.hpp"
#include "secgan/core/threads.hpp"
#include "secgan/io/settings.hpp"
#include "secgan/nn/state.hpp"
#include "secgan/training/semantic_branch.hpp"
#include "secgan/training/train.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// Whether `work` leaves the process's random state and number of threads as they were.
void check_no_trace(const std::string& what, const std::function<void()>& work) {
  INFO(what);
  torch::manual_seed(21);
  torch::randn({1});
  const at::Tensor random = at::detail::getDefaultCPUGenerator().get_state();
  const int threads = at::get_num_threads();
  work();
  CHECK(at::equal(at::detail::getDefaultCPUGenerator().get_state(), random));
  CHECK(at::get_num_threads() == threads);
}

std::shared_ptr<const Dataset> few_faces() {
  return std::make_shared<SyntheticFaces>(SyntheticFacesOptions{.count = 12, .image_size = 32});
}

SecganTaskOptions few_channels() {
  SecganTaskOptions options;
  options.photo_generator = options.mask_generator = AttGanGeneratorOptions{.enc_dim = 4, .enc_layers = 2, .dec_dim = 4, .dec_layers = 2};
  options.photo_discriminator = options.mask_discriminator = AttGanDiscriminatorOptions{.dim = 4, .fc_dim = 4, .n_layers = 2};
  options.discriminator_updates = 1;
  options.loader.batch = 4;
  return options;
}

/// Two steps on drawn faces, with another number of threads than the process has.
template <class Settings>
Settings two_steps() {
  Settings settings;
  settings.data.source.kind = DataKind::kSynthetic;
  settings.data.image_size = 32;
  settings.data.count = 12;
  settings.trainer = {.steps = 2, .log_every = 1, .sample_every = 1, .checkpoint_every = 1};
  settings.threads = at::get_num_threads() + 1;
  return settings;
}

ParserTaskOptions few_parser_channels() {
  ParserTaskOptions options;
  options.parser.unet = {.dim = 4, .levels = 2};
  options.training.loader.batch = 4;
  return options;
}

ClassifierTaskOptions few_classifier_channels() {
  ClassifierTaskOptions options;
  options.classifier = {.dim = 4, .max_dim = 8};
  options.training.loader.batch = 4;
  return options;
}

}  // namespace

TEST_CASE("what begins with random weights leaves the process's random state and threads alone", "[training]") {
  const TemporaryFolder folder;
  const Bundle bundle = random_bundle();
  save_bundle(folder / "bundle", bundle);
  check_no_trace("SecganTask", [&] { SecganTask(few_faces(), few_channels(), bundle).step(0, 1); });
  check_no_trace("ParserTask", [] {
    ParserTask task(few_faces(), few_parser_channels(), BundleInfo{.crop = "none"});
    task.step(0, 1);
    task.samples();
    task.bundle();
  });
  check_no_trace("ClassifierTask", [] {
    ClassifierTask task(few_faces(), few_classifier_channels(), BundleInfo{.crop = "none"});
    task.step(0, 1);
    task.bundle();
  });
  check_no_trace("load_bundle", [&] { load_bundle(folder / "bundle"); });
  check_no_trace("SemanticBranch", [&] {
    const SecganTaskOptions options = few_channels();
    SemanticBranch branch(*bundle.parser, SemanticBranchConfig{.attributes = 9,
                                                               .image_size = 32,
                                                               .options = {.generator = options.mask_generator,
                                                                           .discriminator = options.mask_discriminator}});
    const at::Tensor photo = at::zeros({2, 3, 32, 32}), labels = at::zeros({2, 9});
    branch->discriminator_step(photo, labels, labels);
    branch->generator_step(photo, photo.clone().requires_grad_(), labels, labels);
  });
}

TEST_CASE("training runs leave the process's random state and threads alone, and the settings that were used", "[training]") {
  const TemporaryFolder folder;
  std::ostringstream quiet;
  const auto control = [&](const char* run) { return RunControl{.run = folder / run, .status = &quiet}; };
  auto parser = two_steps<TrainParserSettings>();
  parser.task = few_parser_channels();
  check_no_trace("parser", [&] { CHECK(train(parser, control("parser")).finished); });
  auto classifier = two_steps<TrainClassifierSettings>();
  classifier.task = few_classifier_channels();
  check_no_trace("classifier", [&] { CHECK(train(classifier, control("classifier")).steps == 2); });
  auto secgan = two_steps<TrainSettings>();
  secgan.task = few_channels();
  secgan.parser = (folder / "parser/bundle").string();
  secgan.classifier = (folder / "classifier/bundle").string();
  check_no_trace("secgan", [&] { CHECK(train(secgan, control("secgan")).finished); });
  CHECK_FALSE(load_bundle(folder / "secgan/bundle").mask_generator.is_empty());

  secgan.data.attributes = synthetic_attribute_names();
  secgan.data.crop = "center";
  secgan.task.loader.per_process = false;
  CHECK(settings_text(load_settings<TrainSettings>(folder / "secgan/settings.toml")) == settings_text(secgan));

  // A run that fails is no different.
  secgan.parser = (folder / "nowhere").string();
  check_no_trace("a run that fails", [&] { CHECK_THROWS_AS(train(secgan, control("other")), FileNotFound); });
  CHECK_FALSE(std::filesystem::exists(folder / "other"));
}

TEST_CASE("a run keeps the number of threads that it began with", "[training]") {
  const TemporaryFolder folder;
  std::ostringstream quiet, told;
  auto settings = two_steps<TrainClassifierSettings>();
  settings.task = few_classifier_channels();
  settings.threads = 0;
  const auto used = [&] { return load_settings<TrainClassifierSettings>(folder / "run/settings.toml").threads; };
  {
    const ThreadGuard one(1);
    train(settings, {.run = folder / "run", .status = &quiet});
  }
  CHECK(used() == 1);
  const ThreadGuard two(2);
  settings.trainer.steps = 3;
  train(settings, {.run = folder / "run", .resume = true, .status = &quiet});
  CHECK(used() == 1);
  settings.trainer.steps = settings.threads = 4;
  train(settings, {.run = folder / "run", .resume = true, .status = &told});
  CHECK(used() == 4);
  CHECK_THAT(told.str(), Catch::Contains("resuming on 4 threads instead of 1") && Catch::Contains("trainer.steps: 4 instead of 3"));
}

TEST_CASE("a run is resumed with the batches, the attributes and the photos that it has", "[training]") {
  const TemporaryFolder folder;
  std::ostringstream quiet;
  auto settings = two_steps<TrainClassifierSettings>();
  settings.task = few_classifier_channels();
  settings.threads = 1;
  train(settings, {.run = folder / "run", .status = &quiet});
  const auto refused = [&](const std::string& what, const std::function<void(TrainClassifierSettings&)>& change) {
    auto changed = settings;
    change(changed);
    CHECK_THROWS_WITH(train(changed, {.run = folder / "run", .resume = true, .status = &quiet}), Catch::Contains(what));
  };
  refused("task.training.loader.batch was 4, found 2", [](auto& changed) { changed.task.training.loader.batch = 2; });
  refused("task.training.loader.seed was 1, found 7", [](auto& changed) { changed.task.training.loader.seed = 7; });
  refused("the number of photos was 12, found 11", [](auto& changed) { changed.data.count = 11; });
  refused("the side of photos was 32, found 64", [](auto& changed) { changed.data.image_size = 64; });
  refused("task.classifier.dim was 4, found 8", [](auto& changed) { changed.task.classifier.dim = 8; });
  settings.task.training.adam.learning_rate /= 2;
  std::ostringstream told;
  train(settings, {.run = folder / "run", .resume = true, .status = &told});
  CHECK_THAT(told.str(), Catch::Contains("resuming with another task.training.adam.learning_rate"));
}

TEST_CASE("a task's first weights follow from its seed, whatever the process has drawn", "[training]") {
  const Bundle bundle = random_bundle();
  const auto weights = [&](uint64_t drawn, uint64_t seed) {
    torch::manual_seed(drawn);
    SecganTaskOptions options = few_channels();
    options.loader.seed = seed;
    SecganTask task(few_faces(), options, bundle);
    std::vector<at::Tensor> copies;
    for (const auto& [name, tensor] : task.state()) copies.push_back(tensor.detach().flatten().to(at::kDouble).clone());
    return at::cat(copies);
  };
  const at::Tensor first = weights(1, 3);
  CHECK(at::equal(weights(2, 3), first));
  CHECK_FALSE(at::equal(weights(1, 4), first));
}

TEST_CASE("trainings side by side draw what each draws alone, and leave the thread beside them its own", "[training]") {
  const Bundle bundle = random_bundle();
  const auto weights = [&](uint64_t seed) {
    SecganTaskOptions options = few_channels();
    options.loader.seed = seed;
    SecganTask task(few_faces(), options, bundle);
    task.step(0, 1);
    std::vector<at::Tensor> copies;
    for (const auto& [name, tensor] : task.state()) copies.push_back(tensor.detach().flatten().to(at::kDouble).clone());
    return at::cat(copies);
  };
  const at::Tensor first = weights(1), second = weights(2);
  torch::manual_seed(5);
  const at::Tensor alone = torch::rand({3000});
  torch::manual_seed(5);
  auto one = std::async(std::launch::async, [&] { return weights(1); });
  auto other = std::async(std::launch::async, [&] { return weights(2); });
  at::Tensor beside = torch::rand({1});
  while (beside.size(0) < 3000) beside = at::cat({beside, torch::rand({1})});
  CHECK(at::equal(one.get(), first));
  CHECK(at::equal(other.get(), second));
  CHECK(at::equal(beside, alone));
}
