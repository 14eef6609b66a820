#include "bindings.hpp"
#include "secgan/data/source.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan::python {
namespace {

std::optional<at::Tensor> where_defined(const at::Tensor& tensor) { return tensor.defined() ? std::optional(tensor) : std::nullopt; }

}  // namespace

void bind_data(py::module_& module) {
  py::class_<Sample>(module, "Sample")
      .def_property_readonly("image", [](const Sample& sample) { return to_float(sample.image); })
      .def_property_readonly("labels", [](const Sample& sample) { return where_defined(sample.labels); })
      .def_property_readonly("mask", [](const Sample& sample) { return where_defined(sample.mask); })
      .def_readonly("id", &Sample::id);

  py::class_<Dataset, std::shared_ptr<Dataset>>(module, "Dataset")
      .def("size", &Dataset::size)
      .def("image_size", &Dataset::image_size)
      .def("attributes", [](const Dataset& data) { return data.attributes().names(); })
      .def("get", &Dataset::get, ReleaseGil(), "index"_a)
      .def(
          "flip",
          [](const Dataset& data, const at::Tensor& labels, int64_t attribute) { return data.attributes().flip(labels, attribute); },
          "labels"_a, "attribute"_a);

  module.def(
      "open_dataset",
      [](const py::dict& settings, const std::string& split, bool attributes, bool masks) {
        const auto chosen = options_from<DataSettings>(settings, "settings");
        const Split part = parse_name(kSplits, split, "split");
        const py::gil_scoped_release released;
        return std::const_pointer_cast<Dataset>(open_dataset(chosen, part, attributes, masks));
      },
      "settings"_a, "split"_a, "attributes"_a, "masks"_a);
  module.def(
      "synthetic_faces",
      [](int64_t count, int64_t image_size, uint64_t seed) -> std::shared_ptr<Dataset> {
        return std::make_shared<SyntheticFaces>(SyntheticFacesOptions{count, image_size, seed});
      },
      "count"_a, "image_size"_a, "seed"_a);
}

}  // namespace secgan::python
