#include <ATen/ATen.h>

#include <filesystem>
#include <iostream>

#include "cli/commands.hpp"
#include "cli/demo_report.hpp"
#include "cli/settings.hpp"
#include "core/format.hpp"
#include "secgan/core/device.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/evaluation/evaluate.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"
#include "secgan/report/progress.hpp"
#include "secgan/training/train.hpp"

namespace secgan::cli {
namespace {

namespace fs = std::filesystem;

struct DemoOptions {
  std::string out = "demo-run";
  uint64_t seed = 1;
  int64_t faces = 8000;
  int64_t image_size = 64;
  int64_t parser_steps = 1100;
  int64_t classifier_steps = 600;
  int64_t steps = 2400;  // with 1,700 a run may miss the goals by chance (docs/options.md)
  int64_t unseen = 500;
  std::string device = "auto";
  int64_t threads = 0;

  static constexpr auto fields() {
    using O = DemoOptions;
    return std::tuple{
        field<&O::seed>("one seed makes the run repeatable"),
        field<&O::faces>("faces to train on; a batch of the classifier's training is 64", rule::at_least(64)),
        field<&O::image_size>("side in pixels", rule::multiple_of(32)),
        field<&O::steps>("generator updates of SeCGAN", rule::kPositive),
        field<&O::parser_steps>("updates of the parser", rule::kPositive),
        field<&O::classifier_steps>("updates of the classifier", rule::kPositive),
        field<&O::unseen>("unseen faces for the metrics; the report shows ten", rule::at_least(10)),
        field<&O::device>(kDeviceHelp),
        field<&O::threads>("CPU threads; 0: OMP_NUM_THREADS, or as many as are measured to be fastest", rule::kThreads),
    };
  }
};

/// One stage: trains, or goes on with what an earlier call has left.
template <class Settings>
double stage(Settings settings, const fs::path& run, const DemoOptions& options) {
  settings.device = options.device;
  settings.threads = options.threads;
  const TrainingOutcome outcome = train_or_resume(settings, {.run = run, .status = &std::cerr, .stop = &stop_requested});
  if (!outcome.finished) throw Stopped("stopped; the same command goes on from here");
  return outcome.seconds;
}

void demo(const DemoOptions& options) {
  validate(options);  // before the first of its trainings
  stop_on_signals();
  const fs::path out = options.out;
  std::error_code ignored;
  // A comparison has a parser, too, and settings of its own.
  require_own_place(out, {"parser", "classifier", "secgan", "photos", "report.html", "report.json"},
                    fs::exists(out / "parser" / "settings.toml", ignored) && !fs::exists(out / "settings.json", ignored));
  const DataSettings data{.source = {.kind = DataKind::kSynthetic}, .image_size = options.image_size, .count = options.faces};

  TrainSettings secgan;
  secgan.data = data;
  secgan.parser = (out / "parser" / "bundle").string();
  secgan.classifier = (out / "classifier" / "bundle").string();
  secgan.task = small_scale_recipe();
  secgan.task.loader.seed = options.seed + 2;
  secgan.trainer = {.steps = options.steps, .log_every = 20, .sample_every = 300, .checkpoint_every = 300};

  DemoResult result;
  result.folder = out;
  result.seed = options.seed;
  result.seconds.emplace_back("parser", stage(small_scale_parser(data, options.parser_steps, options.seed), out / "parser", options));
  result.seconds.emplace_back("classifier",
                              stage(small_scale_classifier(data, options.classifier_steps, options.seed + 1), out / "classifier", options));
  result.seconds.emplace_back("SeCGAN, both branches", stage(secgan, out / "secgan", options));
  result.bundle = load_bundle(out / "secgan" / "bundle");
  result.bundle.to(find_device(options.device));
  DataSettings unseen = data;
  unseen.count = options.unseen;
  result.unseen = open_dataset(unseen, Split::kTest, /*with_attributes=*/true, /*with_masks=*/true);
  {
    Progress progress("evaluation", 0, result.unseen->size(), std::cerr);
    const auto tell_or_stop = [&](int64_t done, int64_t) {
      if (stop_requested) throw Stopped("stopped; the same command goes on from here");
      if (done > 0) progress.update(done, 1, "");
    };
    result.evaluation = evaluate(result.bundle, *result.unseen, EvaluationProtocol{}, {}, {.progress = tell_or_stop});
  }
  // A few of them as files, to try `secgan edit` on.
  make_folder(out / "photos");
  for (int64_t i = 0; i < std::min<int64_t>(12, result.unseen->size()); ++i) {
    const Sample sample = result.unseen->get(i);
    write_image(out / "photos" / (sample.id + ".png"), sample.image);
  }
  const bool reached = write_demo_report(result);
  if (!reached) throw Error(fmt::format("the metrics fall short of the demo's goals; see {}", (out / "report.html").string()));
}

}  // namespace

void add_demo(CLI::App& app) {
  CLI::App& command =
      *app.add_subcommand("demo", "draw faces, train parser, classifier and SeCGAN on them, edit unseen ones, write a report");
  auto options = std::make_shared<DemoOptions>();
  command.add_option("--out", options->out, "the demo's folder")->capture_default_str()->type_name("DIR");
  const auto add = [&]<auto Member>(const std::string& flag, const char* type) {
    const auto set = [=](const std::string& text) { detail::set_value(field_at<Member>(*options).value, text, flag); };
    command.add_option_function<std::string>(flag, set, help_of(field_at<Member>(*options)))->type_name(type);
  };
  using O = DemoOptions;
  add.operator()<&O::seed>("--seed", "N");
  add.operator()<&O::faces>("--faces", "N");
  add.operator()<&O::image_size>("--image-size", "N");
  add.operator()<&O::steps>("--steps", "N");
  add.operator()<&O::parser_steps>("--parser-steps", "N");
  add.operator()<&O::classifier_steps>("--classifier-steps", "N");
  add.operator()<&O::unseen>("--unseen", "N");
  add.operator()<&O::device>("--device", "NAME");
  add.operator()<&O::threads>("--threads", "N");
  command.callback([=] { demo(*options); });
}

}  // namespace secgan::cli
