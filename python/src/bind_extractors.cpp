#include "bindings.hpp"
#include "secgan/evaluation/extractor.hpp"

namespace secgan::python {

void bind_extractors(py::module_& module) {
  py::class_<InceptionV3> inception(module, "InceptionV3");
  bind_module_state(inception);
  bind_load_weights(inception);
  inception.def(py::init([] { return InceptionV3(); }))
      .def_static(
          "from_config", [](const py::dict& config) { return InceptionV3(options_from<InceptionV3Options>(config, "config")); }, "config"_a)
      .def_static(
          "read", [](const std::string& file) { return read_inception_v3(file); }, ReleaseGil(), "file"_a)
      .def(
          "features",
          [](InceptionV3& network, const at::Tensor& photos, int64_t dims, const std::string& resize) {
            return extract_features(network, photos, dims, parse_name(kResizeFilters, resize, "resize"));
          },
          ReleaseGil(), "photos"_a, "dims"_a, "resize"_a)
      .def(
          "logits", [](InceptionV3& network, const at::Tensor& features, bool bias) { return network->logits(features, bias); },
          ReleaseGil(), "features"_a, "bias"_a);

  py::class_<ResNet> resnet(module, "ResNet");
  bind_module_state(resnet);
  bind_load_weights(resnet);
  resnet.def_static(
            "from_config", [](const py::dict& config) { return ResNet(options_from<ResNetOptions>(config, "config")); }, "config"_a)
      .def_static("swav", [] { return ResNet(kSwavResNet50); })
      .def_static(
          "read_swav", [](const std::string& file) { return read_swav_resnet50(file); }, ReleaseGil(), "file"_a)
      .def(
          "features", [](ResNet& network, const at::Tensor& photos) { return extract_features(network, photos); }, ReleaseGil(),
          "photos"_a);

  py::class_<FeatureExtractor>(module, "FeatureExtractor")
      .def_static(
          "of_program",
          [](const py::dict& program) {
            const auto options = options_from<ExtractorProgram>(program, "options");
            const py::gil_scoped_release released;
            return program_extractor(options);
          },
          "program"_a)
      .def_readonly("name", &FeatureExtractor::name)
      .def_readonly("fingerprint", &FeatureExtractor::fingerprint)
      .def_readonly("input", &FeatureExtractor::input)
      .def_readonly("dims", &FeatureExtractor::dims)
      .def(
          "__call__",
          [](const FeatureExtractor& extractor, const at::Tensor& photos, int64_t chunk) { return extractor(photos, chunk).features; },
          ReleaseGil(), "photos"_a, "chunk"_a);
}

}  // namespace secgan::python
