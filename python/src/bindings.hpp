#pragma once
/// What the binding files share: options as dictionaries, networks as modules. No loops over data, no defaults, no rules.

#include <torch/extension.h>

#include <nlohmann/json.hpp>

#include <memory>
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
using namespace py::literals;
using ReleaseGil = py::call_guard<py::gil_scoped_release>;

void bind_data(py::module_& module);
void bind_models(py::module_& module);
void bind_parsing(py::module_& module);
void bind_extractors(py::module_& module);
void bind_image(py::module_& module);
void bind_editing(py::module_& module);
void bind_evaluation(py::module_& module);
void bind_metrics(py::module_& module);
void bind_training(py::module_& module);
void bind_semantic_branch(py::module_& module);

/// A dictionary of numbers, text, lists and dictionaries as a tree, and back.
/// @param where  first words of a message   @throws InvalidArgument for a value of another type, naming its place
nlohmann::json tree_from(const py::handle& value, const std::string& where);
py::object tree_to_python(const nlohmann::ordered_json& tree);

/// Options from a dictionary; what it lacks keeps its value in `defaults`.
/// @throws InvalidArgument for an unknown key (the known ones are listed) or a value of another kind.
template <Described Options>
Options options_from(const py::handle& dictionary, const std::string& where, Options defaults = Options()) {
  detail::from_json_strict(defaults, tree_from(dictionary, where), where);
  return defaults;
}

/// Every field of an option struct as a dictionary.
template <Described Options>
py::dict options_to_python(const Options& options) {
  return tree_to_python(detail::to_json(options));
}

/// A list of names and values as a dictionary, in its order.
template <class Pairs>
py::dict dict_of(const Pairs& pairs) {
  py::dict out;
  for (const auto& [name, value] : pairs) out[py::str(name)] = value;
  return out;
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
      // A layer and what lies below it; a path that only Python knows is ignored.
      .def(
          "train",
          [](Holder& network, const std::string& path, bool on) {
            auto modules = network->named_modules();
            if (auto* const module = modules.find(path)) (*module)->train(on);
          },
          "path"_a, "on"_a)
      .def(
          "substitute", [](Holder& network, const NamedTensors& tensors) { return std::make_unique<Substitution>(*network, tensors); },
          py::keep_alive<0, 1>(), "tensors"_a)
      .def("layers",
           [](Holder& network) {
             std::ostringstream out;
             out << *network;
             return out.str();
           })
      .def("config", [](Holder& network) { return options_to_python(network->config()); });
}

/// What each network has besides, that files of weights are made for.
template <class Class>
void bind_load_weights(Class& binding) {
  using Holder = typename Class::type;
  binding.def(
      "load_weights", [](Holder& network, const std::string& file, const std::string& entry) { return load_weights(network, file, entry); },
      ReleaseGil(), "file"_a, "entry"_a);
}

}  // namespace secgan::python
