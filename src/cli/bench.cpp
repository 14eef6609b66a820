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

using Settings = BenchSettings;
using Flags = SettingsFlags<Settings>;

void add_batch(Flags& flags) {
  flags.bind<&Settings::image_size>("--image-size", "N");
  flags.bind<&Settings::batch>("--batch", "N");
}

void add_networks(Flags& flags) {
  flags.bind<&Settings::attributes>("--attributes", "N");
  flags.bind<&Settings::backbone>("--backbone", "NAME");
  flags.bind<&Settings::precision>("--precision", "NAME");
}

void add_train_step(Flags& flags) {
  add_batch(flags);
  add_networks(flags);
  flags.bind<&Settings::parser>("--parser", "NAME");
  flags.bind_switch<&Settings::small>("--small", true, "the recipe for 64 px");
  flags.bind_switch<&Settings::mask_branch>("--no-mask-branch", false, "the photo branch alone");
}

void add_edit_of_noise(Flags& flags) {
  add_batch(flags);
  add_networks(flags);
  flags.bind<&Settings::engine>("--engine", "NAME");
  flags.bind<&Settings::model>("--model", "BUNDLE");
}

void add_load(Flags& flags) {
  add_batch(flags);
  add_data_source<&Settings::data>(flags);
}

void add_frechet(Flags& flags) { flags.bind<&Settings::dims>("--dims", "N"); }

void add_checkpoint(Flags& flags) { flags.bind<&Settings::megabytes>("--megabytes", "N"); }

void add_start(Flags& flags) {
  flags.bind<&Settings::model>("--model", "BUNDLE");
  flags.bind<&Settings::photo>("--photo", "FILE");
}

struct Subject {
  const char* name;
  const char* help;
  void (*add_flags)(Flags& flags);  ///< of the settings that it reads
  Bench run;
};

constexpr std::array kSubjects{
    Subject{"train-step", "a cycle of training: every discriminator update and one generator update, of both branches", &add_train_step,
            &bench_train_step},
    Subject{"edit", "the photo generator alone, on a batch", &add_edit_of_noise, &bench_edit},
    Subject{"load", "photos from files to batches", &add_load, &bench_load},
    Subject{"loss", "the consistency terms behind a parser of 19 classes, forward and backward", &add_batch, &bench_loss},
    Subject{"frechet", "the Fréchet distance", &add_frechet, &bench_frechet},
    Subject{"checkpoint", "a checkpoint of a training, digested, written, synced and read back", &add_checkpoint, &bench_checkpoint},
    Subject{"start", "a whole process: `secgan --version`, or, with --model and --photo, the edit of a photo", &add_start, &bench_start},
};

void measure(const Subject& subject, const Settings& settings, const std::string& json) {
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
    auto flags = std::make_shared<Flags>(one);
    auto json = std::make_shared<std::string>();
    subject.add_flags(*flags);
    for (const char* flag : {"--image-size", "--attributes", "--backbone"}) {  // a bundle's networks have their own
      CLI::Option* const of_network = one.get_option_no_throw(flag);
      if (CLI::Option* const model = one.get_option_no_throw("--model"); model != nullptr && of_network != nullptr)
        model->excludes(of_network);
    }
    flags->bind<&Settings::repeats>("--repeats", "N");
    flags->bind<&Settings::device>("--device", "NAME");
    flags->bind<&Settings::threads>("--threads", "N");
    add_json_option(one, *json, "write the figures to a file");
    one.callback([=] { measure(subject, flags->resolve(), *json); });
  }
}

}  // namespace secgan::cli
