#include <filesystem>
#include <fstream>
#include <iostream>

#include "cli/commands.hpp"
#include "cli/settings.hpp"
#include "core/format.hpp"
#include "secgan/bundle/load_weights.hpp"
#include "secgan/core/error.hpp"
#include "secgan/evaluation/settings.hpp"
#include "secgan/io/file.hpp"
#include "secgan/report/progress.hpp"
#include "study/study.hpp"

namespace secgan::cli {
namespace {

struct EvaluationRequest {
  std::string model, protocol = "secgan", out, json;
};

void evaluate_model(const EvaluationRequest& request, const SettingsFlags& flags) {
  EvaluateSettings defaults;
  defaults.protocol = open_protocol(request.protocol);
  const EvaluateSettings settings = flags.resolve(std::move(defaults));
  std::optional<Progress> progress;
  const EvaluationRun run = evaluate(request.model, settings, {}, [&](int64_t done, int64_t total) {
    if (!progress) progress.emplace("evaluate", 0, total, std::cerr);
    if (done > 0) progress->update(done, 1, "");
  });
  if (progress) progress->finish();
  if (!request.out.empty()) write_evaluation(request.out, run.evaluation, run.context);
  if (request.json == "-") {
    std::cout << evaluation_json(run.evaluation, run.context);
    return;
  }
  if (!request.json.empty()) write_file(request.json, evaluation_json(run.evaluation, run.context));
  std::cout << evaluation_markdown(run.evaluation, run.context);
  if (!request.out.empty()) fmt::print("\nreport: {}\n", (std::filesystem::path(request.out) / "report.html").string());
}

}  // namespace

void add_evaluation(CLI::App& app) {
  {
    CLI::App& command = *app.add_subcommand("evaluate", "measure a bundle's edits under a pinned protocol");
    auto request = std::make_shared<EvaluationRequest>();
    auto flags = std::make_shared<SettingsFlags>(command);
    command.add_option("model", request->model, "the bundle's folder")->required()->type_name("MODEL");
    command.add_option("--protocol", request->protocol, fmt::format("{}, or a TOML file", fmt::join(protocol_names(), ", ")))
        ->capture_default_str()
        ->type_name("NAME|FILE");
    flags->value("--data", {"data.kind"}, "NAME", "celeba, celebamask-hq or synthetic");
    flags->text("--root", "data.root", "DIR", "the data set's folder");
    flags->value("--mask-labels", {"data.mask_labels"}, "NAME", "celebamask-hq: class order of index PNGs, celebamask-hq or face-parsing");
    flags->flag("--split-by-id", "data.split_by_mapping", false, "celebamask-hq: 80/10/10 % by id, where the mapping file is missing");
    flags->flag("--masks", "masks", true, "celebamask-hq: read the masks too, for the parser's IoU");
    flags->text("--classifier", "protocol.classifier", "BUNDLE", "another judge than the bundle's own classifier");
    flags->text("--inception", "inception", "FILE",
                fmt::format("{}; without it FID, KID and IS are not measured", kInceptionWeightsOrigin));
    flags->text("--swav", "swav", "FILE", fmt::format("{}; without it ssFID is not measured", kSwavWeightsOrigin));
    flags->text("--extractor", "extractor.file", "FILE",
                "features of your own as TorchScript or compiled package; it runs the file's code. extractor.input_size, .resize, "
                ".normalization by --option");
    flags->text("--identity", "identity.file", "FILE", "an identity embedding likewise, for the cosine between photo and edit");
    flags->value("--photos", {"protocol.photos"}, "N", "the first N photos of the split: another protocol, with another hash");
    flags->value("--batch", {"batch"}, "N", "photos at once");
    flags->value("--threads", {"threads"}, "N", "CPU threads; 0: one per core");
    command.add_option("--out", request->out, "folder for report.json, report.md, report.html and protocol.toml")->type_name("DIR");
    command.add_option("--json", request->json, "also write the figures to a file; '-': to the terminal instead of the table")
        ->type_name("FILE");
    command.callback([=] { evaluate_model(*request, *flags); });
  }
  {
    CLI::App& command = *app.add_subcommand("tabulate", "put reports of secgan evaluate into one table");
    auto files = std::make_shared<std::vector<std::string>>();
    auto different = std::make_shared<bool>(false);
    command.add_option("reports", *files, "report.json files")->required()->type_name("FILE...");
    command.add_flag("--different-protocols", *different, "also where their protocols differ");
    command.callback([=] { std::cout << compare_reports({files->begin(), files->end()}, *different); });
  }
  {
    CLI::App& command = *app.add_subcommand("compare", "does the mask branch pay? train with and without it on drawn faces, and report");
    auto flags = std::make_shared<SettingsFlags>(command);
    auto out = std::make_shared<std::string>();
    flags->list("--backbones", "backbones", "backbones to compare");
    flags->value("--seeds", {"seeds"}, "N", "runs per backbone and variant");
    flags->value("--lambda-sc", {"lambda_sc"}, "X", "weight of the semantic consistency where it is on");
    flags->flag("--same-time", "same_time", true, "also train the photo branch alone for as long as the whole takes");
    flags->value("--image-size", {"image_size"}, "N", "side in pixels, a multiple of 32");
    flags->value("--faces", {"faces"}, "N", "faces to train on");
    flags->value("--unseen", {"unseen"}, "N", "unseen faces for the figures");
    flags->value("--steps", {"steps"}, "N", "generator updates of each run");
    flags->value("--seed", {"seed"}, "N", "one seed makes the study repeatable");
    flags->value("--threads", {"threads"}, "N", "CPU threads; 0: one per core");
    command.add_option("--out", *out, "the study's folder; the same command goes on where it was stopped")->required()->type_name("DIR");
    command.callback([=] {
      const StudySettings settings = flags->resolve(StudySettings{});
      stop_on_signals();
      if (!run_study(settings, *out, std::cerr, &stop_requested)) throw Error("stopped; the same command goes on from here");
      fmt::print("report: {}\n", (std::filesystem::path(*out) / "report.html").string());
    });
  }
}

}  // namespace secgan::cli
