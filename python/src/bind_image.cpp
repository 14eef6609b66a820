#include "bindings.hpp"
#include "secgan/image/image_file.hpp"

namespace secgan::python {

void bind_image(py::module_& module) {
  module.def("read_image", [](const std::string& file) { return read_image(file); }, ReleaseGil(), "file"_a);
  module.def(
      "decode_image",
      [](const py::bytes& content, const std::string& name) {
        const std::string_view bytes = content;
        const py::gil_scoped_release released;
        return decode_image(bytes, name);
      },
      "content"_a, "name"_a);
  module.def(
      "photo_from_pixels",
      [](const at::Tensor& pixels, const py::bytes& profile, int orientation) {
        const std::string_view bytes = profile;
        const py::gil_scoped_release released;
        return photo_from_pixels(pixels, bytes, orientation);
      },
      "pixels"_a, "profile"_a, "orientation"_a);
  module.def(
      "profile_of_gamma",
      [](const std::optional<double>& gamma, const std::optional<std::array<double, 8>>& chromaticities) {
        return py::bytes(profile_of_gamma(gamma, chromaticities));
      },
      "gamma"_a, "chromaticities"_a);
  module.def("encode_png", [](const at::Tensor& image) { return py::bytes(encode_png(image)); }, "image"_a);
  module.def(
      "write_image",
      [](const std::string& file, const at::Tensor& image, const std::optional<py::dict>& provenance) {
        const Provenance made = provenance ? options_from<Provenance>(*provenance, "provenance") : Provenance();
        const py::gil_scoped_release released;
        write_image(file, image, made);
      },
      "file"_a, "image"_a, "provenance"_a);
  module.def(
      "inspect_image",
      [](const std::string& file) {
        PictureFacts facts;
        {
          const py::gil_scoped_release released;
          facts = inspect_image(file);
        }
        py::dict out("kind"_a = facts.kind, "width"_a = facts.width, "height"_a = facts.height, "bytes"_a = facts.bytes,
                     "pictures"_a = facts.pictures);
        out["provenance"] = facts.provenance.empty() ? py::object(py::none()) : py::object(options_to_python(facts.provenance));
        return out;
      },
      "file"_a);
}

}  // namespace secgan::python
