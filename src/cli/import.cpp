#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.hpp"
#include "cli/printing.hpp"
#include "cli/settings.hpp"
#include "core/format.hpp"
#include "secgan/alignment/detector_file.hpp"
#include "secgan/bundle/import_weights.hpp"
#include "secgan/bundle/recognize.hpp"
#include "secgan/core/names.hpp"
#include "secgan/io/file.hpp"

namespace secgan::cli {
namespace {

namespace fs = std::filesystem;

struct ImportRequest {
  std::string origin, file, out;
};

/// What --from names: whose weights they are, and what becomes of them.
struct Importer {
  std::string_view name;
  std::function<void(const ImportRequest&, const ImportOptions&)> run;
};

void import_detector(const ImportRequest& request, const ImportOptions& options) {
  if (options != ImportOptions()) throw InvalidArgument(fmt::format("--from {} takes no option but --out", request.origin));
  if (fs::is_directory(request.out)) {
    throw InvalidArgument(fmt::format("--out '{}' is a folder: a face detector is a file, as {}", request.out, kDetectorFile));
  }
  try {
    require_detector_place(request.out);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(fmt::format("--out: {}", error.what()));
  }
  require_writable_file(request.out);
  save_detector(request.out, import_facenet_pytorch(request.file));
  say("{}: face detector (MTCNN of facenet-pytorch, MIT License)", request.out);
}

void import_bundle(WeightOrigin origin, const ImportRequest& request, const ImportOptions& options) {
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

const std::vector<Importer>& importers() {
  static const std::vector<Importer> all = [] {
    std::vector<Importer> out;
    for (const auto& [name, origin] : kWeightOrigins) out.push_back({name, std::bind_front(import_bundle, origin)});
    out.push_back({"facenet-pytorch", import_detector});
    return out;
  }();
  return all;
}

std::string known_origins() {
  std::vector<std::string_view> names;
  for (const Importer& one : importers()) names.push_back(one.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

void run(const ImportRequest& request, const ImportOptions& options) {
  const auto known = std::ranges::find(importers(), request.origin, &Importer::name);
  if (known == importers().end()) throw InvalidArgument(fmt::format("--from '{}' is unknown; known: {}", request.origin, known_origins()));
  known->run(request, options);
}

}  // namespace

void add_import(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("import", "turn weights of the public repositories into a bundle; runs no code of the file");
  auto request = std::make_shared<ImportRequest>();
  command
      .add_option("file", request->file,
                  "what the repository saved (.pth, .ckpt, .pth.tar, .pt), or the same as safetensors; facenet-pytorch's package (.whl) or "
                  "its folder")
      ->required()
      ->type_name("FILE");
  command.add_option("--from", request->origin, "whose it is: " + known_origins())->required()->type_name("NAME");
  command
      .add_option("--out", request->out,
                  "the bundle's folder: new, empty or an older bundle, which is replaced; of facenet-pytorch the face detector's file")
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
