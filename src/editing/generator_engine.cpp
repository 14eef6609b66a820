#include "editing/generator_engine.hpp"

#include <ATen/ATen.h>

#include "secgan/core/error.hpp"
#include "secgan/core/fast_paths.hpp"
#include "secgan/nn/autocast.hpp"

namespace secgan {
namespace {

/// Compiling takes as long as some edits by the plain modules: it pays from here on.
constexpr int64_t kPhotosBeforeCompiling = 8;

/// Another one after weights were changed in place, or replaced.
uint64_t stamp_of(const torch::nn::Module& module) {
  uint64_t stamp = 0;
  const auto add = [&](const at::Tensor& tensor) {
    stamp = stamp * 1000003 + static_cast<uint64_t>(tensor.is_inference() ? 0 : tensor._version());
    stamp = stamp * 1000003 + reinterpret_cast<uintptr_t>(tensor.const_data_ptr());
  };
  for (const at::Tensor& tensor : module.parameters()) add(tensor);
  for (const at::Tensor& tensor : module.buffers()) add(tensor);
  return stamp;
}

/// Both pictures of one encoding, in one batch of twice the size.
at::Tensor edit_and_rebuild(GeneratorImpl& generator, const std::vector<at::Tensor>& inputs) {
  std::vector<at::Tensor> features = generator.encode(inputs[0]);
  for (at::Tensor& feature : features) feature = at::cat({feature, feature});
  return generator.decode(features, at::cat({inputs[1], inputs[2]}));
}

}  // namespace

std::shared_ptr<const GeneratorEngine::Built> GeneratorEngine::compiled(Generator& generator, const at::Tensor& image,
                                                                        const at::Tensor& attributes, bool rebuild) {
  const bool asked = engine_ == Engine::kOpenvino;
  if (asked && generator->custom()) throw InvalidArgument("engine 'openvino' takes no custom network: libtorch and auto do");
  if (asked && image.scalar_type() != at::kFloat) throw InvalidArgument("engine 'openvino' takes networks of float32 weights");
  const std::lock_guard lock(mutex_);
  const int64_t before = photos_;
  photos_ += image.size(0);
  if (!asked) {
    const bool pays = before >= kPhotosBeforeCompiling || image.size(0) >= kPhotosBeforeCompiling;
    const bool worth = compiling_ == Compiling::kAtOnce || (compiling_ == Compiling::kWhenItPays && pays);
    const bool able = !generator->custom() && !generator->is_training() && image.is_cpu() && image.scalar_type() == at::kFloat;
    if (!worth || !able || !fast_paths()) {
      ran_ = libtorch_engine();
      return nullptr;
    }
  }
  const uint64_t stamp = stamp_of(*generator);
  std::shared_ptr<const Built>& built = built_[rebuild];
  if (!built || built->stamp != stamp) {
    const auto network = generator.ptr();
    const TensorsFunction function = [network, rebuild](const std::vector<at::Tensor>& inputs) {
      return rebuild ? edit_and_rebuild(*network, inputs) : network->forward(inputs[0], inputs[1]);
    };
    const auto two = [](const at::Tensor& tensor) { return at::cat({tensor.slice(0, 0, 1), tensor.slice(0, 0, 1)}); };
    std::vector<at::Tensor> examples{two(image), two(attributes)};
    if (rebuild) examples.push_back(two(attributes));
    built = std::make_shared<const Built>(Built{stamp, compile_network(engine_, *generator, function, examples, precision_)});
  }
  ran_ = built->network.name;
  return built;
}

GeneratorEngine::Pictures GeneratorEngine::run(Generator& generator, const at::Tensor& image, const at::Tensor& attributes,
                                               const at::Tensor& nothing) {
  const bool rebuild = nothing.defined();
  if (const auto built = compiled(generator, image, attributes, rebuild)) {
    if (!rebuild) return {built->network.run({image, attributes}), {}};
    const std::vector<at::Tensor> both = built->network.run({image, attributes, nothing}).chunk(2);
    return {both[0], both[1]};
  }
  const AutocastGuard autocast(precision_ == Precision::kBfloat16, image.device().type());
  const std::vector<at::Tensor> features = generator->encode(image);
  const auto generate = [&](const at::Tensor& wanted) { return generator->decode(features, wanted).to(at::kCPU, at::kFloat); };
  return {generate(attributes), rebuild ? generate(nothing) : at::Tensor()};
}

std::string GeneratorEngine::name() const {
  const std::lock_guard lock(mutex_);
  if (!ran_.empty()) return ran_;
  return engine_ == Engine::kOpenvino ? available_engines().back() : libtorch_engine();
}

}  // namespace secgan
