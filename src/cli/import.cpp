#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "cli/printing.hpp"
#include "cli/settings.hpp"
#include "core/format.hpp"
#include "secgan/bundle/import_weights.hpp"
#include "secgan/bundle/recognize.hpp"
#include "secgan/core/names.hpp"

namespace secgan::cli {
namespace {

struct ImportRequest {
  std::string origin, file, out;
};

void run(const ImportRequest& request, const ImportOptions& options) {
  const WeightOrigin origin = parse_name(kWeightOrigins, request.origin, "--from");
  require_bundle_place(request.out);
  std::string note;
  const Bundle bundle = import_weights(origin, request.file, options, &note);
  save_bundle(request.out, bundle);
  if (!note.empty()) say("{}", note);
  say("{}: {}", request.out,
      bundle.generator.is_empty() ? describe(bundle.parser->network()->config())
                                  : fmt::format("{} ({})", describe(bundle.generator->config()), fmt::join(bundle.info.attributes, ", ")));
  say("photos are cropped by '{}'{} and shown to it at {} px", bundle.info.crop,
      bundle.info.photo_size.empty() ? "" : fmt::format(" of {}, others by the same share,", bundle.info.photo_size),
      bundle.info.image_size);
  if (!bundle.generator.is_empty() && bundle.classifier.is_empty()) {
    say("no classifier: give each photo's attributes to 'secgan edit' with --source, or import again with --classifier BUNDLE");
  }
}

}  // namespace

void add_import(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("import", "turn weights of the public repositories into a bundle; runs no code of the file");
  auto request = std::make_shared<ImportRequest>();
  std::string origins;
  for (const auto& [name, value] : kWeightOrigins) origins += (origins.empty() ? "" : ", ") + std::string(name);
  command.add_option("file", request->file, "what the repository saved (.pth, .ckpt, .pth.tar, .pt), or the same as safetensors")
      ->required()
      ->type_name("FILE");
  command.add_option("--from", request->origin, "whose it is: " + origins)->required()->type_name("NAME");
  command.add_option("--out", request->out, "the bundle's folder: new, empty or an older bundle, which is replaced")
      ->required()
      ->type_name("BUNDLE");
  auto flags = std::make_shared<SettingsFlags<ImportOptions>>(command);
  flags->bind<&ImportOptions::attributes>("--attributes", "A,B");
  flags->bind<&ImportOptions::image_size>("--image-size", "N");
  flags->bind<&ImportOptions::crop>("--crop", "CROP");
  flags->bind<&ImportOptions::intensity>("--intensity", "X");
  flags->bind<&ImportOptions::classifier>("--classifier", "BUNDLE");
  flags->bind<&ImportOptions::parser>("--parser", "BUNDLE");
  flags->bind<&ImportOptions::entry>("--entry", "PATH");
  flags->bind<&ImportOptions::license>("--license,--licence", "TEXT");
  command.callback([=] { run(*request, flags->resolve()); });
}

}  // namespace secgan::cli
