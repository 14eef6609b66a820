#pragma once
/// What a library with an engine in it, found at run time, offers to libsecgan.

#include <memory>
#include <string>

#include "secgan/nn/engine.hpp"

namespace torch::jit {
struct Graph;
}

namespace secgan::detail {

struct EnginePlugin {
  std::string version;
  /// @throws InvalidArgument naming an operation that the engine lacks
  TensorsFunction (*compile)(torch::jit::Graph& graph, Precision precision, int threads);
};

/// The name of the function that gives it, `const EnginePlugin* (*)()`.
inline constexpr const char* kPluginEntry = "secgan_engine_plugin";

}  // namespace secgan::detail
