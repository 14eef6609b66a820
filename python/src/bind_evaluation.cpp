#include <pybind11/functional.h>

#include <utility>

#include "bindings.hpp"
#include "evaluation/report_json.hpp"
#include "secgan/evaluation/report.hpp"
#include "secgan/evaluation/settings.hpp"

namespace secgan::python {
namespace {

/// A custom function and its name.
using Function = std::optional<std::pair<std::function<at::Tensor(const at::Tensor&)>, std::string>>;

/// @param side  of the photos that the functions will see
Judges judges(const Function& extractor, const Function& identity, int64_t side) {
  Judges out;
  if (extractor) out.other = function_extractor(extractor->first, extractor->second, side);
  if (identity) out.identity = function_extractor(identity->first, identity->second, side);
  return out;
}

/// The report as a dictionary, and as files where a folder is named.
template <class Run>
py::dict report(const std::string& out, const Run& run) {
  nlohmann::ordered_json json;
  {
    const py::gil_scoped_release released;
    if (!out.empty()) require_report_place(out);
    const EvaluationRun evaluated = run();
    if (!out.empty()) write_evaluation(out, evaluated.evaluation, evaluated.context);
    json = detail::report_json(evaluated.evaluation, evaluated.context);
  }
  return tree_to_python(json);
}

EvaluateSettings settings_from(const py::dict& settings, const std::string& protocol) {
  EvaluateSettings defaults;
  defaults.protocol = open_protocol(protocol);
  return options_from(settings, "settings", std::move(defaults));
}

}  // namespace

void bind_evaluation(py::module_& module) {
  module.def(
      "evaluate",
      [](const std::string& model, const std::string& protocol, const py::dict& settings, const Function& extractor,
         const Function& identity, const std::string& out) {
        const EvaluateSettings chosen = settings_from(settings, protocol);
        return report(out, [&] { return evaluate(model, chosen, judges(extractor, identity, load_bundle_info(model).image_size)); });
      },
      "model"_a, "protocol"_a, "settings"_a, "extractor"_a, "identity"_a, "out"_a);
  module.def(
      "evaluate_faces",
      [](const std::string& model, const Dataset& faces, const std::string& protocol, const py::dict& settings, const Function& extractor,
         const Function& identity, const std::string& out) {
        const EvaluateSettings chosen = settings_from(settings, protocol);
        return report(out, [&] { return evaluate(model, faces, chosen, judges(extractor, identity, faces.image_size())); });
      },
      "model"_a, "faces"_a, "protocol"_a, "settings"_a, "extractor"_a, "identity"_a, "out"_a);
  module.def(
      "compare_reports",
      [](const std::vector<std::string>& files, bool different_protocols) {
        return compare_reports({files.begin(), files.end()}, different_protocols);
      },
      ReleaseGil(), "files"_a, "different_protocols"_a);
}

}  // namespace secgan::python
