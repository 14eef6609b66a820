#include "bindings.hpp"
#include "secgan/data/source.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan::python {

void bind_data(py::module_& module) {
  py::class_<Dataset, std::shared_ptr<Dataset>>(module, "Dataset")
      .def("size", &Dataset::size)
      .def("image_size", &Dataset::image_size)
      .def("attributes", [](const Dataset& data) { return data.attributes().names(); })
      // image [3, S, S] in [-1, 1], labels [A], mask [S, S] or None, id
      .def(
          "get",
          [](const Dataset& data, int64_t index) {
            const Sample sample = data.get(index);
            const auto optional = [](const at::Tensor& tensor) { return tensor.defined() ? std::optional(tensor) : std::nullopt; };
            return std::tuple(to_float(sample.image), optional(sample.labels), optional(sample.mask), sample.id);
          },
          ReleaseGil())
      // Every attribute flipped in turn where its rules allow, [N, A] -> [N, A].
      .def("flip",
           [](const Dataset& data, const at::Tensor& labels, int64_t attribute) { return data.attributes().flip(labels, attribute); });

  module.def(
      "open_dataset",
      [](const std::string& settings, const std::string& split, bool attributes, bool masks) {
        return std::const_pointer_cast<Dataset>(
            open_dataset(options_from<DataSettings>(settings), parse_name(kSplits, split, "split"), attributes, masks));
      },
      ReleaseGil());
  module.def(
      "synthetic_faces",
      [](const std::string& options) -> std::shared_ptr<Dataset> {
        return std::make_shared<SyntheticFaces>(options_from<SyntheticFacesOptions>(options));
      },
      ReleaseGil());
}

}  // namespace secgan::python
