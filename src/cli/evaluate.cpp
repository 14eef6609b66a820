#include <filesystem>
#include <iostream>

#include "cli/commands.hpp"
#include "cli/outputs.hpp"
#include "cli/printing.hpp"
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

namespace fs = std::filesystem;

struct EvaluationRequest {
  std::string model, protocol = "secgan", out, json;
};

void evaluate_model(const EvaluationRequest& request, const SettingsFlags<EvaluateSettings>& flags) {
  const EvaluateSettings settings = flags.resolve({.protocol = open_protocol(request.protocol)});
  if (!request.out.empty()) require_report_place(request.out);
  if (!request.out.empty() && !request.json.empty()) {
    for (const char* name : {"report.md", "report.html", "protocol.toml"}) {
      if (fs::weakly_canonical(fs::absolute(request.json)) == fs::weakly_canonical(fs::absolute(request.out)) / name)
        throw InvalidArgument(fmt::format("--json: '{}' is a file of the report at --out: choose another name", request.json));
    }
  }
  require_json_place(request.json, {"report_format", "figures"});
  std::optional<Progress> progress;
  const EvaluationRun run = evaluate(request.model, settings, {}, [&](int64_t done, int64_t total) {
    if (!progress) progress.emplace("evaluate", 0, total, std::cerr);
    if (done > 0) progress->update(done, 1, "");
  });
  if (progress) progress->finish();
  if (!request.out.empty()) write_evaluation(request.out, run.evaluation, run.context);
  if (request.json == "-") {
    print_bytes(stdout, evaluation_json(run.evaluation, run.context));
    return;
  }
  if (!request.json.empty()) write_file(request.json, evaluation_json(run.evaluation, run.context));
  say("{}", evaluation_markdown(run.evaluation, run.context));
  if (!request.out.empty()) say("\nreport: {}", (std::filesystem::path(request.out) / "report.html").string());
}

}  // namespace

void add_evaluation(CLI::App& app) {
  {
    CLI::App& command = *app.add_subcommand("evaluate", "measure a bundle's edits under a pinned protocol, at the bundle's size and crop");
    auto request = std::make_shared<EvaluationRequest>();
    auto flags = std::make_shared<SettingsFlags<EvaluateSettings>>(command);
    using S = EvaluateSettings;
    command.add_option("model", request->model, "the bundle's folder")->required()->type_name("MODEL");
    command.add_option("--protocol", request->protocol, fmt::format("{}, or a TOML file", fmt::join(protocol_names(), ", ")))
        ->capture_default_str()
        ->type_name("NAME|FILE");
    add_data_source<&S::data>(*flags);
    flags->bind_switch<&S::masks>("--masks", true, "celebamask-hq: read the masks too, for the parser's IoU");
    flags->bind<&S::protocol, &EvaluationProtocol::classifier>("--classifier", "BUNDLE");
    flags->bind<&S::inception>("--inception", "FILE",
                               fmt::format("{}; without it FID, KID and IS are not measured", kInceptionWeightsOrigin));
    flags->bind<&S::swav>("--swav", "FILE", fmt::format("{}; without it ssFID is not measured", kSwavWeightsOrigin));
    flags->bind<&S::extractor, &ExtractorProgram::file>(
        "--extractor", "FILE",
        "custom features as TorchScript or compiled package; it runs the file's code. extractor.input_size, .resize, "
        ".normalization by --option");
    flags->bind<&S::identity, &ExtractorProgram::file>("--identity", "FILE",
                                                       "an identity embedding likewise, for the cosine between photo and edit");
    flags->require_trust<&S::extractor, &ExtractorProgram::file>("--extractor");
    flags->require_trust<&S::identity, &ExtractorProgram::file>("--identity");
    flags->bind<&S::protocol, &EvaluationProtocol::photos>(
        "--photos", "N", "the first N photos of the split: another protocol, with another hash; 0: all [the protocol's; secgan: all]");
    flags->bind<&S::batch>("--batch", "N");
    flags->bind<&S::device>("--device", "NAME");
    flags->bind<&S::threads>("--threads", "N");
    command.add_option("--out", request->out, "folder for report.json, report.md, report.html and protocol.toml")->type_name("DIR");
    add_json_option(command, request->json, "also write the metrics to a file");
    command.callback([=] { evaluate_model(*request, *flags); });
  }
  {
    CLI::App& command = *app.add_subcommand("tabulate", "put reports of secgan evaluate into one table");
    auto files = std::make_shared<std::vector<std::string>>();
    auto different = std::make_shared<bool>(false);
    command.add_option("reports", *files, "report.json files")->required()->type_name("FILE...");
    command.add_flag("--different-protocols", *different, "also where their protocols differ");
    command.callback([=] { say("{}", compare_reports({files->begin(), files->end()}, *different)); });
  }
  {
    CLI::App& command =
        *app.add_subcommand("compare", "does the mask branch pay? train with and without it, on drawn faces or photos, and report");
    auto flags = std::make_shared<SettingsFlags<StudySettings>>(command);
    auto out = std::make_shared<std::string>();
    using S = StudySettings;
    add_data_source<&S::source>(*flags);
    flags->bind<&S::attributes>("--attributes", "A,B");
    flags->bind<&S::crop>("--crop", "CROP");
    flags->bind<&S::parser>("--parser", "BUNDLE");
    flags->bind<&S::backbones>("--backbones", "A,B");
    flags->bind<&S::variants>("--variants", "A,B");
    flags->bind<&S::seeds>("--seeds", "N");
    flags->bind<&S::lambda_sc>("--lambda-sc", "X");
    flags->bind_switch<&S::same_time>("--same-time", true, "also train the photo branch alone for as long as the whole takes");
    flags->bind<&S::image_size>("--image-size", "N");
    flags->bind<&S::faces>("--faces", "N");
    flags->bind<&S::unseen>("--unseen", "N");
    flags->bind<&S::split>("--split", "NAME");
    flags->bind<&S::steps>("--steps", "N");
    flags->bind<&S::seed>("--seed", "N");
    flags->bind<&S::device>("--device", "NAME");
    flags->bind<&S::threads>("--threads", "N");
    command.add_option("--out", *out, "the study's folder; the same command goes on where it was stopped")->required()->type_name("DIR");
    command.callback([=] {
      StudySettings defaults;
      defaults.losses = flags->resolve(defaults).recipe().losses;
      const StudySettings settings = flags->resolve(defaults);
      stop_on_signals();
      if (!run_study(settings, *out, std::cerr, &stop_requested)) throw Stopped("stopped; the same command goes on from here");
      say("report: {}", (std::filesystem::path(*out) / "report.html").string());
    });
  }
}

}  // namespace secgan::cli
