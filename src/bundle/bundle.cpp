#include "secgan/bundle/bundle.hpp"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "bundle/model_card.hpp"
#include "core/format.hpp"
#include "io/json.hpp"
#include "io/temporary.hpp"
#include "nn/inputs.hpp"
#include "nn/parameter_budget.hpp"
#include "secgan/core/attributes.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/random.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/io/digest.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/nn/state.hpp"

namespace secgan {
namespace {

using detail::from_json_strict;
using detail::to_json;

/// The table "info" of config.json: the bundle's and the parser's settings side by side.
struct StoredInfo {
  BundleInfo bundle;
  Labels parser_labels = Labels::kSecgan12;
  PhotoNormalization parser_normalization = PhotoNormalization::kNone;
  int64_t parser_input_size = 0;

  static constexpr auto fields() {
    using O = StoredInfo;
    return std::tuple_cat(inlined<&O::bundle>(), std::tuple{
                                                     field<&O::parser_labels>("the order of the parser's classes"),
                                                     field<&O::parser_normalization>("how the parser expects its photos"),
                                                     field<&O::parser_input_size>("side of the parser's photos; 0: as they come"),
                                                 });
  }
  FaceParserOptions parser() const { return {parser_labels, parser_normalization, parser_input_size}; }
};

constexpr std::array<std::string_view, 4> kNetworks{"generator", "mask_generator", "classifier", "parser"};
constexpr std::string_view kConfigFile = "config.json", kModelFile = "model.safetensors", kCardFile = "README.md";

/// config.json, of the format that this version reads.
nlohmann::json read_config(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.parent_path();
  std::error_code ignored;
  if (std::filesystem::is_regular_file(folder, ignored)) {
    throw Error(fmt::format("{}: not a bundle, which is a folder; 'secgan import' makes one of a file of weights", folder.string()));
  }
  if (!std::filesystem::exists(file, ignored) && std::filesystem::exists(folder / "bundle" / "config.json", ignored)) {
    throw FileNotFound(fmt::format("'{}' is missing: {} is the folder of a training, its bundle is {}", file.string(), folder.string(),
                                   (folder / "bundle").string()));
  }
  if (!std::filesystem::exists(folder, ignored)) throw FileNotFound(fmt::format("the bundle '{}' is missing", folder.string()));
  if (!std::filesystem::exists(file, ignored))
    throw FileNotFound(fmt::format("'{}' is no bundle: '{}' is missing", folder.string(), file.string()));
  nlohmann::json config = detail::read_json(file.string());
  if (!config.is_object() || !config.contains("format_version")) {
    throw Error(fmt::format("{}: not a bundle, format_version is missing", file.string()));
  }
  if (!config["format_version"].is_number_integer()) {
    throw Error(fmt::format("{}: format_version must be the integer {}, found {}", file.string(), kBundleFormat,
                            detail::short_text(config["format_version"])));
  }
  if (config["format_version"] != kBundleFormat) {
    throw Error(fmt::format("{}: bundle format {} is not the one that this version reads ({})", file.string(),
                            config["format_version"].get<int64_t>(), kBundleFormat));
  }
  return config;
}

bool is_config(const std::filesystem::path& file) {
  try {
    const nlohmann::json config = read_config(file);
    return config.contains("networks") && config.contains("info");
  } catch (const Error&) {
    return false;
  }
}

/// A folder is a bundle, and may make room for another, where nothing is in it but what save_bundle writes.
std::string why_no_bundle(const std::filesystem::path& folder) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    if (name != kConfigFile && name != kModelFile && name != kCardFile)
      return fmt::format("holds '{}', which is no part of a bundle", name);
    if (at->symlink_status(ignored).type() != std::filesystem::file_type::regular)
      return fmt::format("holds a '{}' that is no regular file", name);
  }
  if (error) return fmt::format("cannot be read ({})", error.message());
  return is_config(folder / kConfigFile) ? "" : fmt::format("is not empty, and its {} is not a bundle's", kConfigFile);
}

/// The card that somebody wrote for the bundle in a folder; a new bundle there keeps it.
std::optional<std::string> own_card(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder / kCardFile, ignored)) return std::nullopt;
  std::string card = read_file(folder / kCardFile, kMostText);
  if (card.find(kOwnCard) != std::string::npos) return std::nullopt;
  return card;
}

/// The folder's name; of a run's bundle, which is always called so, the run's before it.
std::string name_of(const std::filesystem::path& folder) {
  const std::filesystem::path place = std::filesystem::weakly_canonical(folder);
  const std::string name = place.filename().string(), above = place.parent_path().filename().string();
  return name == "bundle" && !above.empty() ? above + "/" + name : name;
}

struct BundleFiles {
  nlohmann::json config;
  Safetensors model;
  std::string digest;  ///< of the model's file
};

/// No name would be the current folder.
void require_name(const std::filesystem::path& folder) {
  if (folder.empty()) throw InvalidArgument("a bundle's folder needs a name, found none");
}

/// Both files of one bundle: where another takes its place between them, those of the other.
BundleFiles read_whole(const std::filesystem::path& folder) {
  for (;;) {
    // Held open, so that no other folder gets its number.
    const detail::Descriptor held(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat before{}, after{};
    if (held) ::fstat(held.get(), &before);
    const auto replaced = [&] { return held && ::stat(folder.c_str(), &after) == 0 && !detail::same_file(before, after); };
    try {
      BundleFiles files{.config = read_config(folder / kConfigFile)};
      const std::string model = read_file(folder / kModelFile);
      files.model = parse_safetensors(model, (folder / kModelFile).string());
      files.digest = sha256(model);
      if (!replaced()) return files;
    } catch (const Error&) {
      if (!replaced()) throw;
    }
  }
}

StoredInfo info_of(const nlohmann::json& config, const std::string& file) {
  StoredInfo info;
  try {
    if (config.contains("info")) from_json_strict(info, config["info"], file + ": info");
    validate(info, file + ": info");
    if (!info.bundle.crop.empty()) parse_crop(info.bundle.crop);
    if (!info.bundle.attributes.empty()) AttributeSchema{info.bundle.attributes};  // for its rules
  } catch (const InvalidArgument& error) {
    const std::string message = error.what();
    throw Error(message.starts_with(file) ? message : fmt::format("{}: info: {}", file, message));
  }
  return info;
}

/// What the table "info" says of the networks must be what they are: an edit would notice too late, and call it wrong use.
void check_info(const Bundle& bundle, const std::string& file) {
  const auto attributes = std::ssize(bundle.info.attributes);
  const auto check = [&](const char* network, int64_t network_attributes, int64_t image_size) {
    if (network_attributes != attributes) {
      throw Error(fmt::format("{}: info.attributes names {}, networks.{} is of {}", file, attributes, network, network_attributes));
    }
    if (image_size != bundle.info.image_size) {
      throw Error(fmt::format("{}: info.image_size is {}, networks.{} is for {}", file, bundle.info.image_size, network, image_size));
    }
  };
  if (!bundle.generator.is_empty())
    check("generator", bundle.generator->config().spec.attributes, bundle.generator->config().spec.image_size);
  if (!bundle.classifier.is_empty()) check("classifier", bundle.classifier->config().attributes, bundle.classifier->config().image_size);
}

}  // namespace

at::Tensor Bundle::condition(const at::Tensor& labels, const at::Tensor& difference) const {
  const at::Tensor change = info.intensity * difference;
  switch (info.conditioning) {
    case Conditioning::kSignedLabels: return labels - 0.5 + change;
    case Conditioning::kLabels: return labels + change;
    case Conditioning::kDifference: break;
  }
  return change;
}

void Bundle::to(const Device& device) {
  if (!generator.is_empty()) generator->to(device);
  if (!mask_generator.is_empty()) mask_generator->to(device);
  if (!classifier.is_empty()) classifier->to(device);
  if (parser && !parser->custom()) parser->network()->to(device);
}

Device Bundle::device() const {
  const auto of = [](const torch::nn::Module& network) {
    const at::Tensor weight = first_parameter(network);
    return weight.defined() ? weight.device() : Device(at::kCPU);
  };
  if (!generator.is_empty()) return of(*generator);
  if (!classifier.is_empty()) return of(*classifier);
  return parser && !parser->custom() ? of(*parser->network()) : Device(at::kCPU);
}

void require_parser_fits(const Bundle& parser, int64_t image_size, std::string_view bundle) {
  if (parser.parser && parser.parser->options().input_size == 0 && parser.info.image_size != image_size) {
    throw InvalidArgument(
        fmt::format("parser: bundle {} was trained at {} px, image_size is {}", bundle, parser.info.image_size, image_size));
  }
}

BundleInfo load_bundle_info(const std::filesystem::path& folder) {
  require_name(folder);
  const std::filesystem::path file = folder / kConfigFile;
  return info_of(read_config(file), file.string()).bundle;
}

Bundle load_bundle(const std::filesystem::path& folder) {
  require_name(folder);
  const std::string file = (folder / kConfigFile).string();
  const BundleFiles files = read_whole(folder);
  const nlohmann::json& config = files.config;
  const Safetensors& model = files.model;
  const StoredInfo info = info_of(config, file);
  Bundle bundle;
  bundle.info = info.bundle;
  bundle.name = name_of(folder);
  bundle.digest = files.digest;
  bundle.card = own_card(folder).value_or("");
  const SeedGuard untouched(0);  // networks begin with random weights, the process's random state is not theirs
  try {
    const std::string weights = (folder / kModelFile).string();
    const nlohmann::json networks = config.contains("networks") ? detail::json_object(config, "networks", file) : nlohmann::json::object();
    for (const auto& [name, options] : networks.items()) {
      if (std::ranges::find(kNetworks, name) == kNetworks.end()) {
        throw Error(fmt::format("{}: network '{}' is unknown", file, name));
      }
    }
    const auto load = [&]<class Holder, class Config>(const char* name, Holder& network, Holder (*make)(const Config&)) {
      if (!networks.contains(name)) return;
      Config options;
      from_json_strict(options, networks[name], fmt::format("{}: networks.{}", file, name));
      // The options ask for memory before the tensors do: not for more than those fill.
      const std::string prefix = std::string(name) + ".";
      int64_t values = 0;
      NamedTensors stored;
      for (const auto& [key, tensor] : model.tensors) {
        if (!key.starts_with(prefix)) continue;
        values += tensor.numel();
        stored.emplace_back(key, tensor);
      }
      constexpr int64_t kSlack = 4'000'000;  // a network that is only a little too large is told by the first shape that differs
      const ParameterBudget budget(values + kSlack);
      network = make(options);
      load_module_state(*network, stored, prefix, weights);
      require_finite(stored, weights);
      network->eval();
    };
    load("generator", bundle.generator, &make_generator);
    load("mask_generator", bundle.mask_generator, &make_generator);
    load("classifier", bundle.classifier, &make_classifier);
    Parser parser{nullptr};
    load("parser", parser, &make_parser);
    if (!parser.is_empty()) bundle.parser.emplace(parser, info.parser());
    check_info(bundle, file);
  } catch (const InvalidArgument& error) {
    const std::string message = error.what();
    throw Error(message.starts_with(file) ? message : file + ": " + message);
  }
  return bundle;
}

Bundle load_bundle_with(BundlePart part, const std::filesystem::path& folder, std::string_view setting) {
  Bundle bundle = load_bundle(folder);
  const auto require = [&](bool there, const char* name) {
    if (!there) throw InvalidArgument(fmt::format("{}: bundle {} holds no {}", setting, folder.string(), name));
  };
  switch (part) {
    case BundlePart::kGenerator: require(!bundle.generator.is_empty(), "generator"); break;
    case BundlePart::kClassifier: require(!bundle.classifier.is_empty(), "classifier"); break;
    case BundlePart::kParser: require(bundle.parser.has_value(), "parser"); break;
  }
  return bundle;
}

void require_bundle_place(const std::filesystem::path& folder) {
  std::filesystem::path above = std::filesystem::weakly_canonical(folder);
  if (!above.has_filename()) above = above.parent_path();
  while (above.has_relative_path()) {
    above = above.parent_path();
    if (is_config(above / kConfigFile))
      throw InvalidArgument(fmt::format("'{}' lies in a bundle, '{}': choose a place outside of it", folder.string(), above.string()));
  }
  require_replaceable(folder, why_no_bundle);
}

void save_bundle(const std::filesystem::path& folder, const Bundle& bundle, Storage storage) {
  require_bundle_place(folder);
  nlohmann::json networks = nlohmann::json::object();
  NamedTensors tensors;
  const auto add = [&](const char* name, const auto& network) {
    if (network.is_empty()) return;
    networks[name] = to_json(network->config());
    for (const auto& [key, tensor] : module_state(*network, std::string(name) + ".")) {
      const bool half = storage == Storage::kHalf && tensor.is_floating_point();
      tensors.emplace_back(key, half ? tensor.detach().to(at::kHalf) : tensor.detach());
    }
  };
  const auto refuse_custom = [&](bool custom, const char* name) {
    if (custom) throw Error(fmt::format("{}: a bundle cannot hold the {}, a custom network: save its tensors", folder.string(), name));
  };
  refuse_custom(!bundle.generator.is_empty() && bundle.generator->custom(), "generator");
  refuse_custom(!bundle.mask_generator.is_empty() && bundle.mask_generator->custom(), "mask_generator");
  refuse_custom(bundle.parser && bundle.parser->custom(), "parser");
  AtomicFolder target(folder, why_no_bundle);
  add("generator", bundle.generator);
  add("mask_generator", bundle.mask_generator);
  add("classifier", bundle.classifier);
  StoredInfo info{.bundle = bundle.info};
  if (bundle.parser) {
    add("parser", bundle.parser->network());
    const FaceParserOptions& options = bundle.parser->options();
    info.parser_labels = options.labels;
    info.parser_normalization = options.normalization;
    info.parser_input_size = options.input_size;
  }
  const nlohmann::json config = {{"format_version", kBundleFormat}, {"info", to_json(info)}, {"networks", networks}};
  write_file(target.path() / kConfigFile, config.dump(2) + "\n");
  write_file(target.path() / kCardFile, own_card(folder).value_or(bundle.card.empty() ? model_card(bundle) : bundle.card));
  write_file(target.path() / kModelFile, [&](const auto& append) { encode_safetensors(tensors, {{"format", "pt"}}, append); });
  target.commit();
}

}  // namespace secgan
