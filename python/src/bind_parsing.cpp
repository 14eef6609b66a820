#include <pybind11/functional.h>

#include "bindings.hpp"
#include "secgan/bundle/bundle.hpp"
#include "secgan/parsing/face_parser.hpp"

namespace secgan::python {

void bind_parsing(py::module_& module) {
  py::class_<ClassMerge>(module, "ClassMerge")
      .def(py::init([](const std::string& labels) { return ClassMerge(parse_name(kLabelSets, labels, "labels")); }), "labels"_a)
      .def(py::init<const std::vector<std::vector<int64_t>>&>(), "groups"_a);

  // The network is a Python callable: calling it takes the GIL again.
  py::class_<FaceParser>(module, "FaceParser")
      .def(py::init([](ParserFunction network, const ClassMerge& merge, const std::string& normalization, int64_t input_size) {
             return FaceParser(std::move(network), merge, parse_name(kPhotoNormalizations, normalization, "normalization"), input_size);
           }),
           "network"_a, "merge"_a, "normalization"_a, "input_size"_a)
      .def_static(
          "from_bundle", [](const std::string& folder) { return *load_bundle_with(BundlePart::kParser, folder, "folder").parser; },
          ReleaseGil(), "folder"_a)
      .def_property_readonly("network", [](FaceParser& parser) { return parser.network(); })
      .def_property_readonly("options", [](const FaceParser& parser) { return options_to_python(parser.options()); })
      .def("log_probabilities", &FaceParser::log_probabilities, ReleaseGil(), "photo"_a);

  module.def("class_names", [](const std::string& labels) { return class_names(parse_name(kLabelSets, labels, "labels")); }, "labels"_a);
  module.def(
      "class_palette", [](const std::string& labels) { return class_palette(parse_name(kLabelSets, labels, "labels")); }, "labels"_a);
}

}  // namespace secgan::python
