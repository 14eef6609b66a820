#include "secgan/bundle/import_weights.hpp"

#include <ATen/ATen.h>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "bundle/comparison.hpp"
#include "bundle/state_dict.hpp"
#include "bundle/state_views.hpp"
#include "core/counted.hpp"
#include "core/format.hpp"
#include "io/json.hpp"
#include "secgan/bundle/recognize.hpp"
#include "secgan/core/attributes.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/random.hpp"
#include "secgan/image/transforms.hpp"
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
  const std::string where = file.string();
  const nlohmann::json settings = detail::read_json(where);
  if (!settings.is_object()) throw Error(fmt::format("{}: not AttGAN-PyTorch's settings", where));
  const auto has = [&](const char* key) { return settings.contains(key); };
  if (options.attributes.empty() && has("attrs")) {
    for (const nlohmann::json& name : detail::json_array(settings, "attrs", where)) {
      if (!name.is_string()) throw Error(fmt::format("{}: 'attrs' must be a list of names, found {}", where, detail::short_text(name)));
      options.attributes.push_back(name.get<std::string>());
    }
  }
  if (!options.image_size && has("img_size")) options.image_size = detail::json_integer(settings, "img_size", where);
  if (options.crop.empty() && has("data") && detail::json_text(settings, "data", where) == "CelebA-HQ") options.crop = "none";
  if (has("thres_int")) thres_int = detail::json_number(settings, "thres_int", where);
  if (has("test_int")) test_int = detail::json_number(settings, "test_int", where);
  nlohmann::json known = nlohmann::json::object();
  for (const char* name : {"enc_acti", "dec_acti"}) {
    if (has(name)) known[std::string(name) + "_fn"] = settings[name];
  }
  for (const char* name : {"shortcut_layers", "inject_layers"}) {
    if (has(name)) known[name] = settings[name];
  }
  try {
    detail::from_json_strict(network, known, where);
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

/// The network of `file` that is wanted, with the state that holds it.
template <class Config>
struct Found {
  Config config;
  StateView view;
};

/// @param fits  whether a config is the wanted one
template <class Config>
Found<Config> find_in(const fs::path& file, std::string_view entry, const Config& base, auto&& fits, std::string_view wanted,
                      std::string& note) {
  const AnyConfig hint = base;
  const std::vector<StateDict> dicts = load_state_dicts(file);
  constexpr size_t kFewest = 4;  // tensors of a network
  const std::vector<StateView> views = only_entry(state_views(dicts, kFewest), entry, file.string());
  std::vector<const StateView*> fitting;
  std::vector<Config> configs;
  std::vector<std::string> seen;
  const StateView* nearest = nullptr;
  for (const StateView& view : views) {
    const std::optional<Recognized> found = recognize_nearly(view, &hint);
    if (!found) continue;
    const auto* const config = std::get_if<Config>(&found->config);
    if (config != nullptr && fits(*config) && found->difference.wrong == 0) {
      fitting.push_back(&view);
      configs.push_back(*config);
    } else if (config != nullptr && fits(*config)) {
      nearest = nearest == nullptr ? &view : nearest;
    }
    if (std::string text = "a " + describe(found->config); std::ranges::find(seen, text) == seen.end()) seen.push_back(std::move(text));
  }
  if (!fitting.empty()) {
    std::vector<StateView> renamed;
    for (const StateView* view : fitting) rename_entries(renamed.emplace_back(*view));
    std::vector<const StateView*> choices;
    for (const StateView& view : renamed) {
      // Averages of the parameters alone would pass for a network that has other norms, and no statistics.
      const bool partial = is_averaged(view.entry) && std::ranges::any_of(renamed, [&](const StateView& other) {
                             return !is_averaged(other.entry) && is_partial(view, other.tensors);
                           });
      if (!partial) choices.push_back(&view);
    }
    const StateView& chosen = choose(choices, file.string(), note);
    const auto place = static_cast<size_t>(&chosen - renamed.data());
    if (note.empty() && !is_averaged(chosen.entry)) {
      std::vector<StateView> averages;
      std::ranges::copy_if(views, std::back_inserter(averages), [](const StateView& view) { return is_averaged(view.entry); });
      std::ranges::for_each(averages, rename_entries);
      note = note_of_partial_average(averages, chosen.tensors, file.string());
    }
    return {configs[place], std::move(renamed[place])};
  }
  if (nearest != nullptr) {  // loading says what is wrong
    StateView view = *nearest;
    rename_entries(view);
    const auto found = recognize_nearly(view, &hint);
    return {std::get<Config>(found->config), std::move(view)};
  }
  throw Error(fmt::format("{}: holds no {}; it seems to hold {}{}", file.string(), wanted,
                          seen.empty() ? "none of the known networks" : fmt::format("{}", fmt::join(seen, ", ")),
                          seen.empty() ? first_names(dicts) : ""));
}

Bundle import_parser(const fs::path& file, const ImportOptions& options, std::string& note) {
  if (!options.attributes.empty()) throw InvalidArgument("attributes: a parser has none");
  if (options.intensity) throw InvalidArgument("intensity: a parser has none");
  if (!options.parser.empty()) throw InvalidArgument("parser: the file is one itself");
  const auto [config, view] =
      find_in(file, options.entry, ParserConfig{}, [](const ParserConfig&) { return true; }, "face-parsing network", note);
  const int64_t classes = std::ssize(class_names(Labels::kFaceParsing));
  if (config.classes != classes) {
    throw Error(fmt::format("{}: a parser of {}; the public label order has {}", file.string(), counted(config.classes, "class", "classes"),
                            classes));
  }
  const SeedGuard untouched(0);  // heads that the file lacks begin with the same weights each time
  Parser network = make_parser(config);
  load_state_view(network, view, file.string());
  Bundle bundle;
  // Made for faces of 512 px: photos of every size are brought to it.
  const FaceParserOptions input{.input_size = options.image_size.value_or(512)};
  bundle.parser.emplace(network, input);
  bundle.info.image_size = input.input_size;
  bundle.info.crop = options.crop.empty() ? "none" : options.crop;
  return bundle;
}

Bundle import_generator(WeightOrigin origin, const fs::path& file, ImportOptions options, std::string& note) {
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
  const auto [config, view] = find_in(
      file, options.entry, base, [&](const GeneratorConfig& found) { return found.options.backbone() == recipe.backbone; },
      fmt::format("generator '{}'", recipe.backbone), note);
  if (options.attributes.empty()) options.attributes = published_attributes(origin);
  if (std::ssize(options.attributes) != config.spec.attributes) {
    throw InvalidArgument(fmt::format("attributes: {} has {} of them, {} are named ({})", file.string(), config.spec.attributes,
                                      options.attributes.size(), fmt::join(options.attributes, ", ")));
  }
  Bundle bundle;
  bundle.info.attributes = AttributeSchema(options.attributes).names();
  const SeedGuard untouched(0);
  bundle.generator = make_generator(config);
  load_state_view(bundle.generator, view, file.string());
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

Bundle import_weights(WeightOrigin origin, const fs::path& file, const ImportOptions& options, std::string* note) {
  validate(options);
  std::string told;
  const bool parser = origin == WeightOrigin::kFaceParsing || origin == WeightOrigin::kFaceParsingYakhyo;
  Bundle bundle = parser ? import_parser(file, options, told) : import_generator(origin, file, options, told);
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
  if (note != nullptr) *note = told;
  return bundle;
}

}  // namespace secgan
