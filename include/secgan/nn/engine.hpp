#pragma once
/// Inference engines: what runs a network that no longer changes.

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"

namespace secgan {

enum class Engine {
  kAuto,      ///< in float32 OpenVINO on the CPU, where it is there and the faster one for the network; LibTorch elsewhere
  kLibtorch,  ///< weights packed once, batch norms and activations inside the convolutions (a fast path)
  kOpenvino,  ///< optional: there where the library was built with it and its libraries are found at run time; CPU
};
inline constexpr std::array<std::pair<std::string_view, Engine>, 3> kEngines{
    {{"auto", Engine::kAuto}, {"libtorch", Engine::kLibtorch}, {"openvino", Engine::kOpenvino}}};
template <>
struct EnumNames<Engine> {
  static constexpr auto& table = kEngines;
  static constexpr std::string_view what = "engine";
};

enum class Precision { kFloat32, kBfloat16 };
inline constexpr std::array<std::pair<std::string_view, Precision>, 2> kPrecisions{
    {{"float32", Precision::kFloat32}, {"bfloat16", Precision::kBfloat16}}};
template <>
struct EnumNames<Precision> {
  static constexpr auto& table = kPrecisions;
  static constexpr std::string_view what = "precision";
};

/// The engines that can run here, with their versions: "libtorch 2.13.0", "openvino 2026.4.1".
SECGAN_API std::vector<std::string> available_engines();

/// The first of them. Loads nothing, where available_engines loads OpenVINO to ask for its version.
SECGAN_API std::string libtorch_engine();

/// An engine by name, "auto" as it is.
/// @throws InvalidArgument that says which there are, for a name that is none or an engine that is not there.
SECGAN_API Engine find_engine(std::string_view name);

/// What a flag of that kind says, and whether the library was built with OpenVINO. Loads nothing.
SECGAN_API std::string engine_help();

/// Tensors [N, …] in, one out; of a network that is compiled.
using TensorsFunction = std::function<at::Tensor(const std::vector<at::Tensor>&)>;

struct CompiledNetwork {
  TensorsFunction run;  ///< for any N; may be called from several threads
  Engine engine = Engine::kLibtorch;
  std::string name;  ///< with its version
};

/// Records what `function`, which computes with the tensors of `module`, does with inputs like `examples`, and builds the engine's program
/// of it. The module must be in evaluation mode, and later changes of its weights may stay unseen. Precision bfloat16 is that of
/// convolutions and matrix products.
/// @param examples  float32 on the CPU, or where the module is for LibTorch; a batch of at least 2
/// @throws InvalidArgument for an engine that is not there (kAuto falls back on LibTorch), or that lacks what the network computes.
SECGAN_API CompiledNetwork compile_network(Engine engine, torch::nn::Module& module, const TensorsFunction& function,
                                           const std::vector<at::Tensor>& examples, Precision precision = Precision::kFloat32);

}  // namespace secgan
