#include <filesystem>

#include "bindings.hpp"
#include "secgan/core/device.hpp"
#include "secgan/core/error.hpp"
#include "secgan/version.hpp"

PYBIND11_MODULE(_core, module) {
  namespace py = pybind11;
  // The last one registered is asked first: bases before what derives from them.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): the pointer to function that pybind11 takes
  py::register_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const secgan::FileNotFound& missing) {
      py::set_error(PyExc_FileNotFoundError, missing.what());
    } catch (const secgan::InvalidArgument& wrong) {
      py::set_error(PyExc_ValueError, wrong.what());
    } catch (const secgan::Error& failed) {
      py::set_error(PyExc_RuntimeError, failed.what());
    } catch (const std::filesystem::filesystem_error& failed) {
      const std::string message = failed.path1().string() + ": " + failed.code().message();
      py::set_error(PyExc_RuntimeError, message.c_str());
    }
  });
  module.attr("version") = secgan::kVersion;
  module.attr("built_for_torch") = SECGAN_TORCH_VERSION;
  module.def("find_device", [](const std::string& name) { return secgan::find_device(name).str(); }, py::arg("name"));
  secgan::python::bind_data(module);
  secgan::python::bind_models(module);
  secgan::python::bind_parsing(module);
  secgan::python::bind_extractors(module);
  secgan::python::bind_image(module);
  secgan::python::bind_editing(module);
  secgan::python::bind_evaluation(module);
  secgan::python::bind_metrics(module);
  secgan::python::bind_training(module);
  secgan::python::bind_semantic_branch(module);
}
