#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

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

/// Whose weights become a face detector's file, not a bundle.
constexpr std::string_view kDetectorOrigin = "facenet-pytorch";

std::string known_origins() {
  std::string out;
  for (const auto& [name, value] : kWeightOrigins) out += std::string(name) + ", ";
  return out + std::string(kDetectorOrigin);
}

void import_detector(const ImportRequest& request, const ImportOptions& options) {
  if (options != ImportOptions()) throw InvalidArgument(fmt::format("--from {} takes no option but --out", kDetectorOrigin));
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

void run(const ImportRequest& request, const ImportOptions& options) {
  if (request.origin == kDetectorOrigin) return import_detector(request, options);
  const auto* const known = std::ranges::find(kWeightOrigins, request.origin, [](const auto& entry) { return entry.first; });
  if (known == kWeightOrigins.end())
    throw InvalidArgument(fmt::format("--from '{}' is unknown; known: {}", request.origin, known_origins()));
  const WeightOrigin origin = known->second;
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
