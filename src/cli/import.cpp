#include <sstream>

#include "cli/commands.hpp"
#include "core/format.hpp"
#include "secgan/bundle/import_weights.hpp"
#include "secgan/bundle/recognize.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan::cli {
namespace {

struct ImportRequest {
  std::string origin, file, out;
  ImportOptions options;
  int64_t image_size = 0;
  double intensity = 0;
};

void run(const ImportRequest& request, bool image_size_given, bool intensity_given) {
  const WeightOrigin origin = parse_name(kWeightOrigins, request.origin, "--from");
  ImportOptions options = request.options;
  if (image_size_given) options.image_size = request.image_size;
  if (intensity_given) options.intensity = request.intensity;
  if (!options.crop.empty()) parse_crop(options.crop);
  const Bundle bundle = import_weights(origin, request.file, options);
  save_bundle(request.out, bundle);
  fmt::print("{}: {}\n", request.out,
             bundle.generator.is_empty()
                 ? describe(bundle.parser->options())
                 : fmt::format("{} ({})", describe(bundle.generator->options()), fmt::join(bundle.info.attributes, ", ")));
  fmt::print("photos are cropped by '{}' and shown to it at {} px\n", bundle.info.crop, bundle.info.image_size);
  if (!bundle.generator.is_empty() && bundle.classifier.is_empty()) {
    fmt::print("no classifier: give each photo's attributes to 'secgan edit' with --source, or import again with --classifier BUNDLE\n");
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
  command.add_option("--out", request->out, "the bundle's folder")->required()->type_name("BUNDLE");
  command
      .add_option_function<std::string>(
          "--attributes",
          [request](const std::string& text) {
            std::istringstream stream(text);
            for (std::string name; std::getline(stream, name, ',');) request->options.attributes.push_back(name);
          },
          "the generator's attributes, in its order; default: the repository's published list")
      ->type_name("A,B");
  CLI::Option* image_size =
      command.add_option("--image-size", request->image_size, "side of the photos it was trained on; default 128, parsers 512")
          ->type_name("N");
  command.add_option("--crop", request->options.crop, "none, center, center:N or box:x,y,w,h; default: the repository's own")
      ->type_name("CROP");
  CLI::Option* intensity =
      command.add_option("--intensity", request->intensity, "what strength 1 means; default: the repository's test script")->type_name("X");
  command.add_option("--classifier", request->options.classifier, "bundle whose classifier goes along")->type_name("BUNDLE");
  command.add_option("--parser", request->options.parser, "bundle whose parser goes along")->type_name("BUNDLE");
  command.add_option("--license", request->options.license, "of the weights, for people to read")->type_name("TEXT");
  command.callback([=] { run(*request, image_size->count() > 0, intensity->count() > 0); });
}

}  // namespace secgan::cli
