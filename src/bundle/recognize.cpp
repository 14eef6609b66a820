#include "secgan/bundle/recognize.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/format.hpp"
#include "io/json.hpp"

namespace secgan {
namespace {

/// Shapes by name; what is missing has extent 0.
class Shapes {
 public:
  explicit Shapes(const NamedTensors& state) {
    for (const auto& [name, tensor] : state) shapes_.emplace(name, tensor.sizes().vec());
  }
  bool has(const std::string& name) const { return shapes_.contains(name); }
  int64_t extent(const std::string& name, size_t dimension) const {
    const auto found = shapes_.find(name);
    return found != shapes_.end() && dimension < found->second.size() ? found->second[dimension] : 0;
  }
  /// How many of fmt(0), fmt(1), … there are.
  int64_t count(fmt::format_string<int64_t> name) const {
    int64_t n = 0;
    while (has(fmt::format(name, int64_t{n}))) ++n;
    return n;
  }
  /// The norm whose entries stand under `prefix`.
  Normalization norm(const std::string& prefix, Normalization base) const {
    if (!has(prefix + ".weight")) return Normalization::kNone;
    if (has(prefix + ".mean_weight")) return Normalization::kSwitchable;
    if (!has(prefix + ".running_mean")) return Normalization::kInstance;
    // Batch norm and tracked instance norm look alike: the network says which it is.
    return base == Normalization::kTrackedInstance || base == Normalization::kRunningInstance ? base : Normalization::kBatch;
  }

 private:
  std::unordered_map<std::string, std::vector<int64_t>> shapes_;
};

/// The cap below which all widths double, or `base` where no width meets one.
int64_t cap_of(const std::vector<int64_t>& widths, int64_t base) {
  for (size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] < widths[0] << i) return widths[i];
  }
  return base > 0 && base < widths.back() ? widths.back() : base;
}

/// How many decoder layers are followed by a skip and by the attributes, from what the next layer takes beyond the
/// layer's own channels.
void count_joins(const std::vector<int64_t>& widths, const std::vector<int64_t>& inputs, const std::vector<int64_t>& outputs,
                 int64_t attributes, int64_t& shortcuts, int64_t& injections) {
  shortcuts = injections = 0;
  for (size_t i = 0; i + 1 < inputs.size() && i + 2 <= widths.size(); ++i) {
    const int64_t extra = inputs[i + 1] - outputs[i];
    const int64_t skip = widths[widths.size() - 2 - i];
    if (extra == skip || extra == skip + attributes) shortcuts = static_cast<int64_t>(i) + 1;
    if (extra == attributes || extra == skip + attributes) injections = static_cast<int64_t>(i) + 1;
  }
}

std::vector<int64_t> extents(const Shapes& shapes, fmt::format_string<int64_t> name, int64_t count, size_t dimension) {
  std::vector<int64_t> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(shapes.extent(fmt::format(name, int64_t{i}), dimension));
  return out;
}

/// The side of the last map, from the inputs of a linear layer over it.
int64_t side_of(int64_t inputs, int64_t channels) {
  return channels > 0 ? std::lround(std::sqrt(static_cast<double>(inputs) / static_cast<double>(channels))) : 0;
}

GeneratorOptions attgan_generator(const Shapes& s, GeneratorOptions options) {
  auto& o = options.attgan;
  o.enc_layers = s.count("enc_layers.{}.layers.0.weight");
  o.dec_layers = s.count("dec_layers.{}.layers.0.weight");
  const auto widths = extents(s, "enc_layers.{}.layers.0.weight", o.enc_layers, 0);
  const auto inputs = extents(s, "dec_layers.{}.layers.0.weight", o.dec_layers, 0);
  const auto outputs = extents(s, "dec_layers.{}.layers.0.weight", o.dec_layers, 1);
  options.image_channels = s.extent("enc_layers.0.layers.0.weight", 1);
  options.attributes = inputs[0] - widths.back();
  o.enc_dim = widths[0];
  o.dec_dim = o.dec_layers > 1 ? outputs[outputs.size() - 2] / 2 : o.dec_dim;
  o.max_dim = cap_of(widths, o.max_dim);
  o.enc_norm_fn = s.norm("enc_layers.0.layers.1", o.enc_norm_fn);
  o.dec_norm_fn = s.norm("dec_layers.0.layers.1", o.dec_norm_fn);
  o.upsampling = Upsampling::kTransposed;
  count_joins(widths, inputs, outputs, options.attributes, o.shortcut_layers, o.inject_layers);
  return options;
}

GeneratorOptions stgan_generator(const Shapes& s, GeneratorOptions options) {
  auto& o = options.stgan;
  o.n_layers = s.count("encoder.{}.0.weight");
  const auto widths = extents(s, "encoder.{}.0.weight", o.n_layers, 0);
  const auto inputs = extents(s, "decoder.{}.0.weight", o.n_layers, 0);
  const auto outputs = extents(s, "decoder.{}.0.weight", o.n_layers, 1);
  options.image_channels = s.extent("encoder.0.0.weight", 1);
  options.attributes = inputs[0] - widths.back();
  o.conv_dim = widths[0];
  o.max_dim = cap_of(widths, o.max_dim);
  count_joins(widths, inputs, outputs, options.attributes, o.shortcut_layers, o.inject_layers);
  o.use_stu = s.has("stu.0.upsample.weight");
  if (o.use_stu) {
    o.stu_kernel_size = s.extent("stu.0.reset_gate.0.weight", 2);
    o.stu_norm = s.norm("stu.0.reset_gate.1", o.stu_norm);
  }
  const std::string last = fmt::format("decoder.{}.", o.n_layers - 1);
  o.one_more_conv = s.has(last + "3.weight");
  if (o.one_more_conv) o.one_more_kernel_size = s.extent(last + "3.weight", 2);
  o.final_bias = s.has(last + (o.one_more_conv ? "3.bias" : "0.bias"));
  o.upsampling = Upsampling::kTransposed;
  return options;
}

GeneratorOptions stargan_generator(const Shapes& s, GeneratorOptions options) {
  auto& o = options.stargan;
  o.repeat_num = 0;
  while (s.has(fmt::format("main.{}.main.0.weight", 9 + o.repeat_num))) ++o.repeat_num;
  o.conv_dim = s.extent("main.0.weight", 0);
  options.image_channels = s.extent(fmt::format("main.{}.weight", 15 + o.repeat_num), 0);
  options.attributes = s.extent("main.0.weight", 1) - options.image_channels;
  o.norm_fn = s.norm("main.1", o.norm_fn);
  o.upsampling = Upsampling::kTransposed;
  return options;
}

DiscriminatorOptions attgan_discriminator(const Shapes& s, DiscriminatorOptions options) {
  auto& o = options.attgan;
  o.n_layers = s.count("conv.{}.layers.0.weight");
  const auto widths = extents(s, "conv.{}.layers.0.weight", o.n_layers, 0);
  options.image_channels = s.extent("conv.0.layers.0.weight", 1);
  options.attributes = s.extent("fc_cls.1.layers.0.weight", 0);
  o.dim = widths[0];
  o.max_dim = cap_of(widths, o.max_dim);
  o.norm_fn = s.norm("conv.0.layers.1", o.norm_fn);
  o.fc_dim = s.extent("fc_adv.0.layers.0.weight", 0);
  o.fc_norm_fn = s.norm("fc_adv.0.layers.1", o.fc_norm_fn);
  options.image_size = side_of(s.extent("fc_adv.0.layers.0.weight", 1), widths.back()) << o.n_layers;
  return options;
}

DiscriminatorOptions stgan_discriminator(const Shapes& s, DiscriminatorOptions options) {
  auto& o = options.stgan;
  o.n_layers = s.count("conv.{}.0.weight");
  const auto widths = extents(s, "conv.{}.0.weight", o.n_layers, 0);
  options.image_channels = s.extent("conv.0.0.weight", 1);
  options.attributes = s.extent("fc_att.2.weight", 0);
  o.conv_dim = widths[0];
  o.max_dim = cap_of(widths, o.max_dim);
  o.norm_fn = s.norm("conv.0.1", o.norm_fn);
  o.conv_bias = s.has("conv.0.0.bias");
  o.fc_dim = s.extent("fc_adv.0.weight", 0);
  options.image_size = side_of(s.extent("fc_adv.0.weight", 1), widths.back()) << o.n_layers;
  return options;
}

DiscriminatorOptions stargan_discriminator(const Shapes& s, DiscriminatorOptions options) {
  auto& o = options.stargan;
  std::vector<int64_t> widths;
  for (; s.has(fmt::format("main.{}.weight", 2 * widths.size()));)
    widths.push_back(s.extent(fmt::format("main.{}.weight", 2 * widths.size()), 0));
  o.repeat_num = static_cast<int64_t>(widths.size());
  o.conv_dim = widths[0];
  o.max_dim = cap_of(widths, o.max_dim);
  options.image_channels = s.extent("main.0.weight", 1);
  options.attributes = s.extent("conv2.weight", 0);
  options.image_size = s.extent("conv2.weight", 2) << o.repeat_num;
  return options;
}

std::optional<NetworkOptions> build(const Shapes& s, const GeneratorOptions& generator, const DiscriminatorOptions& discriminator,
                                    const ParserOptions& parser) {
  const auto with = [](auto options, Backbone backbone) {
    options.backbone = backbone;
    return options;
  };
  if (s.has("enc_layers.0.layers.0.weight") && s.has("dec_layers.0.layers.0.weight"))
    return attgan_generator(s, with(generator, Backbone::kAttGan));
  if (s.has("encoder.0.0.weight") && s.has("decoder.0.0.weight")) return stgan_generator(s, with(generator, Backbone::kStgan));
  if (s.has("main.0.weight") && s.has("main.1.weight")) return stargan_generator(s, with(generator, Backbone::kStarGan));
  if (s.has("conv.0.layers.0.weight") && s.has("fc_cls.1.layers.0.weight"))
    return attgan_discriminator(s, with(discriminator, Backbone::kAttGan));
  if (s.has("conv.0.0.weight") && s.has("fc_att.2.weight")) return stgan_discriminator(s, with(discriminator, Backbone::kStgan));
  if (s.has("main.0.weight") && s.has("conv2.weight")) return stargan_discriminator(s, with(discriminator, Backbone::kStarGan));
  for (const std::string backbone : {"cp.resnet", "fpn.backbone"}) {
    if (!s.has(backbone + ".conv1.weight")) continue;
    ParserOptions options = parser;
    options.network = s.has(backbone + ".layer1.2.conv1.weight") ? ParserNetwork::kBisenetResnet34 : ParserNetwork::kBisenetResnet18;
    options.classes = s.extent(s.has("conv_out.conv_out.weight") ? "conv_out.conv_out.weight" : "conv_out.conv.weight", 0);
    return options;
  }
  if (s.has("Mixed_7c.branch_pool.conv.weight")) return InceptionV3Options{.classes = s.extent("fc.weight", 0)};
  if (s.has("layer1.0.conv1.weight") && s.has("layer4.0.conv1.weight")) {
    ResNetOptions options{.depth = ResNetDepth::k18, .classes = s.extent("fc.weight", 0)};
    if (s.has("layer3.5.conv1.weight")) options.depth = s.has("layer1.0.conv3.weight") ? ResNetDepth::k50 : ResNetDepth::k34;
    return options;
  }
  return std::nullopt;
}

nlohmann::ordered_json json_of(const NetworkOptions& options) {
  return std::visit([](const auto& o) { return to_json(o); }, options);
}

void collect_differences(const nlohmann::ordered_json& found, const nlohmann::ordered_json& expected, const std::string& path,
                         std::string& out) {
  for (const auto& [key, value] : found.items()) {
    if (!expected.contains(key)) continue;
    const std::string name = path.empty() ? key : path + "." + key;
    if (value.is_object()) {
      collect_differences(value, expected[key], name, out);
    } else if (value != expected[key]) {
      const auto text = [](const nlohmann::ordered_json& v) { return v.is_string() ? v.get<std::string>() : v.dump(); };
      out += fmt::format("{}{} = {} (here {})", out.empty() ? "" : ", ", name, text(value), text(expected[key]));
    }
  }
}

}  // namespace

std::optional<NetworkOptions> recognize(const NamedTensors& state, const NetworkOptions* base) {
  GeneratorOptions generator;
  DiscriminatorOptions discriminator;
  ParserOptions parser;
  if (base != nullptr) {
    if (const auto* o = std::get_if<GeneratorOptions>(base)) generator = *o;
    if (const auto* o = std::get_if<DiscriminatorOptions>(base)) discriminator = *o;
    if (const auto* o = std::get_if<ParserOptions>(base)) parser = *o;
  }
  return build(Shapes(state), generator, discriminator, parser);
}

std::string describe(const NetworkOptions& options) {
  if (const auto* generator = std::get_if<GeneratorOptions>(&options)) {
    return fmt::format("generator '{}' of {} attributes", name_of(kBackbones, generator->backbone), generator->attributes);
  }
  if (const auto* discriminator = std::get_if<DiscriminatorOptions>(&options)) {
    return fmt::format("discriminator '{}' of {} attributes for {} px", name_of(kBackbones, discriminator->backbone),
                       discriminator->attributes, discriminator->image_size);
  }
  const auto classified = [](const std::string& network, int64_t classes) {
    return classes > 0 ? fmt::format("{} of {} classes", network, classes) : network + " without a classifier";
  };
  if (const auto* inception = std::get_if<InceptionV3Options>(&options)) return classified("network 'inception-v3'", inception->classes);
  if (const auto* resnet = std::get_if<ResNetOptions>(&options)) {
    return classified(fmt::format("network 'resnet-{}'", name_of(kResNetDepths, resnet->depth)), resnet->classes);
  }
  const auto& parser = std::get<ParserOptions>(options);
  return fmt::format("parser '{}' of {} classes", name_of(kParserNetworks, parser.network), parser.classes);
}

std::string differences(const NetworkOptions& found, const NetworkOptions& expected) {
  std::string out;
  if (found.index() == expected.index()) collect_differences(json_of(found), json_of(expected), "", out);
  return out;
}

}  // namespace secgan
