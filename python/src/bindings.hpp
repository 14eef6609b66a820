#pragma once
/// What the binding files share. They hold no logic: one call in, one call out.

#include <torch/extension.h>

#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "io/json.hpp"
#include "secgan/bundle/load_weights.hpp"
#include "secgan/nn/state.hpp"
#include "secgan/nn/substitute.hpp"

static_assert(PYBIND11_VERSION_MAJOR == 3, "bind with the pybind11 headers inside torch/include");

namespace secgan::python {

namespace py = pybind11;
using ReleaseGil = py::call_guard<py::gil_scoped_release>;

void bind_data(py::module_& module);
void bind_models(py::module_& module);
void bind_parsing(py::module_& module);
void bind_extractors(py::module_& module);
void bind_editing(py::module_& module);
void bind_evaluation(py::module_& module);
void bind_metrics(py::module_& module);
void bind_training(py::module_& module);
void bind_semantic_branch(py::module_& module);

/// Options cross the border as JSON: defaults, names and rules stay in C++.
template <class Options>
Options options_from(const std::string& json) {
  Options options;
  from_json_strict(options, nlohmann::json::parse(json), "options");
  return options;
}

/// (name, tensor, whether it is a parameter) of every tensor, sharing storage.
using TensorList = std::vector<std::tuple<std::string, at::Tensor, bool>>;
TensorList tensors_of(const torch::nn::Module& module);

/// What each network class has, whatever it computes.
template <class Class>
void bind_module_state(Class& binding) {
  using Holder = typename Class::type;
  binding
      .def("tensors", [](Holder& network) { return tensors_of(*network); })
      // A layer and what lies below it; a path that only Python knows is passed over.
      .def("train",
           [](Holder& network, const std::string& path, bool on) {
             auto modules = network->named_modules();
             if (auto* const module = modules.find(path)) (*module)->train(on);
           })
      .def(
          "substitute", [](Holder& network, const NamedTensors& tensors) { return std::make_unique<Substitution>(*network, tensors); },
          py::keep_alive<0, 1>())
      .def("layers",
           [](Holder& network) {
             std::ostringstream out;
             out << *network;
             return out.str();
           })
      .def("options", [](Holder& network) { return to_json(network->options()).dump(); });
}

/// What each network has besides, that files of weights are made for.
template <class Class>
void bind_load_weights(Class& binding) {
  using Holder = typename Class::type;
  binding.def("load_weights", [](Holder& network, const std::string& file) { load_weights(network, file); }, ReleaseGil());
}

}  // namespace secgan::python
