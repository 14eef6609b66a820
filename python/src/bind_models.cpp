#include <algorithm>

#include "bindings.hpp"
#include "secgan/bundle/bundle.hpp"
#include "secgan/models/classifier.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/parsing/parser.hpp"

namespace secgan::python {
namespace {

/// A backbone or preset with some of its options set.
template <class Options>
Options chosen(const std::string& name, const py::dict& given) {
  Options options(name);
  detail::record_from_json(options.backbone_record(), tree_from(given, name), name);
  return options;
}

}  // namespace

TensorList tensors_of(const torch::nn::Module& module) {
  std::vector<at::Tensor> parameters = module.parameters();
  TensorList out;
  for (const auto& [name, tensor] : module_state(module)) {
    const bool parameter = std::ranges::any_of(parameters, [&, &t = tensor](const at::Tensor& p) { return p.is_same(t); });
    out.emplace_back(name, tensor, parameter);
  }
  return out;
}

void bind_models(py::module_& module) {
  py::class_<Substitution>(module, "Substitution").def("restore", &Substitution::restore);

  py::class_<Generator> generator(module, "Generator");
  bind_module_state(generator);
  bind_load_weights(generator);
  generator
      .def_static(
          "from_config", [](const py::dict& config) { return make_generator(options_from<GeneratorConfig>(config, "config")); }, "config"_a)
      .def_static(
          "create",
          [](const std::string& name, int64_t attributes, int64_t image_size, int64_t image_channels, const std::string& output,
             const py::dict& options) {
            const OutputActivation activation = parse_name(kOutputActivations, output, "output");
            return make_generator({attributes, image_size, image_channels, activation}, chosen<GeneratorOptions>(name, options));
          },
          "name"_a, "attributes"_a, "image_size"_a, "image_channels"_a, "output"_a, "options"_a)
      .def(
          "forward", [](Generator& g, const at::Tensor& image, const at::Tensor& attributes) { return g->forward(image, attributes); },
          ReleaseGil(), "image"_a, "attributes"_a)
      .def(
          "encode", [](Generator& g, const at::Tensor& image) { return g->encode(image); }, ReleaseGil(), "image"_a)
      .def(
          "decode",
          [](Generator& g, const std::vector<at::Tensor>& features, const at::Tensor& attributes) {
            return g->decode(features, attributes);
          },
          ReleaseGil(), "features"_a, "attributes"_a);

  py::class_<Discriminator> discriminator(module, "Discriminator");
  bind_module_state(discriminator);
  bind_load_weights(discriminator);
  discriminator
      .def_static(
          "from_config", [](const py::dict& config) { return make_discriminator(options_from<DiscriminatorConfig>(config, "config")); },
          "config"_a)
      .def_static(
          "create",
          [](const std::string& name, int64_t attributes, int64_t image_size, int64_t image_channels, const py::dict& options) {
            return make_discriminator({attributes, image_size, image_channels}, chosen<DiscriminatorOptions>(name, options));
          },
          "name"_a, "attributes"_a, "image_size"_a, "image_channels"_a, "options"_a)
      .def(
          "forward",
          [](Discriminator& d, const at::Tensor& image) {
            const Scores scores = d->forward(image);
            return std::pair(scores.adversarial, scores.attribute_logits);
          },
          ReleaseGil(), "image"_a);

  py::class_<Parser> parser(module, "Parser");
  bind_module_state(parser);
  bind_load_weights(parser);
  parser
      .def_static(
          "from_config", [](const py::dict& config) { return make_parser(options_from<ParserConfig>(config, "config")); }, "config"_a)
      .def_static(
          "create",
          [](const std::string& name, int64_t classes, const py::dict& options) {
            ParserConfig config{.options = {.network = parse_name(kParserNetworks, name, "parser")}, .classes = classes};
            detail::record_from_json(config.options.network_record(), tree_from(options, "options"), "options");
            return make_parser(config);
          },
          "name"_a, "classes"_a, "options"_a)
      .def(
          "forward", [](Parser& p, const at::Tensor& photo) { return p->forward(photo); }, ReleaseGil(), "photo"_a)
      .def("heads", [](Parser& p, const at::Tensor& photo) { return p->heads(photo); }, ReleaseGil(), "photo"_a);

  py::class_<AttributeClassifier> classifier(module, "AttributeClassifier");
  bind_module_state(classifier);
  classifier
      .def_static(
          "from_config", [](const py::dict& config) { return make_classifier(options_from<ClassifierConfig>(config, "config")); },
          "config"_a)
      .def_static(
          "create",
          [](int64_t attributes, int64_t image_size, const py::dict& options) {
            return make_classifier({attributes, image_size, options_from<ClassifierOptions>(options, "classifier")});
          },
          "attributes"_a, "image_size"_a, "options"_a)
      .def_static(
          "from_bundle",
          [](const std::string& folder) {
            const Bundle bundle = load_bundle_with(BundlePart::kClassifier, folder, "folder");
            return std::pair(bundle.classifier, bundle.info.attributes);
          },
          ReleaseGil(), "folder"_a)
      .def(
          "load_weights",
          [](AttributeClassifier& c, const std::string& file, const std::string& entry) { return load_weights(*c, file, entry); },
          ReleaseGil(), "file"_a, "entry"_a)
      .def(
          "forward", [](AttributeClassifier& c, const at::Tensor& photo) { return c->forward(photo); }, ReleaseGil(), "photo"_a)
      .def("features", [](AttributeClassifier& c, const at::Tensor& photo) { return c->features(photo); }, ReleaseGil(), "photo"_a);

  module.def("backbones", &preset_names);
  module.def("parser_networks", [] {
    std::vector<std::string> names;
    for (const auto& [name, network] : kParserNetworks) names.emplace_back(name);
    return names;
  });
}

}  // namespace secgan::python
