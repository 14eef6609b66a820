#include "bindings.hpp"
#include "secgan/editing/editor.hpp"
#include "secgan/image/image_file.hpp"

namespace secgan::python {

void bind_editing(py::module_& module) {
  py::class_<EditedPhoto>(module, "EditedPhoto")
      .def_readonly("photo", &EditedPhoto::photo)
      .def_readonly("crop", &EditedPhoto::crop)
      .def_readonly("source", &EditedPhoto::source)
      .def_readonly("difference", &EditedPhoto::difference);

  py::class_<Editor>(module, "Editor")
      .def_static(
          "from_pretrained", [](const std::string& folder) { return Editor::from_pretrained(folder); }, ReleaseGil())
      .def(
          "save_pretrained", [](const Editor& editor, const std::string& folder) { editor.save_pretrained(folder); }, ReleaseGil())
      .def("attributes", [](const Editor& editor) { return editor.attributes().names(); })
      .def("info", [](const Editor& editor) { return to_json(editor.bundle().info).dump(); })
      .def("generator", [](const Editor& editor) { return editor.bundle().generator; })
      .def(
          "condition",
          [](const Editor& editor, const at::Tensor& labels, const at::Tensor& difference) {
            return editor.bundle().condition(labels, difference);
          },
          ReleaseGil())
      .def("predict", &Editor::predict, ReleaseGil())
      .def("parse", &Editor::parse, ReleaseGil())
      .def(
          "edit",
          [](Editor& editor, const at::Tensor& photo, const std::vector<std::pair<std::string, double>>& edits,
             const std::optional<at::Tensor>& source, const std::string& upscaling) {
            std::vector<AttributeEdit> wishes;
            for (const auto& [name, strength] : edits) wishes.push_back({name, strength});
            return editor.edit(photo, wishes, source, parse_name(kUpscalings, upscaling, "upscaling"));
          },
          ReleaseGil());

  // The network and how it is to be called.
  module.def(
      "load_parser",
      [](const std::string& folder) {
        const Bundle bundle = load_bundle(folder);
        if (bundle.parser.is_empty()) throw Error(folder + ": the bundle has no parser");
        return std::pair(bundle.parser, to_json(bundle.info).dump());
      },
      ReleaseGil());
  module.def("read_image", [](const std::string& file) { return read_image(file); }, ReleaseGil());
  module.def("write_image", [](const std::string& file, const at::Tensor& image) { write_image(file, image); }, ReleaseGil());
}

}  // namespace secgan::python
