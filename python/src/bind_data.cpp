#include "bindings.hpp"
#include "secgan/data/attribute_list.hpp"
#include "secgan/data/photo_names.hpp"
#include "secgan/data/source.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan::python {
namespace {

std::optional<at::Tensor> where_defined(const at::Tensor& tensor) { return tensor.defined() ? std::optional(tensor) : std::nullopt; }

std::vector<std::pair<std::string, bool>> pairs_of(const std::vector<DataNote>& notes) {
  std::vector<std::pair<std::string, bool>> pairs;
  for (const DataNote& note : notes) pairs.emplace_back(note.text, note.wrong);
  return pairs;
}

/// A list, and its photos to be found by name.
struct ListedPhotos {
  AttributeList list;
  PhotoNames names;
};

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
      .def("notes", [](const Dataset& data) { return pairs_of(data.notes()); })
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
  py::class_<ListedPhotos>(module, "AttributeList")
      .def_property_readonly("attributes", [](const ListedPhotos& listed) { return listed.list.attributes; })
      .def_property_readonly("photos", [](const ListedPhotos& listed) { return listed.list.photos; })
      .def_property_readonly("labels", [](const ListedPhotos& listed) { return listed.list.labels; })
      .def("notes", [](const ListedPhotos& listed) { return pairs_of(listed.list.notes); })
      .def(
          "find", [](const ListedPhotos& listed, const std::string& photo) { return listed.names.find(photo); }, "photo"_a)
      .def("row", [](const ListedPhotos& listed, int64_t index) { return dict_of(listed.list.row(index)); }, "index"_a);
  module.def(
      "read_attribute_list",
      [](const std::string& file, const std::optional<std::vector<std::string>>& attributes) {
        AttributeList list = read_attribute_list(file, attributes);
        PhotoNames names(list.photos);
        return ListedPhotos{std::move(list), std::move(names)};
      },
      ReleaseGil(), "file"_a, "attributes"_a);
  module.def(
      "synthetic_faces",
      [](int64_t count, int64_t image_size, uint64_t seed) -> std::shared_ptr<Dataset> {
        return std::make_shared<SyntheticFaces>(SyntheticFacesOptions{count, image_size, seed});
      },
      "count"_a, "image_size"_a, "seed"_a);
}

}  // namespace secgan::python
