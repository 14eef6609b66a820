#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "numeric.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/io/digest.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/models/attgan.hpp"
#include "secgan/nn/state.hpp"
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
struct ToyBase : TrainingTask {
  at::Tensor total = at::zeros({1});
  std::function<double(int64_t)> value = [](int64_t step) { return static_cast<double>(step); };
  std::vector<double> rates;
  std::vector<int64_t> steps;
  NamedTexts belongs_to;

  std::string name() const override { return "toy"; }
  int64_t photos_per_step() const override { return 1; }
  NamedValues step(int64_t step, double rate) override {
    total += 1;
    rates.push_back(rate);
    steps.push_back(step);
    return {{"loss", value(step)}};
  }
  NamedTensors state() override { return {{"total", total}}; }
  at::Tensor samples() override { return at::zeros({3, 4, 4}, at::kByte); }
  NamedTexts identity() const override { return belongs_to; }
  std::vector<std::string> photos(int64_t step) const override { return {"photo" + std::to_string(step) + ".png"}; }
  std::vector<std::string> warnings(int64_t step, const NamedValues&) override {
    return step == 4 ? std::vector<std::string>{"four is an odd number"} : std::vector<std::string>{};
  }
  void save_result(const fs::path& run) override { write_file(run / "result", "done"); }
};

struct ToyTask final : ToyBase {};

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
  options.discriminator_lead = 0;
  options.loader.batch = 4;
  return options;
}

std::unique_ptr<SecganTask> tiny_secgan(const SecganTaskOptions& options = tiny_recipe()) {
  return std::make_unique<SecganTask>(std::make_shared<SyntheticFaces>(SyntheticFacesOptions{.count = 20, .image_size = 32}), options,
                                      tiny_parser());
}

int64_t count_of(const NamedValues& values, std::string_view name) {
  return std::ranges::count_if(values, [&](const auto& value) { return value.first == name; });
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
    NamedValues held_out() override { return inner.held_out(); }
    at::Tensor samples() override { return inner.samples(); }
    std::vector<std::string> warnings(int64_t s, const NamedValues& means) override { return inner.warnings(s, means); }
    NamedTexts identity() const override { return inner.identity(); }
    std::vector<std::string> photos(int64_t s) const override { return inner.photos(s); }
    void save_result(const fs::path& r) override { inner.save_result(r); }
    std::string note_on_result() const override { return inner.note_on_result(); }
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
  SecganTaskOptions recipe = tiny_recipe();
  if (GENERATE(false, true)) {
    recipe.augment = {.shift = 0.25, .flip = 0.5, .brightness = 0.5, .contrast = 0.5};
    recipe.reconstruction_ramp = 4;
    recipe.losses.adversarial = AdversarialLoss::kNonSaturating;
    recipe.losses.r1_every = 3;
    recipe.discriminator_lead = 4;
  }
  const auto whole = tiny_secgan(recipe);
  run_until(*whole, folder.path() / "whole", options, 99, false);

  const auto first = tiny_secgan(recipe);
  const TrainingOutcome stopped = run_until(*first, folder.path() / "parts", options, 3, false);
  CHECK(stopped.steps == 3);
  CHECK_FALSE(stopped.finished);
  const auto second = tiny_secgan(recipe);
  const TrainingOutcome finished = run_until(*second, folder.path() / "parts", options, 99, true);
  CHECK(finished.finished);

  const NamedTensors expected = whole->state(), found = second->state();
  REQUIRE(expected.size() == found.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    INFO(expected[i].first);
    CHECK(at::equal(expected[i].second, found[i].second));
  }
  CHECK(at::equal(whole->samples(), second->samples()));
  CHECK(read_file(folder / "whole/log.jsonl") == read_file(folder / "parts/log.jsonl"));
  // Not vacuous: the last steps did change the networks.
  CHECK_FALSE(at::equal(found[0].second, first->state()[0].second));
}

TEST_CASE("augmentation changes what discriminators see of a run, and nothing else that is drawn", "[trainer]") {
  const auto trained = [](const AugmentOptions& augment) {
    SecganTaskOptions recipe = tiny_recipe();
    recipe.augment = augment;
    const auto task = tiny_secgan(recipe);
    task->step(0, 1);
    return std::pair(task->step(1, 1), task->state());
  };
  const auto plain = trained({}), unlikely = trained({.flip = 1e-30}), mirrored = trained({.flip = 1});
  REQUIRE(plain.first.size() == unlikely.first.size());
  for (size_t i = 0; i < plain.first.size(); ++i) {
    INFO(plain.first[i].first);
    CHECK(plain.first[i].second == unlikely.first[i].second);
  }
  for (size_t i = 0; i < plain.second.size(); ++i) CHECK(at::equal(plain.second[i].second, unlikely.second[i].second));
  CHECK(mirrored.first != plain.first);
}

TEST_CASE("a run with attention ships generators with it, of photos alone", "[trainer]") {
  SecganTaskOptions recipe = tiny_recipe();
  recipe.attention = true;
  const auto task = tiny_secgan(recipe);
  task->step(0, 1);
  const TemporaryFolder folder;
  task->save_result(folder.path());
  const Bundle bundle = load_bundle(folder / "bundle");
  CHECK(bundle.generator->spec().output == OutputActivation::kAttention);
  CHECK(bundle.mask_generator->spec().output == OutputActivation::kLogits);
  Generator generator = bundle.generator;
  const int64_t side = bundle.info.image_size;
  CHECK(generator->encode(at::zeros({1, 3, side, side}))[0].sizes() == at::IntArrayRef({1, 3, side, side}));
}

TEST_CASE("without the consistency loss a mask branch leaves the photo branch as it is alone, bit for bit", "[trainer]") {
  const auto trained = [](bool mask_branch, double consistency) {
    SecganTaskOptions recipe = tiny_recipe();
    recipe.mask_branch = mask_branch;
    recipe.losses.photo.semantic_consistency = recipe.losses.mask.semantic_consistency = consistency;
    recipe.discriminator_lead = 26;
    const auto task = tiny_secgan(recipe);
    task->step(0, 1);
    task->step(1, 1);
    return task->state();
  };
  const NamedTensors alone = trained(false, 0), beside = trained(true, 0), tied = trained(true, 10);
  REQUIRE(beside.size() > alone.size());
  bool moved = false;
  for (size_t i = 0; i < alone.size(); ++i) {
    INFO(alone[i].first);
    REQUIRE(beside[i].first == alone[i].first);
    CHECK(at::equal(beside[i].second, alone[i].second));
    moved = moved || !at::equal(tied[i].second, alone[i].second);
  }
  CHECK(moved);
}

TEST_CASE("the reconstruction's weight rises linearly in both branches, then stays", "[trainer]") {
  const SecganTaskOptions ramp{.reconstruction_ramp = 4};
  CHECK(ramp.reconstruction_factor(0) == 0.25);
  CHECK(ramp.reconstruction_factor(2) == 0.75);
  CHECK(ramp.reconstruction_factor(3) == 1);
  CHECK(ramp.reconstruction_factor(1000) == 1);
  CHECK(SecganTaskOptions{}.reconstruction_factor(0) == 1);

  const auto trained = [](int64_t reconstruction_ramp, double factor, int64_t step) {
    SecganTaskOptions recipe = tiny_recipe();
    recipe.reconstruction_ramp = reconstruction_ramp;
    recipe.losses.photo.reconstruction *= factor;
    recipe.losses.mask.reconstruction *= factor;
    const auto task = tiny_secgan(recipe);
    task->step(step, 1);
    return task->state();
  };
  const auto equal = [](const NamedTensors& a, const NamedTensors& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) { return at::equal(x.second, y.second); });
  };
  CHECK(equal(trained(4, 1, 1), trained(0, 0.5, 1)));
  CHECK(equal(trained(4, 1, 3), trained(0, 1, 3)));
  CHECK_FALSE(equal(trained(4, 1, 1), trained(0, 1, 1)));
}

TEST_CASE("a run trains its generator on the bundle's classifier, which it neither trains nor leaves unnamed", "[trainer]") {
  SecganTaskOptions recipe = tiny_recipe();
  recipe.losses.photo.generator_classifier = 5;
  const auto faces = std::make_shared<SyntheticFaces>(SyntheticFacesOptions{.count = 20, .image_size = 32});
  Bundle base = tiny_parser();
  CHECK_THROWS_WITH(SecganTask(faces, recipe, base), "classifier is missing: photo.generator_classifier 5 needs one");
  base.classifier = make_classifier({.attributes = 9, .image_size = 64, .options = {.dim = 4}});
  CHECK_THROWS_WITH(SecganTask(faces, recipe, base),
                    "classifier: it judges 9 attributes in photos of 64 px, the run has 9 attributes in photos of 32 px");
  base.classifier = make_classifier({.attributes = 9, .image_size = 32, .options = {.dim = 4}});
  NamedTensors before;
  for (const auto& [name, tensor] : module_state(*base.classifier)) before.emplace_back(name, tensor.detach().clone());

  SecganTask task(faces, recipe, base);
  CHECK(task.bundle().info.teacher == sha256_rounded_tensors(module_state(*base.classifier)));
  CHECK(SecganTask(faces, tiny_recipe(), base).bundle().info.teacher.empty());
  const NamedValues values = task.step(0, 1);
  CHECK(count_of(values, "photo/generator/classifier") == 1);
  CHECK_FALSE(base.classifier->is_training());
  const NamedTensors after = module_state(*base.classifier);
  for (size_t i = 0; i < before.size(); ++i) {
    CHECK(at::equal(before[i].second, after[i].second));
    CHECK_FALSE(after[i].second.grad().defined());
  }
  // What the classifier sees of the edits may be changed.
  const auto judged = [&](double weight, double shift) {
    SecganTaskOptions options = recipe;
    options.losses.photo.generator_classifier = weight;
    options.classifier_augment.shift = shift;
    SecganTask one(faces, options, base);
    const NamedValues reported = one.step(0, 1);
    const auto term = std::ranges::find(reported, weight > 0 ? "photo/generator/classifier" : "photo/generator/attribute",
                                        &NamedValues::value_type::first);
    REQUIRE(term != reported.end());
    return term->second;
  };
  CHECK(judged(5, 0) != judged(5, 0.2));
  CHECK(judged(0, 0) == judged(0, 0.2));
  // Another classifier would be another run.
  const auto named = [](const SecganTask& of) {
    for (const auto& [name, text] : of.identity()) {
      if (name == "the classifier that the generator learns from") return text;
    }
    return std::string();
  };
  Bundle other = base;
  other.classifier = make_classifier({.attributes = 9, .image_size = 32, .options = {.dim = 4}});
  CHECK(named(task) != named(SecganTask(faces, recipe, other)));
  CHECK(named(SecganTask(faces, tiny_recipe(), other)) == "none");
}

TEST_CASE("discriminators lead by so many updates, spread over the first steps, each with a batch of its own", "[trainer]") {
  const SecganTaskOptions lead{.discriminator_updates = 2, .discriminator_lead = 60};
  CHECK(lead.discriminator_updates_before(0) == 0);
  CHECK(lead.discriminator_updates_before(1) == 2 + 3);
  CHECK(lead.discriminator_updates_before(20) == 40 + 60);  // three more a step: all of them after twenty
  CHECK(lead.discriminator_updates_before(21) == 42 + 60);
  CHECK(SecganTaskOptions{.discriminator_updates = 2}.discriminator_updates_before(7) == 14);

  SecganTaskOptions recipe = tiny_recipe();
  recipe.discriminator_updates = 2;
  const auto plain = tiny_secgan(recipe);
  recipe.discriminator_lead = 2;  // one more in the first and in the second step
  const auto task = tiny_secgan(recipe);
  std::vector<std::string> all, expected;
  for (const int64_t step : {0, 1, 2}) {
    const int64_t updates = step < 2 ? 3 : 2;
    const NamedValues values = task->step(step, 1);
    CHECK(count_of(values, "photo/discriminator/accuracy") == updates);
    CHECK(count_of(values, "photo/generator/accuracy") == 1);
    const std::vector<std::string> names = task->photos(step);
    CHECK(std::ssize(names) == (updates + 1) * 4);
    all.insert(all.end(), names.begin(), names.end());
  }
  // No batch is seen twice or left out: the photos are those of a run without a lead, which takes a step more for them.
  for (const int64_t step : {0, 1, 2, 3}) {
    const std::vector<std::string> names = plain->photos(step);
    expected.insert(expected.end(), names.begin(), names.end());
  }
  expected.resize(all.size());
  CHECK(all == expected);
}

TEST_CASE("a run counts its discriminator updates for R1", "[trainer]") {
  SecganTaskOptions recipe = tiny_recipe();
  recipe.losses.adversarial = AdversarialLoss::kNonSaturating;
  recipe.losses.r1_every = 3;
  recipe.discriminator_updates = 2;
  const auto task = tiny_secgan(recipe);
  for (const int64_t step : {0, 1, 2, 3}) {  // of two updates each: 0 and 1, 2 and 3, 4 and 5, 6 and 7
    const NamedValues values = task->step(step, 1);
    for (const char* branch : {"photo", "mask"}) {
      CHECK(count_of(values, std::string(branch) + "/discriminator/r1_penalty") == (step == 2 ? 0 : 1));
    }
  }
}

TEST_CASE("parser and classifier runs resume bit for bit too", "[trainer]") {
  const auto faces = std::make_shared<SyntheticFaces>(SyntheticFacesOptions{.count = 12, .image_size = 32});
  const auto check = [&](auto make) {
    const TemporaryFolder folder;
    const auto whole = make(), first = make(), second = make();
    for (const auto& task : {whole.get(), first.get(), second.get()}) task->watch(*faces);
    run_until(*whole, folder.path() / "whole", every(4, 1), 99, false);
    run_until(*first, folder.path() / "parts", every(4, 1), 2, false);
    run_until(*second, folder.path() / "parts", every(4, 1), 99, true);
    const NamedTensors expected = whole->state(), found = second->state();
    for (size_t i = 0; i < expected.size(); ++i) CHECK(at::equal(expected[i].second, found[i].second));
    CHECK(expected.back().first == "best_measure");
    CHECK(expected.back().second[0].item<double>() == 4);  // nothing is measured before the last step of so short a run
    CHECK(whole->note_on_result() == second->note_on_result());
  };
  check([&] {
    ParserTaskOptions options;
    options.parser.unet = {.dim = 4, .levels = 2};
    options.training.loader.batch = 4;
    return std::make_unique<ParserTask>(faces, options, BundleInfo{.crop = "none"});
  });
  check([&] {
    ClassifierTaskOptions options;
    options.classifier.dim = 4;
    options.training.loader.batch = 4;
    return std::make_unique<ClassifierTask>(faces, options, BundleInfo{.crop = "none"});
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

TEST_CASE("a network that explodes after a finite loss is not saved, at the last step neither", "[trainer]") {
  const TemporaryFolder folder;
  std::ostringstream quiet;
  struct Exploding final : ToyBase {
    int64_t at = 0;
    NamedValues step(int64_t step, double rate) override {
      NamedValues values = ToyBase::step(step, rate);
      if (step + 1 == at) total.fill_(std::numeric_limits<float>::infinity());
      return values;
    }
  };
  Exploding task;
  task.at = 5;
  CHECK_THROWS_WITH(Trainer(every(9, 3), folder / "run", quiet).run(task, false),
                    Catch::Contains("step 6: tensor 'total' holds a value that is not finite; photos: photo5.png") &&
                        Catch::Contains("the last good checkpoint, after 3 steps, is ") && Catch::Contains("checkpoint.safetensors"));
  CHECK_FALSE(fs::exists(folder / "run/samples/samples-0000006.png"));
  ToyTask again;
  Trainer(every(4, 3), folder / "run", quiet).run(again, true);
  CHECK(again.total.item<double>() == 4);

  Exploding last;
  last.at = 1;
  CHECK_THROWS_WITH(Trainer({.steps = 1, .sample_every = 0, .checkpoint_every = 0}, folder / "other", quiet).run(last, false),
                    Catch::Contains("step 1: tensor 'total'") && Catch::Contains("there is no checkpoint yet"));
  CHECK_FALSE(has_checkpoint(folder / "other"));
  CHECK_FALSE(fs::exists(folder / "other/result"));
}

TEST_CASE("a rolled back run goes on with the batches after the failed one, also when it is stopped in between", "[trainer]") {
  const TemporaryFolder folder;
  TrainerOptions options = every(9, 2);
  options.on_nan = OnNan::kRollback;
  options.checkpoint_every = 3;
  const auto failing = [](int64_t step) { return step == 4 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(step); };
  ToyTask whole;
  whole.value = failing;
  CHECK(run_until(whole, folder / "whole", options, 99, false).finished);
  // The fifth step fails; back at the third, the fourth begins where it failed, and every step learns at its own rate.
  CHECK(whole.steps == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(whole.total.item<double>() == 9);
  for (size_t i = 5; i < 11; ++i) CHECK(whole.rates[i] == learning_rate_factor(options, static_cast<int64_t>(i) - 2));
  const std::string log = read_file(folder / "whole/log.jsonl");
  CHECK_THAT(log, Catch::Contains("step 5: loss is nan; photos: photo4.png; back to step 3 and on with other batches, rollback 1 of 3"));
  for (const int64_t until : {4, 5, 6, 8}) {
    INFO(until);
    const fs::path run = folder / ("stopped" + std::to_string(until));
    ToyTask first, second;
    first.value = second.value = failing;
    run_until(first, run, options, until, false);
    CHECK(run_until(second, run, options, 99, true).finished);
    CHECK(second.total.item<double>() == 9);
    CHECK(second.steps.back() == 10);
    CHECK(read_file(run / "log.jsonl") == log);
  }
}

TEST_CASE("a run that keeps failing is rolled back so often and no more, from its first step on", "[trainer]") {
  const TemporaryFolder folder;
  TrainerOptions options = every(9, 9);
  options.on_nan = OnNan::kRollback;
  options.rollbacks = 2;
  ToyTask task;
  task.value = [](int64_t step) { return step % 2 == 0 ? 1.0 : std::numeric_limits<double>::infinity(); };
  std::ostringstream quiet;
  CHECK_THROWS_WITH(Trainer(options, folder / "run", quiet).run(task, false),
                    Catch::Contains("step 2: loss is inf") && Catch::Contains("rolled back 2 times already; training stopped") &&
                        Catch::Contains("the last good checkpoint, after 0 steps"));
  CHECK(task.steps == std::vector<int64_t>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("log lines of a run that was stopped between them are those of one that was not", "[trainer]") {
  const TemporaryFolder folder;
  const TrainerOptions options = every(12, 5);
  const auto value = [](int64_t step) { return 1.0 / static_cast<double>(step + 3); };
  ToyTask whole;
  whole.value = value;
  run_until(whole, folder / "whole", options, 99, false);
  for (const int64_t until : {1, 4, 5, 7, 11}) {
    ToyTask first, second;
    first.value = second.value = value;
    run_until(first, folder / std::to_string(until), options, until, false);
    run_until(second, folder / std::to_string(until), options, 99, true);
    CHECK(read_file(folder.path() / std::to_string(until) / "log.jsonl") == read_file(folder / "whole/log.jsonl"));
  }
}

TEST_CASE("a run that is asked to stop before its first step keeps it for later", "[trainer]") {
  const TemporaryFolder folder;
  std::ostringstream quiet;
  const std::atomic<bool> stop{true};
  ToyTask task;
  const TrainingOutcome outcome = Trainer(every(2, 1), folder / "run", quiet).run(task, false, &stop);
  CHECK(outcome.steps == 0);
  CHECK_FALSE(outcome.finished);
  CHECK(Trainer(every(2, 1), folder / "run", quiet).run(task, true).finished);
  CHECK(task.steps == std::vector<int64_t>{0, 1});
}

TEST_CASE("a checkpoint goes on with what it belongs to, what may change is told", "[trainer]") {
  const TemporaryFolder folder;
  std::ostringstream quiet;
  const RunSettings settings{.file = "first", .fixed = {{"task.loader.batch", "4"}}, .changeable = {{"trainer.steps", "2"}}};
  ToyTask task;
  task.belongs_to = {{"the order of attributes", "Bald, Male"}};
  Trainer(every(2, 1), folder / "run", quiet, settings).run(task, false);
  const auto resumed = [&](const std::function<void(ToyTask&, RunSettings&)>& change) {
    ToyTask other;
    other.belongs_to = task.belongs_to;
    RunSettings changed = settings;
    changed.file = "second";
    change(other, changed);
    std::ostringstream told;
    Trainer(every(3, 1), folder / "run", told, changed).run(other, true);
    return told.str();
  };
  CHECK_THROWS_WITH(resumed([](ToyTask& other, RunSettings&) { other.belongs_to[0].second = "Male, Bald"; }),
                    Catch::Contains("belongs to another run: the order of attributes was Bald, Male, found Male, Bald"));
  CHECK_THROWS_WITH(resumed([](ToyTask&, RunSettings& changed) { changed.fixed[0].second = "8"; }),
                    Catch::Contains("task.loader.batch was 4, found 8"));
  CHECK(read_file(folder / "run/settings.toml") == "first");
  CHECK_THAT(resumed([](ToyTask&, RunSettings& changed) { changed.changeable[0].second = "3"; }),
             Catch::Contains("resuming with another trainer.steps: 3 instead of 2\n"));
  ToyTask shorter;
  CHECK_THROWS_WITH(Trainer(every(2, 1), folder / "run", quiet).run(shorter, true), Catch::Contains("3 steps are done"));
}

TEST_CASE("a run to resume that has no checkpoint yet begins, and says so", "[trainer]") {
  const TemporaryFolder folder;
  std::ostringstream told;
  fs::create_directory(folder / "run");
  ToyTask task;
  CHECK(Trainer(every(2, 1), folder / "run", told).run(task, true).finished);
  CHECK_THAT(told.str(), Catch::Contains("holds no checkpoint yet: starting from the beginning"));
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
  fs::remove(folder.path() / "run" / "checkpoint.previous.safetensors");
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

TEST_CASE("a warning is logged every time, and told once of a kind until the run is twice as long", "[trainer]") {
  struct Worried final : ToyBase {
    std::vector<std::string> warnings(int64_t step, const NamedValues&) override { return {"loss is 0." + std::to_string(step)}; }
  };
  const TemporaryFolder folder;
  Worried task;
  std::ostringstream status;
  Trainer(every(8, 1), folder.path() / "run", status).run(task, false);
  const auto count = [](const std::string& text, const std::string& what) {
    int64_t found = 0;
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  };
  CHECK(count(status.str(), "warning: loss is 0.") == 4);  // at 1, 2, 4 and 8
  CHECK(count(read_file(folder.path() / "run" / "log.jsonl"), "loss is 0.") == 8);
}

TEST_CASE("a GAN run warns of edits that equal the reconstruction", "[trainer]") {
  SecganTaskOptions options = tiny_recipe();
  // Nothing pulls towards the target, everything towards the input, and nothing is learned.
  options.generator_adam.learning_rate = options.discriminator_adam.learning_rate = 1e-12;
  options.losses.intensity = 1e-6;
  const auto task = tiny_secgan(options);
  const NamedValues values = task->step(0, 1);
  CHECK(task->warnings(100, values).empty());  // too early to tell
  const auto warnings = task->warnings(1000, values);
  std::string all;
  for (const std::string& warning : warnings) all += warning + "\n";
  CHECK_THAT(all, Catch::Contains("edits equal the reconstruction") && Catch::Contains("attribute head learns nothing"));
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

  // With a decay of 0 it is the live network, and no second copy of it.
  torch::nn::BatchNorm2d same(2);
  MovingAverage none(*live, *same, 0);
  CHECK(same->weight.data_ptr() == live->weight.data_ptr());
  CHECK(same->running_var.data_ptr() == live->running_var.data_ptr());
  CHECK((live->weight.requires_grad() && !same->weight.requires_grad() && live->is_training() && !same->is_training()));
  {
    at::NoGradGuard no_grad;
    live->weight.fill_(25);
  }
  none.update(1000);
  CHECK(same->weight[0].item<double>() == 25);
}
