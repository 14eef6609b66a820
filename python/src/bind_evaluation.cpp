#include <pybind11/functional.h>

#include "bindings.hpp"
#include "secgan/evaluation/report.hpp"
#include "secgan/evaluation/settings.hpp"

namespace secgan::python {
namespace {

/// A function of one's own and its name.
using Function = std::optional<std::pair<std::function<at::Tensor(const at::Tensor&)>, std::string>>;

/// @param side  of the photos that the functions will see
Judges judges(const Function& extractor, const Function& identity, int64_t side) {
  Judges out;
  if (extractor) out.other = function_extractor(extractor->first, extractor->second, side);
  if (identity) out.identity = function_extractor(identity->first, identity->second, side);
  return out;
}

std::string finish(const EvaluationRun& run, const std::string& out) {
  if (!out.empty()) write_evaluation(out, run.evaluation, run.context);
  return evaluation_json(run.evaluation, run.context);
}

}  // namespace

void bind_evaluation(py::module_& module) {
  // Settings as JSON; functions of one's own with their names; the folder to report into. The report as JSON.
  module.def(
      "evaluate",
      [](const std::string& model, const std::string& settings, const Function& extractor, const Function& identity,
         const std::string& out) {
        return finish(
            evaluate(model, options_from<EvaluateSettings>(settings), judges(extractor, identity, load_bundle_info(model).image_size)),
            out);
      },
      ReleaseGil());
  module.def(
      "evaluate_faces",
      [](const std::string& model, const Dataset& faces, const std::string& settings, const Function& extractor, const Function& identity,
         const std::string& out) {
        return finish(evaluate(model, faces, options_from<EvaluateSettings>(settings), judges(extractor, identity, faces.image_size())),
                      out);
      },
      ReleaseGil());
  module.def("open_protocol", [](const std::string& name) { return to_json(open_protocol(name)).dump(); });
  module.def(
      "compare_reports",
      [](const std::vector<std::string>& files, bool different) { return compare_reports({files.begin(), files.end()}, different); },
      ReleaseGil());
}

}  // namespace secgan::python
