#include "bindings.hpp"
#include "secgan/core/names.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/models/presets.hpp"
#include "secgan/parsing/parser.hpp"

namespace secgan::python {
namespace {

template <class Table>
std::vector<std::string> names(const Table& table) {
  std::vector<std::string> out;
  for (const auto& [name, value] : table) out.emplace_back(name);
  return out;
}

}  // namespace

TensorList tensors_of(const torch::nn::Module& module) {
  std::vector<at::Tensor> parameters = module.parameters();
  TensorList out;
  for (const auto& [name, tensor] : module_state(module)) {
    const bool parameter =
        std::any_of(parameters.begin(), parameters.end(), [&, &t = tensor](const at::Tensor& p) { return p.is_same(t); });
    out.emplace_back(name, tensor, parameter);
  }
  return out;
}

void bind_models(py::module_& module) {
  py::class_<Substitution>(module, "Substitution").def("restore", &Substitution::restore);

  py::class_<Generator> generator(module, "Generator");
  bind_module_state(generator);
  bind_load_weights(generator);
  generator.def(py::init([](const std::string& options) { return make_generator(options_from<GeneratorOptions>(options)); }))
      .def(
          "forward", [](Generator& g, const at::Tensor& image, const at::Tensor& attributes) { return g->forward(image, attributes); },
          ReleaseGil())
      .def(
          "encode", [](Generator& g, const at::Tensor& image) { return g->encode(image); }, ReleaseGil())
      .def(
          "decode",
          [](Generator& g, const std::vector<at::Tensor>& features, const at::Tensor& attributes) {
            return g->decode(features, attributes);
          },
          ReleaseGil());

  py::class_<Discriminator> discriminator(module, "Discriminator");
  bind_module_state(discriminator);
  bind_load_weights(discriminator);
  discriminator.def(py::init([](const std::string& options) { return make_discriminator(options_from<DiscriminatorOptions>(options)); }))
      .def(
          "forward",
          [](Discriminator& d, const at::Tensor& image) {
            const Scores scores = d->forward(image);
            return std::pair(scores.adversarial, scores.attribute_logits);
          },
          ReleaseGil());

  py::class_<Parser> parser(module, "Parser");
  bind_module_state(parser);
  bind_load_weights(parser);
  parser.def(py::init([](const std::string& options) { return make_parser(options_from<ParserOptions>(options)); }))
      .def(
          "forward", [](Parser& p, const at::Tensor& photo) { return p->forward(photo); }, ReleaseGil())
      .def("heads", [](Parser& p, const at::Tensor& photo) { return p->heads(photo); }, ReleaseGil());

  module.def("backbones", &preset_names);
  module.def("generator_preset", [](const std::string& name) { return to_json(generator_preset(name)).dump(); });
  module.def("discriminator_preset", [](const std::string& name) { return to_json(discriminator_preset(name)).dump(); });
  module.def("parser_networks", [] { return names(kParserNetworks); });
}

}  // namespace secgan::python
