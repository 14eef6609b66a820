#include "secgan/bundle/import_weights.hpp"

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "bundle/state_dict.hpp"
#include "core/format.hpp"
#include "io/json.hpp"
#include "secgan/bundle/recognize.hpp"
#include "secgan/core/attributes.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/torch_file.hpp"
#include "secgan/models/attgan.hpp"

namespace secgan {
namespace {

namespace fs = std::filesystem;

/// What a repository's scripts do around its generator.
struct Recipe {
  std::string_view backbone;
  std::string_view crop;
  Conditioning conditioning;
  double intensity;
};

Recipe recipe_of(WeightOrigin origin) {
  switch (origin) {
    // ±thres_int is the label, ±test_int the edited one: 0.5 and 1 by default, a change of 1.5.
    case WeightOrigin::kAttGanPyTorch: return {"attgan", "center:170", Conditioning::kSignedLabels, 1.5};
    case WeightOrigin::kStganPyTorch: return {"stgan", "center:178", Conditioning::kDifference, 1};
    default: return {"stargan", "center:178", Conditioning::kLabels, 1};
  }
}

/// The list of attributes that a repository publishes weights for.
std::vector<std::string> published_attributes(WeightOrigin origin) {
  switch (origin) {
    case WeightOrigin::kAttGanPyTorch:
      return {"Bald",           "Bangs",      "Black_Hair", "Blond_Hair",          "Brown_Hair",
              "Bushy_Eyebrows", "Eyeglasses", "Male",       "Mouth_Slightly_Open", "Mustache",
              "No_Beard",       "Pale_Skin",  "Young"};
    case WeightOrigin::kStganPyTorch:
      return {"Bangs", "Blond_Hair",          "Brown_Hair", "Bushy_Eyebrows", "Eyeglasses",
              "Male",  "Mouth_Slightly_Open", "Mustache",   "Pale_Skin",      "Young"};
    default: return {"Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"};
  }
}

/// AttGAN-PyTorch's record of a run. Fields that it lacks keep what they were.
void apply_setting_txt(const fs::path& file, ImportOptions& options, AttGanGeneratorOptions& network, double& thres_int, double& test_int) {
  try {
    const nlohmann::json settings = nlohmann::json::parse(read_file(file));
    if (options.attributes.empty() && settings.contains("attrs")) settings["attrs"].get_to(options.attributes);
    if (!options.image_size && settings.contains("img_size")) options.image_size = settings["img_size"].get<int64_t>();
    if (options.crop.empty() && settings.value("data", "CelebA") == "CelebA-HQ") options.crop = "none";
    thres_int = settings.value("thres_int", thres_int);
    test_int = settings.value("test_int", test_int);
    nlohmann::json activations = nlohmann::json::object();
    for (const char* name : {"enc_acti", "dec_acti"}) {
      if (settings.contains(name)) activations[std::string(name) + "_fn"] = settings[name];
    }
    detail::from_json_strict(network, activations, file.string());
  } catch (const nlohmann::json::exception& error) {
    throw Error(fmt::format("{}: not AttGAN-PyTorch's settings: {}", file.string(), error.what()));
  } catch (const InvalidArgument& error) {
    throw Error(error.what());
  }
}

std::optional<fs::path> setting_txt(const fs::path& weights) {
  const fs::path folder = fs::absolute(weights).parent_path();
  for (const fs::path& place : {folder, folder.parent_path()}) {
    if (fs::exists(place / "setting.txt")) return place / "setting.txt";
  }
  return std::nullopt;
}

/// The first network of `file` that is wanted, with the dictionary that holds it.
template <class Config>
struct Found {
  Config config;
  StateDict dict;
};

template <class Config>
Found<Config> find_in(const fs::path& file, const Config& base, auto&& fits, std::string_view wanted) {
  const AnyConfig hint = base;
  std::string seen;
  for (StateDict& dict : load_state_dicts(file)) {
    const std::optional<AnyConfig> found = recognize(dict.tensors, &hint);
    if (!found) continue;
    if (const auto* config = std::get_if<Config>(&*found); config != nullptr && fits(*config)) return {*config, std::move(dict)};
    seen += (seen.empty() ? "a " : ", a ") + describe(*found);
  }
  throw Error(
      fmt::format("{}: holds no {}; it seems to hold {}", file.string(), wanted, seen.empty() ? "none of the known networks" : seen));
}

Bundle import_parser(const fs::path& file, const ImportOptions& options) {
  if (!options.attributes.empty()) throw InvalidArgument("attributes: a parser has none");
  if (options.intensity) throw InvalidArgument("intensity: a parser has none");
  if (!options.parser.empty()) throw InvalidArgument("parser: the file is one itself");
  const auto [config, dict] = find_in(file, ParserConfig{}, [](const ParserConfig&) { return true; }, "face-parsing network");
  const int64_t classes = std::ssize(class_names(Labels::kFaceParsing));
  if (config.classes != classes) {
    throw Error(fmt::format("{}: a parser of {} classes; the public label order has {}", file.string(), config.classes, classes));
  }
  Parser network = make_parser(config);
  load_state_dict(network, dict, file.string());
  Bundle bundle;
  // Made for faces of 512 px: photos of every size are brought to it.
  const FaceParserOptions input{.input_size = options.image_size.value_or(512)};
  bundle.parser.emplace(network, input);
  bundle.info.image_size = input.input_size;
  bundle.info.crop = options.crop.empty() ? "none" : options.crop;
  return bundle;
}

Bundle import_generator(WeightOrigin origin, const fs::path& file, ImportOptions options) {
  const Recipe recipe = recipe_of(origin);
  GeneratorConfig base;
  double intensity = recipe.intensity;
  if (origin == WeightOrigin::kAttGanPyTorch) {
    AttGanGeneratorOptions network;
    double thres_int = 0.5, test_int = 1;
    if (const auto settings = setting_txt(file)) apply_setting_txt(*settings, options, network, thres_int, test_int);
    if (thres_int != 0.5) {
      throw Error(fmt::format("{}: thres_int {} is not supported: a bundle's labels are -0.5 and 0.5", file.string(), thres_int));
    }
    base.options = network;
    intensity = test_int + thres_int;
  }
  base.spec.image_size = options.image_size.value_or(128);
  const auto [config, dict] = find_in(
      file, base, [&](const GeneratorConfig& found) { return found.options.backbone() == recipe.backbone; },
      fmt::format("generator '{}'", recipe.backbone));
  if (options.attributes.empty()) options.attributes = published_attributes(origin);
  if (std::ssize(options.attributes) != config.spec.attributes) {
    throw InvalidArgument(fmt::format("attributes: {} has {} of them, {} are named ({})", file.string(), config.spec.attributes,
                                      options.attributes.size(), fmt::join(options.attributes, ", ")));
  }
  Bundle bundle;
  bundle.info.attributes = AttributeSchema(options.attributes).names();
  bundle.generator = make_generator(config);
  load_state_dict(bundle.generator, dict, file.string());
  bundle.generator->eval();
  bundle.info.image_size = config.spec.image_size;
  bundle.info.crop = options.crop.empty() ? std::string(recipe.crop) : options.crop;
  if (options.crop.empty()) bundle.info.photo_size = "178x218";  // CelebA's aligned photos, which the repositories crop
  bundle.info.conditioning = recipe.conditioning;
  bundle.info.intensity = options.intensity.value_or(intensity);
  if (!options.parser.empty()) {
    const Bundle other = load_bundle_with(BundlePart::kParser, options.parser, "parser");
    require_parser_fits(other, config.spec.image_size, options.parser);
    bundle.parser = other.parser;
  }
  return bundle;
}

}  // namespace

void ImportOptions::check() const {
  if (!crop.empty()) parse_crop(crop);
}

Bundle import_weights(WeightOrigin origin, const fs::path& file, const ImportOptions& options) {
  validate(options);
  const bool parser = origin == WeightOrigin::kFaceParsing || origin == WeightOrigin::kFaceParsingYakhyo;
  Bundle bundle = parser ? import_parser(file, options) : import_generator(origin, file, options);
  if (!options.classifier.empty()) {
    const Bundle other = load_bundle_with(BundlePart::kClassifier, options.classifier, "classifier");
    if (!parser && other.info.attributes != bundle.info.attributes) {
      throw InvalidArgument(fmt::format("classifier: its attributes are {}, the generator's are {}", fmt::join(other.info.attributes, ", "),
                                        fmt::join(bundle.info.attributes, ", ")));
    }
    if (other.info.image_size != bundle.info.image_size) {
      throw InvalidArgument(
          fmt::format("classifier: trained at {} px, the bundle is for {} px", other.info.image_size, bundle.info.image_size));
    }
    bundle.classifier = other.classifier;
    bundle.info.attributes = other.info.attributes;
  }
  bundle.info.license = options.license;
  return bundle;
}

}  // namespace secgan
