#include "bindings.hpp"
#include "secgan/evaluation/extractor.hpp"

namespace secgan::python {

void bind_extractors(py::module_& module) {
  py::class_<InceptionV3> inception(module, "InceptionV3");
  bind_module_state(inception);
  bind_load_weights(inception);
  inception.def(py::init([](const std::string& options) { return InceptionV3(options_from<InceptionV3Options>(options)); }))
      .def_static(
          "read", [](const std::string& file) { return read_inception_v3(file); }, ReleaseGil())
      .def(
          "features", [](InceptionV3& network, const at::Tensor& photos, int64_t dims) { return extract_features(network, photos, dims); },
          ReleaseGil())
      .def(
          "logits", [](InceptionV3& network, const at::Tensor& features, bool bias) { return network->logits(features, bias); },
          ReleaseGil());

  py::class_<ResNet> resnet(module, "ResNet");
  bind_module_state(resnet);
  bind_load_weights(resnet);
  resnet.def(py::init([](const std::string& options) { return ResNet(options_from<ResNetOptions>(options)); }))
      .def_static(
          "read_swav", [](const std::string& file) { return read_swav_resnet50(file); }, ReleaseGil())
      .def("features", [](ResNet& network, const at::Tensor& photos) { return extract_features(network, photos); }, ReleaseGil());
  module.def("swav_options", [] { return to_json(kSwavResNet50).dump(); });

  py::class_<FeatureExtractor>(module, "FeatureExtractor")
      .def_readonly("name", &FeatureExtractor::name)
      .def_readonly("fingerprint", &FeatureExtractor::fingerprint)
      .def_readonly("input", &FeatureExtractor::input)
      .def_readonly("dims", &FeatureExtractor::dims)
      .def_readonly("has_logits", &FeatureExtractor::has_logits)
      .def(
          "__call__",
          [](const FeatureExtractor& extractor, const at::Tensor& photos, int64_t chunk) {
            const Extracted extracted = extractor(photos, chunk);
            return std::pair(extracted.features, extracted.logits);
          },
          ReleaseGil());
  module.def(
      "inception_extractor",
      [](const std::string& weights, int64_t dims, const std::string& resize) {
        return inception_extractor(weights, dims, parse_name(kResizeFilters, resize, "resize"));
      },
      ReleaseGil());
  module.def("swav_extractor", [](const std::string& weights) { return swav_extractor(weights); }, ReleaseGil());
  module.def(
      "program_extractor", [](const std::string& program) { return program_extractor(options_from<ExtractorProgram>(program)); },
      ReleaseGil());
}

}  // namespace secgan::python
