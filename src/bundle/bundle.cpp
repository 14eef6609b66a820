#include "secgan/bundle/bundle.hpp"

#include <ATen/ATen.h>

#include "core/format.hpp"
#include "io/json.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"

namespace secgan {
namespace {

/// Calls visit(name, holder, make) for each network that a bundle may hold.
template <class AnyBundle, class Visitor>
void visit_networks(AnyBundle& bundle, Visitor&& visit) {
  visit("generator", bundle.generator, &make_generator);
  visit("mask_generator", bundle.mask_generator, &make_generator);
  visit("classifier", bundle.classifier, &make_classifier);
  visit("parser", bundle.parser, &make_parser);
}

/// config.json, of the format that this version reads.
nlohmann::json read_config(const std::filesystem::path& file) {
  nlohmann::json config;
  try {
    config = nlohmann::json::parse(read_file(file));
  } catch (const nlohmann::json::exception& error) {
    throw Error(fmt::format("{}: not JSON: {}", file.string(), error.what()));
  }
  if (!config.is_object() || !config.contains("format_version") || !config["format_version"].is_number_integer()) {
    throw Error(fmt::format("{}: not a bundle, format_version is missing", file.string()));
  }
  if (config["format_version"] != kBundleFormat) {
    throw Error(fmt::format("{}: bundle format {} is not the one that this version reads ({})", file.string(),
                            config["format_version"].get<int64_t>(), kBundleFormat));
  }
  return config;
}

BundleInfo info_of(const nlohmann::json& config, const std::string& file) {
  BundleInfo info;
  try {
    from_json_strict(info, config.value("info", nlohmann::json::object()), file + ": info");
  } catch (const InvalidArgument& error) {
    throw Error(error.what());
  }
  return info;
}

}  // namespace

FaceParser Bundle::face_parser() const {
  if (own_parser) return *own_parser;
  if (parser.is_empty()) throw Error("the bundle has no parser");
  Parser network = parser;
  freeze(*network);
  return FaceParser([network](const at::Tensor& photo) mutable { return network->forward(photo); }, ClassMerge(info.parser_labels),
                    info.parser_normalization, info.parser_input_size > 0 ? std::optional(info.parser_input_size) : std::nullopt);
}

at::Tensor Bundle::condition(const at::Tensor& labels, const at::Tensor& difference) const {
  const at::Tensor change = info.intensity * difference;
  switch (info.conditioning) {
    case Conditioning::kSignedLabels: return labels - 0.5 + change;
    case Conditioning::kLabels: return labels + change;
    case Conditioning::kDifference: break;
  }
  return change;
}

void require_parser_fits(const BundleInfo& info, int64_t image_size, std::string_view bundle) {
  if (info.parser_input_size == 0 && info.image_size != image_size) {
    throw InvalidArgument(fmt::format("parser: bundle {} was trained at {} px, image_size is {}", bundle, info.image_size, image_size));
  }
}

BundleInfo load_bundle_info(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "config.json";
  return info_of(read_config(file), file.string());
}

Bundle load_bundle(const std::filesystem::path& folder) {
  const std::string file = (folder / "config.json").string();
  const nlohmann::json config = read_config(file);
  Bundle bundle;
  bundle.info = info_of(config, file);
  try {
    const std::string weights = (folder / "model.safetensors").string();
    const Safetensors model = load_safetensors(folder / "model.safetensors");
    const nlohmann::json networks = config.value("networks", nlohmann::json::object());
    for (const auto& [name, options] : networks.items()) {
      bool known = false;
      visit_networks(bundle, [&](std::string_view network, auto&, auto) { known = known || network == name; });
      if (!known) throw Error(fmt::format("{}: network '{}' is unknown", file, name));
    }
    visit_networks(bundle, [&]<class Holder, class Options>(const char* name, Holder& network, Holder (*make)(const Options&)) {
      if (!networks.contains(name)) return;
      Options options;
      from_json_strict(options, networks[name], fmt::format("{}: networks.{}", file, name));
      network = make(options);
      load_module_state(*network, model.tensors, std::string(name) + ".", weights);
      network->eval();
    });
  } catch (const InvalidArgument& error) {
    throw Error(error.what());
  }
  return bundle;
}

void save_bundle(const std::filesystem::path& folder, const Bundle& bundle, Storage storage) {
  nlohmann::json networks = nlohmann::json::object();
  NamedTensors tensors;
  visit_networks(bundle, [&](const char* name, const auto& network, auto) {
    if (network.is_empty()) return;
    if constexpr (requires { network->named(); }) {
      if (!network->named())
        throw Error(fmt::format("{}: a bundle cannot hold the {}, a network of your own: save its tensors", folder.string(), name));
    }
    networks[name] = to_json(network->options());
    for (const auto& [key, tensor] : module_state(*network, std::string(name) + ".")) {
      const bool half = storage == Storage::kHalf && tensor.is_floating_point();
      tensors.emplace_back(key, half ? tensor.detach().to(at::kHalf) : tensor.detach());
    }
  });
  const nlohmann::json config = {{"format_version", kBundleFormat}, {"info", to_json(bundle.info)}, {"networks", networks}};
  AtomicFolder target(folder);
  write_file(target.path() / "config.json", config.dump(2) + "\n");
  write_file(target.path() / "model.safetensors", encode_safetensors(tensors, {{"format", "pt"}}));
  target.commit();
}

}  // namespace secgan
