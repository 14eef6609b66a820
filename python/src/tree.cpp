#include <cmath>

#include "bindings.hpp"
#include "secgan/core/error.hpp"

namespace secgan::python {

nlohmann::json tree_from(const py::handle& value, const std::string& where) {
  if (value.is_none()) return nullptr;
  if (py::isinstance<py::bool_>(value)) return value.cast<bool>();
  if (py::isinstance<py::str>(value)) return value.cast<std::string>();
  // Paths first: they are no sequences, and numbers of NumPy have an index.
  if (py::hasattr(value, "__fspath__")) return py::module_::import("os").attr("fspath")(value).cast<std::string>();
  if (PyIndex_Check(value.ptr()) != 0) {
    const auto integer = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
    if (!integer) throw py::error_already_set();
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(integer.ptr(), &overflow);
    if (overflow == 0) return number;
    const unsigned long long large = overflow > 0 ? PyLong_AsUnsignedLongLong(integer.ptr()) : 0;
    if (overflow < 0 || PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      throw InvalidArgument(where + " must be an integer of at most 64 bits, found " + py::repr(value).cast<std::string>());
    }
    return large;
  }
  if (PyFloat_Check(value.ptr()) != 0 || py::hasattr(value, "__float__")) {
    const double number = py::float_(py::reinterpret_borrow<py::object>(value));
    if (!std::isfinite(number)) throw InvalidArgument(where + " must be finite, found " + py::repr(value).cast<std::string>());
    return number;
  }
  if (py::isinstance<py::module_>(value) || py::isinstance<py::function>(value)) {
    throw InvalidArgument(where + " must be a number, text, a list or a dictionary, found " + py::repr(value).cast<std::string>());
  }
  if (py::hasattr(value, "keys")) {
    nlohmann::json out = nlohmann::json::object();
    for (const py::handle& key : py::list(value.attr("keys")())) {
      if (!py::isinstance<py::str>(key)) throw InvalidArgument(where + ": keys must be text, found " + py::repr(key).cast<std::string>());
      const auto name = key.cast<std::string>();
      out[name] = tree_from(value.attr("__getitem__")(key), where.empty() ? name : where + "." + name);
    }
    return out;
  }
  if (py::isinstance<py::sequence>(value) || py::isinstance<py::set>(value)) {
    nlohmann::json out = nlohmann::json::array();
    for (const py::handle& item : value) out.push_back(tree_from(item, where));
    return out;
  }
  throw InvalidArgument(where + " must be a number, text, a list or a dictionary, found " + py::repr(value).cast<std::string>());
}

py::object tree_to_python(const nlohmann::ordered_json& tree) {
  switch (tree.type()) {
    case nlohmann::ordered_json::value_t::boolean: return py::bool_(tree.get<bool>());
    case nlohmann::ordered_json::value_t::number_integer: return py::int_(tree.get<int64_t>());
    case nlohmann::ordered_json::value_t::number_unsigned: return py::int_(tree.get<uint64_t>());
    case nlohmann::ordered_json::value_t::number_float: return py::float_(tree.get<double>());
    case nlohmann::ordered_json::value_t::string: return py::str(tree.get<std::string>());
    case nlohmann::ordered_json::value_t::array: {
      py::list out;
      for (const auto& item : tree) out.append(tree_to_python(item));
      return out;
    }
    case nlohmann::ordered_json::value_t::object: {
      py::dict out;
      for (const auto& [name, value] : tree.items()) out[py::str(name)] = tree_to_python(value);
      return out;
    }
    default: return py::none();
  }
}

}  // namespace secgan::python
