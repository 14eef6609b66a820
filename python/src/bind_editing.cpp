#include <array>
#include <cmath>

#include "bindings.hpp"
#include "bundle/model_card.hpp"
#include "secgan/alignment/detector_file.hpp"
#include "secgan/editing/editor.hpp"
#include "secgan/io/file.hpp"

namespace secgan::python {
namespace {

/// A number of Python's, NumPy's or torch's.
double number_from(const py::handle& value, const std::string& name) {
  const auto* const number = Py_TYPE(value.ptr())->tp_as_number;
  if (number != nullptr && (number->nb_float != nullptr || number->nb_index != nullptr)) {
    const double out = PyFloat_AsDouble(value.ptr());
    if (out != -1 || PyErr_Occurred() == nullptr) return out;
    PyErr_Clear();
  }
  throw InvalidArgument("strength of '" + name + "' must be a number, found " + py::repr(value).cast<std::string>());
}

std::vector<AttributeEdit> edits_from(const py::dict& strengths) {
  std::vector<AttributeEdit> edits;
  for (const auto& [name, strength] : strengths) {
    const auto attribute = name.cast<std::string>();
    edits.push_back({attribute, number_from(strength, attribute)});
  }
  return edits;
}

std::optional<Crop> crop_from(const std::optional<std::string>& crop) { return crop ? std::optional(parse_crop(*crop)) : std::nullopt; }

using Points = std::array<std::array<double, 2>, 5>;

FivePoints points_from(const Points& pairs) {
  FivePoints out;
  for (size_t i = 0; i < out.size(); ++i) out.at(i) = {pairs.at(i)[0], pairs.at(i)[1]};
  return out;
}

template <size_t kCount>
std::vector<std::tuple<double, double>> pairs_of(const std::array<PhotoPoint, kCount>& points) {
  std::vector<std::tuple<double, double>> out;
  for (const auto& [x, y] : points) out.emplace_back(x, y);
  return out;
}

/// A function of Python's, which may be called and let go of in any thread.
class PythonDetector {
 public:
  explicit PythonDetector(py::function function)
      : function_(new py::function(std::move(function)), [](py::function* one) {
          const py::gil_scoped_acquire held;
          delete one;  // NOLINT(cppcoreguidelines-owning-memory)
        }) {}

  std::vector<Face> operator()(const at::Tensor& photo) const {
    const py::gil_scoped_acquire held;
    std::vector<Face> out;
    // A copy: the function may draw into what it gets.
    const py::object faces = (*function_)(photo.clone());
    if (!py::isinstance<py::iterable>(faces)) {
      throw InvalidArgument("detector must give a list of faces, found " + py::repr(faces).cast<std::string>());
    }
    for (const py::handle& face : faces) {
      out.push_back(face_of(points_from(cast_points(face))));
      for (const auto& [x, y] : out.back().points) {
        if (!std::isfinite(x) || !std::isfinite(y))
          throw InvalidArgument("detector must give points in pixels, found " + py::repr(face).cast<std::string>());
      }
    }
    return out;
  }

 private:
  static Points cast_points(const py::handle& face) {
    try {
      return (py::hasattr(face, "tolist") ? face.attr("tolist")() : py::reinterpret_borrow<py::object>(face)).cast<Points>();
    } catch (const py::cast_error&) {
      throw InvalidArgument("detector must give a face as five points (x, y), found " + py::repr(face).cast<std::string>());
    }
  }

  std::shared_ptr<py::function> function_;
};

bool is_function(const py::object& detector) { return !detector.is_none() && !py::isinstance<py::str>(detector); }

/// @param detector  None (the installed one) or a file
Mtcnn mtcnn_from(const py::object& detector) {
  return detector.is_none() ? installed_detector() : load_detector(detector.cast<std::string>());
}

/// @param detector  None (the installed one, once a photo is searched), a file or a function
FaceDetector detector_from(const py::object& detector) {
  if (is_function(detector)) return PythonDetector(detector.cast<py::function>());
  return detector.is_none() ? FaceDetector() : mtcnn_from(detector);
}

std::optional<FaceSearch> search_from(const std::optional<std::string>& faces, const py::object& detector) {
  if (!faces && !detector.is_none()) throw InvalidArgument("detector finds faces, and faces is None: say which are edited");
  if (!faces) return std::nullopt;
  FaceSearch search{.unless_aligned = *faces == "auto"};
  if (!search.unless_aligned) search.choice = parse_face_choice(*faces, "faces");
  search.detector = detector_from(detector);
  return search;
}

EditOptions edit_options(const std::optional<NamedLabels>& source, const std::string& upscaling, const std::optional<std::string>& crop,
                         const std::optional<std::string>& faces, const py::object& detector, const std::string& region) {
  EditOptions options{.upscaling = parse_name(kUpscalings, upscaling, "upscaling"),
                      .crop = crop_from(crop),
                      .region = parse_name(kEditRegions, region, "region")};
  options.faces = search_from(faces, detector);
  options.source = source;
  return options;
}

}  // namespace

void bind_editing(py::module_& module) {
  py::class_<Face>(module, "FoundFace")
      .def_property_readonly("box", [](const Face& face) { return std::tuple(face.left, face.top, face.right, face.bottom); })
      .def_readonly("score", &Face::score)
      .def_property_readonly("points", [](const Face& face) { return pairs_of(face.points); });
  module.def(
      "find_faces",
      [](const at::Tensor& photo, const py::object& detector, bool refine) {
        FaceDetector given;
        if (is_function(detector)) {
          given = detector_from(detector);
        } else if (const Mtcnn mtcnn = mtcnn_from(detector); refine) {
          given = mtcnn;
        } else {
          given = [mtcnn](const at::Tensor& shown) { return mtcnn.detect(shown); };
        }
        const py::gil_scoped_release released;
        return find_faces(given, photo).faces;
      },
      "photo"_a, "detector"_a, "refine"_a);

  py::class_<EditedFace>(module, "EditedFace")
      .def_readonly("face", &EditedFace::face)
      .def_readonly("photo", &EditedFace::photo)
      .def_readonly("crop", &EditedFace::crop)
      .def_property_readonly("source", [](const EditedFace& edited) { return dict_of(edited.source); })
      .def_property_readonly("difference", [](const EditedFace& edited) { return dict_of(edited.difference); })
      .def_property_readonly("quad", [](const EditedFace& edited) { return pairs_of(quad(edited.place)); });

  py::class_<EditedPhoto>(module, "EditedPhoto")
      .def_readonly("photo", &EditedPhoto::photo)
      .def_readonly("crop", &EditedPhoto::crop)
      .def_property_readonly("source", [](const EditedPhoto& edited) { return dict_of(edited.source); })
      .def_property_readonly("difference", [](const EditedPhoto& edited) { return dict_of(edited.difference); })
      .def_property_readonly("place",
                             [](const EditedPhoto& edited) {
                               const Rect& place = edited.place;
                               return std::tuple(place.x, place.y, place.width, place.height);
                             })
      .def_readonly("notes", &EditedPhoto::notes)
      .def_readonly("faces", &EditedPhoto::faces)
      .def_readonly("faces_found", &EditedPhoto::faces_found)
      .def_property_readonly("provenance", [](const EditedPhoto& edited) { return options_to_python(edited.provenance); });

  py::class_<Editor>(module, "Editor")
      .def_static(
          "from_pretrained",
          [](const std::string& folder, const std::string& device, const std::string& engine, const std::string& precision) {
            return Editor::from_pretrained(folder, EditorOptions{.device = find_device(device),
                                                                 .engine = find_engine(engine),
                                                                 .precision = parse_name(kPrecisions, precision, "precision")});
          },
          ReleaseGil(), "folder"_a, "device"_a, "engine"_a, "precision"_a)
      .def(
          "save_pretrained", [](const Editor& editor, const std::string& folder) { editor.save_pretrained(folder); }, ReleaseGil(),
          "folder"_a)
      .def("attributes", [](const Editor& editor) { return editor.attributes().names(); })
      .def("finds_faces", [](const Editor& editor) { return editor.layout().has_value(); })
      .def("info", [](const Editor& editor) { return options_to_python(editor.bundle().info); })
      .def("bundle_name", [](const Editor& editor) { return editor.bundle().name; })
      .def("generator", [](const Editor& editor) { return editor.bundle().generator; })
      .def(
          "condition",
          [](const Editor& editor, const at::Tensor& labels, const at::Tensor& difference) {
            return editor.bundle().condition(labels, difference);
          },
          ReleaseGil(), "labels"_a, "difference"_a)
      .def(
          "predict",
          [](const Editor& editor, const at::Tensor& photo, const std::optional<std::string>& crop) {
            NamedValues probabilities;
            {
              const py::gil_scoped_release released;
              probabilities = editor.predict(photo, crop_from(crop));
            }
            return dict_of(probabilities);
          },
          "photo"_a, "crop"_a)
      .def(
          "parse",
          [](const Editor& editor, const at::Tensor& photo, const std::optional<std::string>& crop) {
            return editor.parse(photo, crop_from(crop));
          },
          ReleaseGil(), "photo"_a, "crop"_a)
      .def(
          "to", [](Editor& editor, const std::string& device) { editor.to(find_device(device)); }, ReleaseGil(), "device"_a)
      .def("summary", &Editor::summary)
      .def("engine", &Editor::engine, ReleaseGil())
      .def("options",
           [](const Editor& editor) {
             const EditorOptions options = editor.options();
             return std::map<std::string, std::string>{{"engine", std::string(name_of(kEngines, options.engine))},
                                                       {"precision", std::string(name_of(kPrecisions, options.precision))}};
           })
      .def(
          "edit",
          [](const Editor& editor, const std::vector<at::Tensor>& photos, const py::dict& edits, const std::optional<NamedLabels>& source,
             const std::string& upscaling, const std::optional<std::string>& crop, const std::optional<std::string>& faces,
             const py::object& detector, const std::string& region) {
            const std::vector<AttributeEdit> wanted = edits_from(edits);
            const EditOptions options = edit_options(source, upscaling, crop, faces, detector, region);
            const py::gil_scoped_release released;
            return editor.edit(photos, wanted, options);
          },
          "photos"_a, "edits"_a, "source"_a, "upscaling"_a, "crop"_a, "faces"_a, "detector"_a, "region"_a);
  module.def("available_engines", &available_engines, ReleaseGil());
  module.def(
      "whole_photo",
      [](const at::Tensor& photo, const at::Tensor& edit, const std::tuple<int64_t, int64_t, int64_t, int64_t>& place) {
        const auto [x, y, width, height] = place;
        return whole_photo(photo, {.photo = edit, .place = {x, y, width, height}});
      },
      ReleaseGil(), "photo"_a, "edit"_a, "place"_a);
  module.attr("own_card") = std::string(kOwnCard);
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
}

}  // namespace secgan::python
