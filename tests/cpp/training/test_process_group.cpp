#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <atomic>
#include <sstream>

#include "random_bundle.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/io/file.hpp"
#include "secgan/training/recorder.hpp"
#include "secgan/training/secgan_task.hpp"
#include "secgan/training/supervised_task.hpp"
#include "secgan/training/synchronized.hpp"
#include "secgan/training/trainer.hpp"
#include "temporary_folder.hpp"
#include "training/two_processes.hpp"

using namespace secgan;
using namespace secgan::testing;
namespace fs = std::filesystem;

namespace {

std::shared_ptr<const Dataset> sixteen_faces() {
  return std::make_shared<SyntheticFaces>(SyntheticFacesOptions{.count = 16, .image_size = 32});
}

/// Without norms over the batch.
SecganTaskOptions independent_samples(int64_t batch) {
  SecganTaskOptions options;
  options.photo_generator = options.mask_generator = AttGanGeneratorOptions{.enc_dim = 4,
                                                                            .enc_layers = 2,
                                                                            .enc_norm_fn = Normalization::kInstance,
                                                                            .dec_dim = 4,
                                                                            .dec_layers = 2,
                                                                            .dec_norm_fn = Normalization::kNone};
  options.photo_discriminator = options.mask_discriminator = AttGanDiscriminatorOptions{.dim = 4, .fc_dim = 4, .n_layers = 2};
  options.discriminator_updates = 2;
  options.loader.batch = batch;
  // Adam divides by the gradient's size: with a smaller epsilon a weight whose gradient is rounding alone takes whole steps.
  options.generator_adam.epsilon = options.discriminator_adam.epsilon = 1e-3;
  return options;
}

/// Adds one a step.
struct Adder final : TrainingTask {
  at::Tensor total;
  double weight = 1;
  std::function<double(int64_t)> at_step = {};

  Adder(at::Tensor total, double weight) : total(std::move(total)), weight(weight) {}
  std::string name() const override { return "adder"; }
  int64_t photos_per_step() const override { return 1; }
  NamedValues step(int64_t step, double) override {
    total += 1;
    return {{"loss", at_step(step)}};
  }
  NamedTensors state() override { return {{"total", total}}; }
  at::Tensor samples() override { return {}; }
  std::vector<std::string> warnings(int64_t, const NamedValues&) override { return {}; }
  void save_result(const fs::path& run) override { write_file(run / "result", "done"); }
};

struct Trained {
  NamedValues values;
  NamedTensors state;
};

Trained steps_of(TrainingTask& task, int64_t steps) {
  Trained trained;
  for (int64_t step = 0; step < steps; ++step) {
    for (auto& value : task.step(step, 1)) trained.values.push_back(std::move(value));
  }
  for (const auto& [name, tensor] : task.state()) trained.state.emplace_back(name, tensor.detach().clone());
  return trained;
}

/// @param tolerance  of a tensor's largest value, or of 1
void check_close(const NamedTensors& a, const NamedTensors& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].second.numel() == 0) continue;
    INFO(a[i].first);
    const double scale = std::max(1.0, b[i].second.abs().max().item<double>());
    CHECK((a[i].second - b[i].second).abs().max().item<double>() <= tolerance * scale);
  }
}

/// Of one task by two processes with half a batch each against one with the whole.
/// @param make  (batch of a process, group) -> task
template <class Make>
void check_halves_are_the_whole(const Make& make, int64_t steps) {
  auto alone = make(8, ProcessGroup());
  const Trained whole = steps_of(*alone, steps);
  const std::vector<Trained> halves = by_two([&](const ProcessGroup& group) {
    auto task = make(4, group);
    return steps_of(*task, steps);
  });
  check_close(halves[0].state, halves[1].state, 0);
  check_close(halves[0].state, whole.state, 1e-5);
  REQUIRE(halves[0].values.size() == whole.values.size());
  for (size_t i = 0; i < whole.values.size(); ++i) {
    INFO(whole.values[i].first);
    CHECK((halves[0].values[i].second + halves[1].values[i].second) / 2 == Approx(whole.values[i].second).epsilon(1e-4).margin(1e-5));
  }
}

}  // namespace

TEST_CASE("a process by itself averages, broadcasts and gathers its own", "[training]") {
  const ProcessGroup one;
  const at::Tensor tensor = torch::ones({2, 3});
  one.average({tensor});
  one.broadcast({tensor});
  one.barrier();
  one.require_same("anything", "any text");
  CHECK(one.gather(tensor).is_same(tensor));
  CHECK(at::equal(tensor, torch::ones({2, 3})));
  CHECK((one.rank() == 0 && one.size() == 1 && one.leads()));
}

TEST_CASE("means, broadcasts and rows of two processes, for tensors of several types and layouts", "[training]") {
  struct Result {
    at::Tensor weight, wide, count, rows;
  };
  const std::vector<Result> results = by_two([](const ProcessGroup& group) {
    const double rank = static_cast<double>(group.rank());
    Result result;
    result.weight = (torch::arange(24).to(at::kFloat) + 10 * rank).view({2, 3, 2, 2}).contiguous(at::MemoryFormat::ChannelsLast);
    result.wide = torch::full({}, 1 + rank, at::kDouble);
    result.count = torch::full({2}, 5 + group.rank(), at::kLong);
    result.rows = group.gather(torch::full({2, 1}, rank).t().contiguous().t());
    group.average({result.weight, result.wide});
    group.broadcast({result.count});
    group.barrier();
    return result;
  });
  for (const Result& result : results) {
    CHECK(at::equal(result.weight, (torch::arange(24).to(at::kFloat) + 5).view({2, 3, 2, 2})));
    CHECK(result.wide.item<double>() == 1.5);
    CHECK(at::equal(result.count, torch::full({2}, 5, at::kLong)));
    CHECK(at::equal(result.rows, torch::tensor({{0.0f}, {0.0f}, {1.0f}, {1.0f}})));
  }
}

TEST_CASE("a gradient that one process lacks counts as zero, one that both lack stays away", "[training]") {
  const auto results = by_two([](const ProcessGroup& group) {
    std::vector<at::Tensor> parameters;
    for (int i = 0; i < 3; ++i) parameters.push_back(torch::zeros({2}).requires_grad_(true));
    parameters[0].mutable_grad() = torch::full({2}, 1.0 + 2 * static_cast<double>(group.rank()));
    if (group.leads()) parameters[1].mutable_grad() = torch::full({2}, 3.0);
    group.average_gradients(parameters);
    return parameters;
  });
  for (const auto& parameters : results) {
    CHECK(at::equal(parameters[0].grad(), torch::full({2}, 2.0)));
    CHECK(at::equal(parameters[1].grad(), torch::full({2}, 1.5)));
    CHECK_FALSE(parameters[2].grad().defined());
  }
}

TEST_CASE("two processes with half a batch each take one process's steps: SeCGAN", "[training]") {
  check_halves_are_the_whole(
      [bundle = random_bundle()](int64_t batch, const ProcessGroup& group) {
        return std::make_unique<SecganTask>(sixteen_faces(), independent_samples(batch), bundle, CustomNetworks{}, group);
      },
      2);
}

TEST_CASE("two processes with half a batch each take one process's steps: SeCGAN, augmented", "[training]") {
  check_halves_are_the_whole(
      [bundle = random_bundle()](int64_t batch, const ProcessGroup& group) {
        SecganTaskOptions options = independent_samples(batch);
        options.augment = {.shift = 0.25, .flip = 0.5, .brightness = 0.5, .contrast = 0.5};
        return std::make_unique<SecganTask>(sixteen_faces(), options, bundle, CustomNetworks{}, group);
      },
      2);
}

TEST_CASE("two processes train one classifier, whose norms see each its share, running statistics included", "[training]") {
  const auto results = by_two([](const ProcessGroup& group) {
    ClassifierTaskOptions options{.classifier = {.dim = 4, .max_dim = 8}};
    options.training.loader.batch = 4;
    ClassifierTask task(sixteen_faces(), options, BundleInfo{.crop = "none"}, group);
    const at::Tensor before = task.state().front().second.detach().clone();
    const Trained trained = steps_of(task, 2);
    return std::pair(trained, at::equal(before, task.state().front().second));
  });
  check_close(results[0].first.state, results[1].first.state, 0);
  CHECK_FALSE(results[0].second);
}

TEST_CASE("processes that do not fit together are told before they train", "[training]") {
  CHECK_THROWS_WITH(by_two([](const ProcessGroup& group) {
                      group.require_same("settings", group.leads() ? "batch = 4" : "batch = 8");
                      return 0;
                    }),
                    Catch::Contains("process 1 of 2") && Catch::Contains("settings"));
  CHECK_THROWS_WITH(SecganTask(sixteen_faces(), independent_samples(17), random_bundle()), Catch::Contains("batch 17"));
  CHECK_THROWS_WITH(Loader(sixteen_faces(), {.batch = 7, .per_process = false}, {0, 2}),
                    Catch::Contains("batch 7") && Catch::Contains("no multiple of its 2 processes"));
}

TEST_CASE("a run of two processes begins, stops and fails as one, and one of them writes", "[training]") {
  const TemporaryFolder folder;
  struct End {
    int64_t steps = 0;
    double total = 0;
    std::string said, error;
  };
  const auto run = [&](bool resume, int64_t stop_at, int64_t bad_at) {
    return by_two([=, &folder](const ProcessGroup& group) {
      Adder task(torch::full({1}, group.leads() ? 0.0 : 50.0), group.leads() ? 1.0 : 3.0);
      std::atomic<bool> stop = false;
      // The second process alone is told to stop, or has a value that is not finite.
      task.at_step = [&](int64_t step) {
        if (!group.leads() && step == stop_at) stop = true;
        return !group.leads() && step == bad_at ? std::numeric_limits<double>::quiet_NaN() : task.weight;
      };
      std::ostringstream status;
      End end;
      try {
        const TrainerOptions options{.steps = 9, .log_every = 1, .sample_every = 0, .checkpoint_every = 2};
        end.steps = Trainer(options, folder / (group.leads() ? "run" : "no"), status, {}, group).run(task, resume, &stop).steps;
      } catch (const Error& error) {
        end.error = error.what();
      }
      end.total = task.total.item<double>();
      end.said = status.str();
      return end;
    });
  };
  const auto stopped = run(false, 3, -1);
  CHECK((stopped[0].steps == 4 && stopped[1].steps == 4));
  CHECK((stopped[0].total == 4 && stopped[1].total == 4));  // from the first one's zero
  CHECK(stopped[1].said.empty());
  CHECK_FALSE(fs::exists(folder / "no"));
  CHECK(read_log(folder / "run", "loss").values == std::vector<double>(4, 2.0));

  const auto failed = run(true, -1, 6);
  for (const End& end : failed)
    CHECK_THAT(end.error, Catch::Contains("step 7: loss is nan") && Catch::Contains("the last good checkpoint, after 6 steps"));
  const auto finished = run(true, -1, -1);
  CHECK((finished[0].steps == 9 && finished[1].steps == 9));
  CHECK((finished[0].total == 9 && finished[1].total == 9));
  CHECK(read_file(folder / "run/result") == "done");
}

TEST_CASE("processes are rolled back as one, and go on with the same batches", "[training]") {
  const TemporaryFolder folder;
  struct End {
    int64_t steps = 0;
    double total = 0;
    std::vector<int64_t> batches;
    std::string said, error;
  };
  // The second process alone has a value that is not finite, in its seventh batch, or from there on in each.
  const auto run = [&](const std::string& name, bool always) {
    return by_two([=, &folder](const ProcessGroup& group) {
      End end;
      Adder task(torch::full({1}, group.leads() ? 0.0 : 50.0), group.leads() ? 1.0 : 3.0);
      task.at_step = [&](int64_t batch) {
        end.batches.push_back(batch);
        const bool bad = !group.leads() && (always ? batch >= 6 : batch == 6);
        return bad ? std::numeric_limits<double>::quiet_NaN() : task.weight;
      };
      std::ostringstream status;
      try {
        const TrainerOptions options{
            .steps = 9, .log_every = 1, .sample_every = 0, .checkpoint_every = 4, .on_nan = OnNan::kRollback, .rollbacks = 2};
        end.steps = Trainer(options, folder / (group.leads() ? name : "no"), status, {}, group).run(task, false).steps;
      } catch (const Error& error) {
        end.error = error.what();
      }
      end.total = task.total.item<double>();
      end.said = status.str();
      return end;
    });
  };
  const auto once = run("once", false);
  for (const End& end : once) {
    CHECK(end.error.empty());
    CHECK(end.steps == 9);
    CHECK(end.total == 9);
    CHECK(end.batches == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  }
  CHECK_THAT(once[0].said,
             Catch::Contains("step 7: loss is nan") && Catch::Contains("back to step 4 and on with other batches, rollback 1 of 2"));
  CHECK(once[1].said.empty());
  CHECK(read_log(folder / "once", "loss").steps == std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9});

  for (const End& end : run("always", true)) {
    CHECK_THAT(end.error, Catch::Contains("rolled back 2 times already; training stopped; the last good checkpoint, after 4 steps"));
    CHECK(end.batches.size() == 9);  // up to the seventh, and one after each rollback
  }
  CHECK_FALSE(fs::exists(folder / "no"));
}

TEST_CASE("a process that does not answer, or has gone, is an error within the timeout", "[training]") {
  const auto begin = std::chrono::steady_clock::now();
  CHECK_THROWS_WITH(by_two(
                        [](const ProcessGroup& group) {
                          if (group.leads()) group.barrier();
                          return 0;
                        },
                        std::chrono::milliseconds(300)),
                    Catch::Contains("process 0 of 2: another process of the job has ended or does not answer"));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}
