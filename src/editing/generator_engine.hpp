#pragma once
/// A bundle's generator, run by the engine that an editor was given.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "secgan/editing/editor.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/nn/engine.hpp"

namespace secgan {

/// May be called from several threads.
class GeneratorEngine {
 public:
  explicit GeneratorEngine(const EditorOptions& options)
      : engine_(options.engine), precision_(options.precision), compiling_(options.compiling) {}

  struct Pictures {
    at::Tensor edit;
    at::Tensor rebuilt;  ///< where it was asked for
  };
  /// Pictures [N, C, S, S], float32 on the CPU.
  /// @param image [N, C, S, S] and attributes [N, A], of the network's type and device   @param nothing  what the generator takes for no
  /// edit; undefined: nothing is rebuilt
  Pictures run(Generator& generator, const at::Tensor& image, const at::Tensor& attributes, const at::Tensor& nothing);

  /// What ran last, or is to run.
  std::string name() const;

 private:
  struct Built {
    uint64_t stamp;  ///< of the weights
    CompiledNetwork network;
  };
  /// Null where the plain modules run.
  std::shared_ptr<const Built> compiled(Generator& generator, const at::Tensor& image, const at::Tensor& attributes, bool rebuild);

  Engine engine_;
  Precision precision_;
  Compiling compiling_;
  mutable std::mutex mutex_;
  int64_t photos_ = 0;
  std::map<bool, std::shared_ptr<const Built>> built_;  ///< by whether it rebuilds, too
  std::string ran_;                                     ///< last; empty: nothing yet
};

}  // namespace secgan
