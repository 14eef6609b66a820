#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "numeric.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/models/attgan.hpp"
#include "secgan/training/recorder.hpp"
#include "secgan/training/secgan_task.hpp"
#include "secgan/training/supervised_task.hpp"
#include "secgan/training/train.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;
namespace fs = std::filesystem;

namespace {

/// Counts, and answers what it is told to.
struct ToyTask final : TrainingTask {
  at::Tensor total = at::zeros({1});
  std::function<double(int64_t)> value = [](int64_t step) { return static_cast<double>(step); };
  std::vector<double> rates;

  std::string name() const override { return "toy"; }
  int64_t photos_per_step() const override { return 1; }
  NamedValues step(int64_t step, double rate) override {
    total += 1;
    rates.push_back(rate);
    return {{"loss", value(step)}};
  }
  NamedTensors state() override { return {{"total", total}}; }
  at::Tensor samples() override { return at::zeros({3, 4, 4}, at::kByte); }
  std::vector<std::string> warnings(int64_t step) override {
    return step == 4 ? std::vector<std::string>{"four is an odd number"} : std::vector<std::string>{};
  }
  void save_result(const fs::path& run) override { write_file(run / "result", "done"); }
};

TrainerOptions every(int64_t steps, int64_t n) { return {.steps = steps, .log_every = n, .sample_every = n, .checkpoint_every = n}; }

Bundle tiny_parser() {
  torch::manual_seed(3);
  Bundle bundle;
  bundle.parser.emplace(make_parser({.options = {.unet = {.dim = 4, .levels = 2}}, .classes = 12}),
                        FaceParserOptions{.labels = Labels::kSecgan12, .normalization = PhotoNormalization::kNone});
  return bundle;
}

SecganTaskOptions tiny_recipe() {
  SecganTaskOptions options = small_scale_recipe();
  for (GeneratorOptions* g : {&options.photo_generator, &options.mask_generator}) {
    auto& attgan = g->as<AttGanGeneratorOptions>();
    attgan.enc_dim = attgan.dec_dim = attgan.max_dim = 4;
    attgan.enc_layers = attgan.dec_layers = 2;
  }
  for (DiscriminatorOptions* d : {&options.photo_discriminator, &options.mask_discriminator}) {
    auto& attgan = d->as<AttGanDiscriminatorOptions>();
    attgan.dim = attgan.max_dim = attgan.fc_dim = 4;
    attgan.n_layers = 2;
  }
  options.loader.batch = 4;
  return options;
}

std::unique_ptr<SecganTask> tiny_secgan(const SecganTaskOptions& options = tiny_recipe()) {
  return std::make_unique<SecganTask>(std::make_shared<SyntheticFaces>(SyntheticFacesOptions{.count = 20, .image_size = 32}), options,
                                      tiny_parser());
}

/// Runs to `until` and stops there, as a user's Ctrl-C would.
TrainingOutcome run_until(TrainingTask& task, const fs::path& run, const TrainerOptions& options, int64_t until, bool resume) {
  struct Stopping final : TrainingTask {
    TrainingTask& inner;
    std::atomic<bool>& stop;
    int64_t until;
    Stopping(TrainingTask& t, std::atomic<bool>& s, int64_t u) : inner(t), stop(s), until(u) {}
    std::string name() const override { return inner.name(); }
    int64_t photos_per_step() const override { return inner.photos_per_step(); }
    NamedValues step(int64_t s, double rate) override {
      stop = s + 1 == until;
      return inner.step(s, rate);
    }
    NamedTensors state() override { return inner.state(); }
    at::Tensor samples() override { return inner.samples(); }
    std::vector<std::string> warnings(int64_t s) override { return inner.warnings(s); }
    void save_result(const fs::path& r) override { inner.save_result(r); }
  };
  std::atomic<bool> stop{false};
  Stopping stopping(task, stop, until);
  std::ostringstream quiet;
  return Trainer(options, run, quiet).run(stopping, resume, &stop);
}

}  // namespace

TEST_CASE("a stopped and resumed SeCGAN run equals an uninterrupted one bit for bit", "[trainer]") {
  const TemporaryFolder folder;
  const TrainerOptions options = every(5, 2);
  const auto whole = tiny_secgan();
  run_until(*whole, folder.path() / "whole", options, 99, false);

  const auto first = tiny_secgan();
  const TrainingOutcome stopped = run_until(*first, folder.path() / "parts", options, 3, false);
  CHECK(stopped.steps == 3);
  CHECK_FALSE(stopped.finished);
  const auto second = tiny_secgan();
  const TrainingOutcome finished = run_until(*second, folder.path() / "parts", options, 99, true);
  CHECK(finished.finished);

  const NamedTensors expected = whole->state(), found = second->state();
  REQUIRE(expected.size() == found.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    INFO(expected[i].first);
    CHECK(at::equal(expected[i].second, found[i].second));
  }
  CHECK(at::equal(whole->samples(), second->samples()));
  // Not vacuous: the last steps did change the networks.
  CHECK_FALSE(at::equal(found[0].second, first->state()[0].second));
}

TEST_CASE("parser and classifier runs resume bit for bit too", "[trainer]") {
  const auto faces = std::make_shared<SyntheticFaces>(SyntheticFacesOptions{.count = 12, .image_size = 32});
  const auto check = [&](auto make) {
    const TemporaryFolder folder;
    const auto whole = make(), first = make(), second = make();
    run_until(*whole, folder.path() / "whole", every(4, 1), 99, false);
    run_until(*first, folder.path() / "parts", every(4, 1), 2, false);
    run_until(*second, folder.path() / "parts", every(4, 1), 99, true);
    const NamedTensors expected = whole->state(), found = second->state();
    for (size_t i = 0; i < expected.size(); ++i) CHECK(at::equal(expected[i].second, found[i].second));
  };
  check([&] {
    ParserTaskOptions options;
    options.parser.unet = {.dim = 4, .levels = 2};
    options.training.loader.batch = 4;
    return std::make_unique<ParserTask>(faces, options, "none");
  });
  check([&] {
    ClassifierTaskOptions options;
    options.classifier.dim = 4;
    options.training.loader.batch = 4;
    return std::make_unique<ClassifierTask>(faces, options, "none");
  });
}

TEST_CASE("a figure that is not finite stops the run, is named, and leaves the last checkpoint", "[trainer]") {
  const TemporaryFolder folder;
  ToyTask task;
  task.value = [](int64_t step) { return step < 4 ? 1.0 : std::numeric_limits<double>::quiet_NaN(); };
  std::ostringstream quiet;
  CHECK_THROWS_WITH(Trainer(every(10, 3), folder.path(), quiet).run(task, false),
                    Catch::Contains("step 5: loss is nan") && Catch::Contains("checkpoint.safetensors"));
  ToyTask again;
  Trainer(every(5, 3), folder.path(), quiet).run(again, true);
  // Three steps were kept, two were done again.
  CHECK(again.total.item<double>() == 5);
  CHECK(again.rates.size() == 2);
}

TEST_CASE("log lines after the checkpoint are dropped on resume, figures are means, warnings are kept", "[trainer]") {
  const TemporaryFolder folder;
  ToyTask task;
  std::ostringstream quiet;
  run_until(task, folder.path(), every(8, 2), 6, false);
  // As if killed after step 6's line but with the checkpoint of step 4.
  ToyTask four;
  four.total.fill_(4);
  fs::remove(folder.path() / "checkpoint.safetensors");
  {
    const TemporaryFolder other;
    ToyTask same;
    run_until(same, other.path(), every(8, 2), 4, false);
    fs::copy(other.path() / "checkpoint.safetensors", folder.path() / "checkpoint.safetensors");
  }
  write_file(folder.path() / "log.jsonl", read_file(folder.path() / "log.jsonl") + "{\"step\": 7, \"lo");
  ToyTask resumed;
  Trainer(every(8, 2), folder.path(), quiet).run(resumed, true);
  const LogSeries loss = read_log(folder.path(), "loss");
  CHECK(loss.steps == std::vector<double>{2, 4, 6, 8});
  CHECK(loss.values == std::vector<double>{0.5, 2.5, 4.5, 6.5});
  CHECK_THAT(read_file(folder.path() / "log.jsonl"), Catch::Contains("four is an odd number"));
  CHECK(fs::exists(folder.path() / "samples" / "samples-0000008.png"));
  CHECK(read_file(folder.path() / "result") == "done");
}

TEST_CASE("starting over a run, resuming nothing, or resuming another task is refused", "[trainer]") {
  const TemporaryFolder folder;
  ToyTask task;
  std::ostringstream quiet;
  Trainer trainer(every(2, 1), folder.path() / "run", quiet);
  CHECK_THROWS_WITH(trainer.run(task, true), Catch::Contains("nothing to resume"));
  trainer.run(task, false);
  CHECK_THROWS_WITH(trainer.run(task, false), Catch::Contains("holds a run already"));
  const auto other = tiny_secgan();
  CHECK_THROWS_WITH(trainer.run(*other, true), Catch::Contains("a checkpoint of 'toy', not of 'secgan'"));
}

TEST_CASE("a checkpoint whose step is no count is refused before it changes anything", "[trainer]") {
  const TemporaryFolder folder;
  std::ostringstream quiet;
  Trainer trainer(every(2, 1), folder.path() / "run", quiet);
  ToyTask first;
  trainer.run(first, false);
  const fs::path file = folder.path() / "run" / "checkpoint.safetensors";
  Safetensors checkpoint = load_safetensors(file);
  for (const std::string step : {"abc", "-5", "", "2x", " 2", "99999999999999999999"}) {
    checkpoint.metadata["step"] = step;
    write_file(file, encode_safetensors(checkpoint.tensors, checkpoint.metadata));
    ToyTask task;
    CHECK_THROWS_WITH(trainer.run(task, true), Catch::Contains("a checkpoint after '" + step + "' steps"));
    CHECK(task.total.item<float>() == 0);
  }
}

TEST_CASE("the learning rate is constant, then falls linearly to its final factor", "[trainer]") {
  const TrainerOptions options{.steps = 100, .decay_start = 0.5, .final_rate = 0.2};
  CHECK(learning_rate_factor(options, 0) == 1);
  CHECK(learning_rate_factor(options, 50) == 1);
  CHECK(learning_rate_factor(options, 75) == Approx(0.6));
  CHECK(learning_rate_factor(options, 100) == Approx(0.2));
  CHECK_THROWS_WITH(validate(TrainerOptions{.steps = 0}), Catch::Contains("steps 0"));
  CHECK_THROWS_WITH(validate(TrainerOptions{.final_rate = 2}), Catch::Contains("final_rate 2"));
}

TEST_CASE("a GAN run warns of edits that equal the reconstruction", "[trainer]") {
  SecganTaskOptions options = tiny_recipe();
  // Nothing pulls towards the target, everything towards the input, and nothing is learned.
  options.generator_adam.learning_rate = options.discriminator_adam.learning_rate = 1e-12;
  options.losses.intensity = 1e-6;
  const auto task = tiny_secgan(options);
  for (int64_t step = 0; step < 2; ++step) task->step(step, 1);
  CHECK(task->warnings(100).empty());  // too early to tell
  for (int64_t step = 0; step < 2; ++step) task->step(step, 1);
  const auto warnings = task->warnings(1000);
  REQUIRE(warnings.size() == 2);
  CHECK_THAT(warnings[0], Catch::Contains("edits equal the reconstruction"));
  CHECK_THAT(warnings[1], Catch::Contains("attribute head learns nothing"));
}

TEST_CASE("the moving average follows the formula, buffers included", "[trainer]") {
  torch::nn::BatchNorm2d live(2), average(2);
  MovingAverage moving(*live, *average, 0.75);
  {
    at::NoGradGuard no_grad;
    live->weight.fill_(5);
    live->running_mean.fill_(4);
    live->num_batches_tracked.fill_(7);
  }
  moving.update(1000);
  CHECK(average->weight[0].item<double>() == Approx(0.75 * 1 + 0.25 * 5));
  CHECK(average->running_mean[1].item<double>() == Approx(1));
  CHECK(average->num_batches_tracked.item<int64_t>() == 7);
  CHECK_FALSE(average->weight.requires_grad());
  // The first update takes nine tenths of the live network.
  MovingAverage early(*live, *average, 0.75);
  {
    at::NoGradGuard no_grad;
    live->weight.fill_(15);
  }
  early.update(0);
  CHECK(average->weight[0].item<double>() == Approx(0.1 * 5 + 0.9 * 15));
}
