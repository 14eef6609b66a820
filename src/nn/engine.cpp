#include "secgan/nn/engine.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/version.h>

#include "core/format.hpp"
#include "nn/engine_plugin.hpp"
#include "nn/recorded.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/fast_paths.hpp"
#include "secgan/core/names.hpp"
#include "secgan/nn/autocast.hpp"

namespace secgan {
namespace {

struct Loaded {
  const detail::EnginePlugin* plugin = nullptr;
  std::string reason;  ///< why there is none
};

/// OpenVINO's libraries are looked for when they are first asked for: a process that needs none loads none.
const Loaded& openvino() {
  static const Loaded loaded = []() -> Loaded {
#ifdef SECGAN_OPENVINO
    void* const library = ::dlopen("libsecgan_openvino.so", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return {nullptr, ::dlerror()};  // NOLINT(concurrency-mt-unsafe): of this thread
    void* const entry = ::dlsym(library, detail::kPluginEntry);
    if (entry == nullptr) return {nullptr, "libsecgan_openvino.so is another version's"};
    return {reinterpret_cast<const detail::EnginePlugin* (*)()>(entry)(), ""};
#else
    return {nullptr, "the library was built without it"};
#endif
  }();
  return loaded;
}

std::string openvino_name() { return "openvino " + openvino().plugin->version; }

[[noreturn]] void refuse_openvino(std::string_view why) {
  throw InvalidArgument(fmt::format("engine 'openvino' is not there: {}; there is {}", why, fmt::join(available_engines(), ", ")));
}

/// The plain composition, in the module's own code.
TensorsFunction plain(const TensorsFunction& function, Precision precision, at::DeviceType device) {
  return [=](const std::vector<at::Tensor>& inputs) {
    const at::NoGradGuard no_grad;
    const AutocastGuard autocast(precision == Precision::kBfloat16, device);
    return function(inputs).to(at::kFloat);
  };
}

}  // namespace

std::string libtorch_engine() { return "libtorch " TORCH_VERSION; }

std::vector<std::string> available_engines() {
  std::vector<std::string> out{libtorch_engine()};
  if (openvino().plugin != nullptr) out.push_back(openvino_name());
  return out;
}

Engine find_engine(std::string_view name) {
  const Engine engine = parse_name(kEngines, name, "engine");
  if (engine == Engine::kOpenvino && openvino().plugin == nullptr) refuse_openvino(openvino().reason);
  return engine;
}

std::string engine_help() {
#ifdef SECGAN_OPENVINO
  const std::string_view built = "built with";
#else
  const std::string_view built = "built without";
#endif
  return fmt::format("what runs the generator: libtorch, openvino ({} it), or auto, which is the faster one of them from some photos on",
                     built);
}

CompiledNetwork compile_network(Engine engine, torch::nn::Module& module, const TensorsFunction& function,
                                const std::vector<at::Tensor>& examples, Precision precision) {
  const bool on_cpu = examples.front().is_cpu();
  const auto* const plugin = engine == Engine::kLibtorch ? nullptr : openvino().plugin;
  if (engine == Engine::kOpenvino && plugin == nullptr) refuse_openvino(openvino().reason);
  if (engine == Engine::kOpenvino && !on_cpu) {
    throw InvalidArgument(fmt::format("engine 'openvino' runs on the device cpu, found {}", examples.front().device().str()));
  }
  const CompiledNetwork as_it_is{plain(function, precision, examples.front().device().type()), Engine::kLibtorch, libtorch_engine()};
  const bool pack_it = on_cpu && fast_paths() && at::globalContext().userEnabledMkldnn() && at::hasMKLDNN();
  // In bfloat16 LibTorch's packed convolutions are the faster ones (docs/performance.md).
  const bool preferred = engine == Engine::kAuto && precision == Precision::kFloat32;
  const bool with_openvino = engine == Engine::kOpenvino || (preferred && plugin != nullptr && on_cpu && fast_paths());
  if (!with_openvino && !pack_it) return as_it_is;
  const auto graph = record(module, function, examples);
  // Of the networks that were measured those with products are faster so, the others by OpenVINO (docs/performance.md).
  const bool products = pack_it && engine == Engine::kAuto && has_map_products(*graph);
  if (with_openvino && !products) {
    try {
      return {plugin->compile(*graph, precision, at::get_num_threads()), Engine::kOpenvino, openvino_name()};
    } catch (const InvalidArgument&) {
      if (engine == Engine::kOpenvino) throw;  // named: not exchanged for another in silence
    }
  }
  if (!pack_it) return as_it_is;
  return {pack(graph, precision), Engine::kLibtorch, libtorch_engine() + " packed"};
}

}  // namespace secgan
