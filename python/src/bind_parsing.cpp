#include <pybind11/functional.h>

#include "bindings.hpp"
#include "secgan/parsing/face_parser.hpp"

namespace secgan::python {

void bind_parsing(py::module_& module) {
  py::class_<ClassMerge>(module, "ClassMerge")
      .def(py::init([](const std::string& labels) { return ClassMerge(parse_name(kLabelSets, labels, "labels")); }))
      .def(py::init<const std::vector<std::vector<int64_t>>&>());

  // The network is a Python callable: calling it takes the GIL again.
  py::class_<FaceParser>(module, "FaceParser")
      .def(py::init(
          [](ParserFunction network, const ClassMerge& merge, const std::string& normalization, std::optional<int64_t> input_size) {
            return FaceParser(std::move(network), merge, parse_name(kPhotoNormalizations, normalization, "normalization"), input_size);
          }))
      .def("log_probabilities", &FaceParser::log_probabilities, ReleaseGil());

  module.def("class_names", [](const std::string& labels) { return class_names(parse_name(kLabelSets, labels, "labels")); });
  module.def("class_palette", [](const std::string& labels) { return class_palette(parse_name(kLabelSets, labels, "labels")); });
}

}  // namespace secgan::python
