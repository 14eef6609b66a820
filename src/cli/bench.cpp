#include <array>
#include <iostream>
#include <optional>
#include <string_view>

#include "bench/bench.hpp"
#include "cli/commands.hpp"
#include "cli/outputs.hpp"
#include "cli/printing.hpp"
#include "cli/settings.hpp"
#include "core/format.hpp"
#include "secgan/io/file.hpp"
#include "secgan/report/progress.hpp"

namespace secgan::cli {
namespace {

struct Subject {
  const char* name;
  const char* help;
  Bench run;
};

constexpr std::array kSubjects{
    Subject{"train-step", "a cycle of training: every discriminator update and one generator update, of both branches", &bench_train_step},
    Subject{"edit", "the photo generator alone, on a batch", &bench_edit},
    Subject{"load", "photos from files to batches", &bench_load},
    Subject{"loss", "the consistency terms behind a parser of 19 classes, forward and backward", &bench_loss},
    Subject{"frechet", "the Fréchet distance", &bench_frechet},
    Subject{"checkpoint", "a checkpoint of a training, digested, written, synced and read back", &bench_checkpoint},
    Subject{"start", "a whole process: `secgan --version`, or, with --model and --photo, the edit of a photo", &bench_start},
};

void measure(const Subject& subject, const BenchSettings& settings, const std::string& json) {
  validate(settings);
  find_device(settings.device);
  require_json_place(json, {"bench", "machine"});
  std::optional<Progress> progress;
  const BenchResult result = subject.run(settings, [&](int64_t done, int64_t total) {
    if (!progress) progress.emplace(subject.name, 0, total, std::cerr);
    if (done > 0) progress->update(done, 0, "");
  });
  if (progress) progress->finish();
  const std::string report = bench_json(subject.name, settings, result);
  if (json == "-") {
    print_bytes(stdout, report);
    return;
  }
  if (!json.empty()) write_file(json, report);
  for (const auto& [name, value] : result.values) say("{:<24} {:.6g}", name, value);
  if (!result.engine.empty()) say("{:<24} {}", "engine", result.engine);
}

}  // namespace

void add_bench(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("bench", "time the library's own paths");
  command.require_subcommand(1);
  for (const Subject& subject : kSubjects) {
    CLI::App& one = *command.add_subcommand(subject.name, subject.help);
    auto flags = std::make_shared<SettingsFlags<BenchSettings>>(one);
    auto json = std::make_shared<std::string>();
    using S = BenchSettings;
    flags->bind<&S::image_size>("--image-size", "N");
    flags->bind<&S::batch>("--batch", "N");
    flags->bind<&S::attributes>("--attributes", "N");
    flags->bind<&S::backbone>("--backbone", "NAME");
    flags->bind<&S::parser>("--parser", "NAME");
    flags->bind_switch<&S::small>("--small", true, "train-step: the recipe for 64 px");
    flags->bind_switch<&S::mask_branch>("--no-mask-branch", false, "train-step: the photo branch alone");
    flags->bind<&S::precision>("--precision", "NAME");
    flags->bind<&S::engine>("--engine", "NAME");
    flags->bind<&S::dims>("--dims", "N");
    flags->bind<&S::megabytes>("--megabytes", "N");
    flags->bind<&S::model>("--model", "BUNDLE");
    flags->bind<&S::photo>("--photo", "FILE");
    add_data_source<&S::data>(*flags);
    flags->bind<&S::repeats>("--repeats", "N");
    flags->bind<&S::device>("--device", "NAME");
    flags->bind<&S::threads>("--threads", "N");
    add_json_option(one, *json, "write the figures to a file");
    one.callback([=] { measure(subject, flags->resolve(), *json); });
  }
}

}  // namespace secgan::cli
