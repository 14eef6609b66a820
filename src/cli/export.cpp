#include <filesystem>
#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "cli/printing.hpp"
#include "cli/web_page.hpp"
#include "core/format.hpp"
#include "secgan/bundle/bundle.hpp"
#include "secgan/core/error.hpp"

namespace secgan::cli {
namespace {

namespace fs = std::filesystem;

struct ExportOptions {
  std::string model, out, web, title = WebPage().title, detector;
  bool half = false;
};

/// `--out editor.onnx` means what Python's secgan.export writes: a folder called so would disappoint.
void refuse_program(const ExportOptions& options) {
  const std::string ending = fs::path(options.out).extension().string();
  std::error_code ignored;
  if ((ending != ".onnx" && ending != ".pt2" && ending != ".pt") || fs::is_directory(options.out, ignored)) return;
  throw InvalidArgument(
      fmt::format("--out '{0}' is a program's name, and this command writes a bundle's folder; a program is written by "
                  "python -m secgan.export_program {1} {0}",
                  options.out, options.model));
}

void export_bundle(const ExportOptions& options) {
  refuse_program(options);
  require_bundle_place(options.out);
  save_bundle(options.out, load_bundle(options.model), options.half ? Storage::kHalf : Storage::kFloat);
  say("{}: a bundle{}", options.out, options.half ? ", with weights in float16" : "");
}

void export_web(const ExportOptions& options) {
  require_web_place(options.web);
  const Bundle bundle = load_bundle(options.model);
  const WebPage page{.title = options.title, .detector = page_detector(options.detector, bundle, options.model, "the page")};
  const WrittenPage written = write_web_page(options.web, bundle, page);
  say("{}: a page of {} files, {:.1f} MB; any file server serves it, as: python3 -m http.server --directory {}", options.web, written.files,
      static_cast<double>(written.bytes) / 1e6, options.web);
}

}  // namespace

void add_export(CLI::App& app) {
  CLI::App& command = *app.add_subcommand(
      "export",
      "write a bundle anew, as for shipping it, or as a page for browsers (as an ONNX program: python -m secgan.export_program MODEL "
      "FILE.onnx)");
  auto options = std::make_shared<ExportOptions>();
  command.add_option("model", options->model, "the bundle's folder")->required()->type_name("MODEL");
  CLI::Option* out = command.add_option("--out", options->out, "the new bundle's folder: new, empty or an older bundle, which is replaced")
                         ->type_name("DIR");
  CLI::Option* web = command
                         .add_option("--web", options->web,
                                     "folder of a static page that edits photos in the browser (docs/web.md): new, empty or an older page, "
                                     "which is replaced")
                         ->type_name("DIR")
                         ->excludes(out);
  command.add_flag("--half", options->half, "store weights in float16: half the size")->needs(out);
  command.add_option("--title", options->title, "the page's title")->capture_default_str()->type_name("TEXT")->needs(web);
  command
      .add_option("--detector", options->detector,
                  "a face detector's file for the page, of secgan import --from facenet-pytorch; default: the installed one")
      ->type_name("FILE")
      ->needs(web);
  command.callback([=] {
    if (out->empty() && web->empty()) throw InvalidArgument("--out is required, or --web");
    web->empty() ? export_bundle(*options) : export_web(*options);
  });
}

}  // namespace secgan::cli
