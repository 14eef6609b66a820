#include "cli/web_page.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/printing.hpp"
#include "core/format.hpp"
#include "core/installed.hpp"
#include "io/json.hpp"
#include "secgan/alignment/detector_file.hpp"
#include "secgan/core/attributes.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/core/names.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/editing/editor.hpp"
#include "secgan/editing/regions.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"
#include "secgan/nn/onnx.hpp"
#include "secgan/ops/segmentation.hpp"

namespace secgan::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "secgan web page 1";
/// The page's description, which lists its files.
constexpr std::string_view kDescription = "model.json";
constexpr std::string_view kInstalledPage = "web";
constexpr std::string_view kRuntime = "runtime/ort.wasm.js", kFirstFile = "index.html";
constexpr uint64_t kMostDescription = uint64_t{1} << 22;

using Files = std::map<std::string, std::string>;  // bytes by name

/// Every file of a folder, by its name below it.
std::vector<std::string> names_below(const fs::path& folder) {
  std::vector<std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.symlink_status().type() != fs::file_type::directory) out.push_back(entry.path().lexically_relative(folder).string());
  }
  std::ranges::sort(out);
  return out;
}

/// What a page's description lists; nothing where the folder has none.
std::optional<Json> listed_files(const fs::path& folder) {
  try {
    const std::string text = read_file(folder / kDescription, kMostDescription);
    detail::check_nesting(text, "");
    const Json description = Json::parse(text);
    const Json& files = description.at("files");
    if (files.is_object() && description.at("format").get<std::string>().starts_with("secgan web page ")) return files;
    return std::nullopt;
  } catch (const std::exception&) {  // somebody's folder
    return std::nullopt;
  }
}

/// A folder is a page, and may make room for another, where nothing is in it but what its description lists.
std::string why_no_page(const fs::path& folder) {
  const std::optional<Json> listed = listed_files(folder);
  if (!listed) return fmt::format("is not empty, and holds no page's {}", kDescription);
  try {
    for (const std::string& name : names_below(folder)) {
      if (name == kDescription) continue;
      if (!listed->contains(name) || fs::symlink_status(folder / name).type() != fs::file_type::regular)
        return fmt::format("holds '{}', which is no part of the page", name);
    }
  } catch (const fs::filesystem_error& error) {
    return fmt::format("cannot be read ({})", error.code().message());
  }
  return "";
}

enum class Edits { kInBrowser, kOnServer };

/// What pages of the other kind have no use for.
bool is_for(Edits where, const std::string& name) {
  constexpr std::array<std::string_view, 2> kServer{"remote.js", "openapi.json"};
  if (where == Edits::kInBrowser) return std::ranges::find(kServer, name) == kServer.end();
  return !name.starts_with("runtime/") && name != "offline.js";
}

/// Page and runtime, as they were installed.
Files installed_files(Edits where) {
  const auto folder = detail::find_installed(kInstalledPage);
  std::error_code ignored;
  if (!folder || !fs::exists(*folder / kFirstFile, ignored)) {
    throw Error(fmt::format("the page's files are not installed: they belong to {}", detail::installed_place(kInstalledPage).string()));
  }
  if (where == Edits::kInBrowser && !fs::exists(*folder / kRuntime, ignored)) {
    throw Error(
        fmt::format("onnxruntime-web is not installed, so no page can be written: make build fetches it from npm (docs/web.md says how to "
                    "do it by hand)"));
  }
  Files files;
  for (const std::string& name : names_below(*folder)) {
    if (is_for(where, name)) files[name] = read_file(*folder / name);
  }
  return files;
}

at::Tensor example(at::IntArrayRef shape) { return at::linspace(-1, 1, c10::multiply_integers(shape)).view(shape); }

std::string encoded(const Generator& generator, const char* picture) {
  const NetworkSpec& spec = generator->spec();
  const auto& network = generator.ptr();
  return encode_onnx(*network, [network](const std::vector<at::Tensor>& in) { return network->forward(in[0], in[1]); },
                     {.inputs = {{picture, example({2, spec.image_channels, spec.image_size, spec.image_size})},
                                 {"attributes", example({2, spec.attributes})}},
                      .output = "edited"});
}

std::string encoded(const AttributeClassifier& classifier, int64_t side) {
  const auto& network = classifier.ptr();
  return encode_onnx(*network, [network](const std::vector<at::Tensor>& in) { return network->forward(in[0]).sigmoid(); },
                     {.inputs = {{"photo", example({2, 3, side, side})}}, .output = "probabilities"});
}

/// To probabilities of the twelve classes. Members of a class are added as a convolution does it.
std::string encoded(const FaceParser& parser, int64_t side) {
  const at::NoGradGuard no_grad;
  const at::Tensor photo = example({2, 3, side, side});
  const Segmentation shown = parser.segmentation(photo);  // for its groups
  at::Tensor merge;
  if (!shown.groups().empty()) {
    merge = at::zeros({shown.classes(), std::ssize(shown.groups()), 1, 1});
    for (size_t i = 0; i < shown.groups().size(); ++i) merge[shown.groups()[i]][static_cast<int64_t>(i)] = 1;
  }
  const std::vector<int64_t> once{1, 1}, none{0, 0};
  const auto probabilities = [&](const std::vector<at::Tensor>& in) {
    const at::Tensor all = at::softmax(parser.segmentation(in[0]).logits(), 1);
    return merge.defined() ? at::conv2d(all, merge, at::Tensor(), once, none, once) : all;
  };
  Parser network = parser.network();
  return encode_onnx(*network, probabilities, {.inputs = {{"photo", photo}}, .output = "probabilities"});
}

Files encoded_networks(const Bundle& bundle, const std::optional<Mtcnn>& detector) {
  const int64_t side = bundle.info.image_size;
  Files files;
  files["networks/generator.onnx"] = encoded(bundle.generator, "photo");
  if (!bundle.classifier.is_empty()) files["networks/classifier.onnx"] = encoded(bundle.classifier, side);
  if (bundle.parser) files["networks/parser.onnx"] = encoded(*bundle.parser, side);
  if (bundle.parser && !bundle.mask_generator.is_empty()) files["networks/mask_generator.onnx"] = encoded(bundle.mask_generator, "mask");
  if (detector) {
    const std::array<std::string, 3> models = detector->onnx();
    for (size_t i = 0; i < models.size(); ++i) files[fmt::format("networks/detector{}.onnx", i + 1)] = models[i];
  }
  return files;
}

/// Photos to try, for networks that know drawn faces and nothing else: larger than the networks take them, so that they are sharp.
Files examples(const Bundle& bundle) {
  Files files;
  if (bundle.info.trained_on != kDrawnFaces) return files;
  constexpr int64_t kCount = 4, kEnlarged = 2, kMostSide = 512;
  const SyntheticFaces faces(
      {.count = kCount, .image_size = std::clamp<int64_t>(bundle.info.image_size * kEnlarged, 32, kMostSide), .seed = 23});
  for (int64_t i = 0; i < kCount; ++i) files[fmt::format("examples/face{}.png", i + 1)] = encode_png(faces.get(i).image);
  return files;
}

/// "Mouth_Slightly_Open" as people write it.
std::string label_of(std::string name) {
  if (name == "5_o_Clock_Shadow") return "5 o'clock shadow";
  std::ranges::replace(name, '_', ' ');
  for (size_t i = 1; i < name.size(); ++i) {
    if (name[i - 1] == ' ' && name[i] >= 'A' && name[i] <= 'Z') name[i] = static_cast<char>(name[i] - 'A' + 'a');
  }
  return name;
}

Json attributes_of(const std::vector<std::string>& names) {
  const AttributeSchema schema(names);
  Json out = Json::array();
  for (int64_t i = 0; i < schema.size(); ++i) {
    const std::string& name = schema.names()[static_cast<size_t>(i)];
    out.push_back({{"name", name}, {"label", label_of(name)}, {"excludes", schema.excluded_by(i)}, {"region", attribute_region(name)}});
  }
  return out;
}

Json crop_of(const Crop& crop) {
  constexpr std::array<std::string_view, 3> kKinds{"none", "center", "box"};
  const auto& [x, y, width, height] = crop.box;
  return {{"kind", kKinds.at(static_cast<size_t>(crop.kind))}, {"side", crop.side}, {"box", {x, y, width, height}}};
}

Json size_of(const PhotoSize& size) { return size.known() ? Json{{"width", size.width}, {"height", size.height}} : Json(); }

Json layout_of(const std::optional<FaceLayout>& layout) {
  if (!layout) return {};
  Json points = Json::array();
  for (const auto& [x, y] : layout->points) points.push_back({{"x", x}, {"y", y}});
  return {{"size", size_of(layout->size)}, {"points", points}};
}

Json classes() {
  Json out = Json::array();
  for (size_t id = 0; id < class_names(Labels::kSecgan12).size(); ++id)
    out.push_back({{"name", class_names(Labels::kSecgan12)[id]}, {"color", class_palette(Labels::kSecgan12)[id]}});
  return out;
}

Json detector_of(const std::optional<Mtcnn>& detector) {
  if (!detector) return {};
  const MtcnnOptions& options = detector->options();
  return {{"smallest", options.smallest},
          {"smallest_share", options.smallest_share},
          {"factor", options.factor},
          {"thresholds", options.thresholds},
          {"least_score", kSureOfFace},
          {"certain_score", kCertainOfFace},
          {"window", layout_of(Mtcnn::window())}};
}

Json description(const Bundle& bundle, const WebPage& page, const Files& files) {
  const BundleInfo& info = bundle.info;
  constexpr size_t kDigits = 12;  // as editors' provenance
  Json sizes = Json::object();
  for (const auto& [name, bytes] : files) sizes[name] = bytes.size();
  return {{"format", kFormat},
          {"title", page.title},
          {"image_size", info.image_size},
          {"attributes", attributes_of(info.attributes)},
          {"intensity", info.intensity},
          {"conditioning", name_of(kConditionings, info.conditioning)},
          {"crop", crop_of(parse_crop(info.crop))},
          {"photo_size", size_of(parse_photo_size(info.photo_size))},
          {"layout", layout_of(face_layout(info))},
          {"aligned", kAligned},
          {"trained_on", info.trained_on},
          {"license", info.license},
          {"classes", classes()},
          {"detector", detector_of(page.detector)},
          {"mask_branch", bundle.parser.has_value() && !bundle.mask_generator.is_empty()},
          {"provenance",
           {{"source_type", kTrainedComposite},
            {"software", this_software()},
            {"model", bundle.name},
            {"model_hash", bundle.digest.substr(0, kDigits)}}},
          {"files", sizes}};
}

void require_generator(const Bundle& bundle) {
  if (bundle.generator.is_empty()) throw Error(fmt::format("bundle {} has no generator: a page edits photos", bundle.name));
}

}  // namespace

std::optional<Mtcnn> page_detector(const std::string& file, const Bundle& bundle, const std::string& model, const std::string& whose) {
  if (!face_layout(bundle.info)) {
    if (file.empty()) return std::nullopt;
    throw InvalidArgument(fmt::format("--detector: the photos of '{}' are {}: photos are cropped, not searched for faces", model,
                                      bundle.info.trained_on.empty() ? "not said to be aligned" : bundle.info.trained_on));
  }
  if (!file.empty()) return load_detector(file);
  try {
    return installed_detector();
  } catch (const NoDetector& none) {
    tell("{} finds no faces, and takes photos as aligned: {}", whose, none.what());
    return std::nullopt;
  }
}

void require_web_place(const fs::path& folder) { require_replaceable(folder, why_no_page); }

WrittenPage write_web_page(const fs::path& folder, const Bundle& bundle, const WebPage& page) {
  require_generator(bundle);
  AtomicFolder target(folder, why_no_page);
  Files files = installed_files(Edits::kInBrowser);
  files.merge(encoded_networks(bundle, page.detector));
  files.merge(examples(bundle));
  files[std::string(kDescription)] = description(bundle, page, files).dump(1) + "\n";
  WrittenPage written{.files = files.size()};
  for (const auto& [name, bytes] : files) {
    const fs::path file = target.path() / name;
    make_folder(file.parent_path());
    write_file(file, bytes);
    written.bytes += bytes.size();
  }
  target.commit();
  return written;
}

std::map<std::string, std::string> served_page(const Bundle& bundle, const WebPage& page, uint64_t most_bytes) {
  require_generator(bundle);
  Files files = installed_files(Edits::kOnServer);
  if (auto api = files.extract("openapi.json")) {
    api.key() = "api/openapi.json";
    files.insert(std::move(api));
  }
  files.merge(examples(bundle));
  Json about = description(bundle, page, files);
  about["server"] = {{"most_bytes", most_bytes}};
  files[std::string(kDescription)] = about.dump(1) + "\n";
  return files;
}

}  // namespace secgan::cli
