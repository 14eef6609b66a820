#include "bindings.hpp"
#include "secgan/editing/editor.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"

namespace secgan::python {
namespace {

std::vector<AttributeEdit> edits_from(const py::dict& strengths) {
  std::vector<AttributeEdit> edits;
  for (const auto& [name, strength] : strengths) {
    if (PyFloat_Check(strength.ptr()) == 0 && (PyIndex_Check(strength.ptr()) == 0)) {
      throw InvalidArgument("strength of '" + name.cast<std::string>() + "' must be a number, found " +
                            py::repr(strength).cast<std::string>());
    }
    edits.push_back({name.cast<std::string>(), py::float_(py::reinterpret_borrow<py::object>(strength))});
  }
  return edits;
}

EditOptions edit_options(const std::optional<py::dict>& source, const std::string& upscaling) {
  EditOptions options{.upscaling = parse_name(kUpscalings, upscaling, "upscaling")};
  if (!source) return options;
  options.source.emplace();
  for (const auto& [name, shown] : *source)
    options.source->emplace_back(name.cast<std::string>(), py::bool_(py::reinterpret_borrow<py::object>(shown)));
  return options;
}

}  // namespace

void bind_editing(py::module_& module) {
  py::class_<EditedPhoto>(module, "EditedPhoto")
      .def_readonly("photo", &EditedPhoto::photo)
      .def_readonly("crop", &EditedPhoto::crop)
      .def_property_readonly("source", [](const EditedPhoto& edited) { return dict_of(edited.source); })
      .def_property_readonly("difference", [](const EditedPhoto& edited) { return dict_of(edited.difference); });

  py::class_<Editor>(module, "Editor")
      .def_static(
          "from_pretrained", [](const std::string& folder) { return Editor::from_pretrained(folder); }, ReleaseGil(), "folder"_a)
      .def(
          "save_pretrained", [](const Editor& editor, const std::string& folder) { editor.save_pretrained(folder); }, ReleaseGil(),
          "folder"_a)
      .def("attributes", [](const Editor& editor) { return editor.attributes().names(); })
      .def("info", [](const Editor& editor) { return options_to_python(editor.bundle().info); })
      .def("generator", [](const Editor& editor) { return editor.bundle().generator; })
      .def(
          "condition",
          [](const Editor& editor, const at::Tensor& labels, const at::Tensor& difference) {
            return editor.bundle().condition(labels, difference);
          },
          ReleaseGil(), "labels"_a, "difference"_a)
      .def(
          "predict",
          [](const Editor& editor, const at::Tensor& photo) {
            NamedValues probabilities;
            {
              const py::gil_scoped_release released;
              probabilities = editor.predict(photo);
            }
            return dict_of(probabilities);
          },
          "photo"_a)
      .def("parse", &Editor::parse, ReleaseGil(), "photo"_a)
      .def(
          "edit",
          [](const Editor& editor, const std::vector<at::Tensor>& photos, const py::dict& edits, const std::optional<py::dict>& source,
             const std::string& upscaling) {
            const std::vector<AttributeEdit> wanted = edits_from(edits);
            const EditOptions options = edit_options(source, upscaling);
            const py::gil_scoped_release released;
            return editor.edit(photos, wanted, options);
          },
          "photos"_a, "edits"_a, "source"_a, "upscaling"_a);

  module.def("require_writable_file", [](const std::string& file) { require_writable_file(file); }, ReleaseGil(), "file"_a);
  module.def(
      "write_file",
      [](const std::string& file, const py::bytes& bytes) {
        const auto view = static_cast<std::string_view>(bytes);
        const py::gil_scoped_release released;
        make_folder(std::filesystem::absolute(file).parent_path());
        write_file(file, view);
      },
      "file"_a, "bytes"_a);
  module.def("read_image", [](const std::string& file) { return read_image(file); }, ReleaseGil(), "file"_a);
  module.def(
      "write_image", [](const std::string& file, const at::Tensor& image) { write_image(file, image); }, ReleaseGil(), "file"_a, "image"_a);
}

}  // namespace secgan::python
