#include <ATen/ATen.h>

#include "bench/bench.hpp"
#include "core/median.hpp"
#include "nn/inputs.hpp"
#include "secgan/bundle/bundle.hpp"
#include "secgan/core/random.hpp"
#include "secgan/core/threads.hpp"
#include "secgan/nn/engine.hpp"
#include "secgan/nn/state.hpp"

namespace secgan {
namespace {

Generator generator_of(const BenchSettings& settings) {
  if (!settings.model.empty()) return load_bundle_with(BundlePart::kGenerator, settings.model, "model").generator;
  const SeedGuard seeded(1);
  GeneratorOptions options;
  options.choose(settings.backbone);
  return make_generator({settings.attributes, settings.image_size, 3, OutputActivation::kTanh}, options);
}

}  // namespace

BenchResult bench_edit(const BenchSettings& settings, const BenchProgress& progress) {
  const at::NoGradGuard no_grad;
  const Device device = find_device(settings.device);
  Generator generator = generator_of(settings);
  generator->to(device);
  generator->eval();
  to_channels_last(*generator);
  const NetworkSpec& spec = generator->spec();
  const at::Tensor photos = at::rand({settings.batch, 3, spec.image_size, spec.image_size}, seeded_generator(2))
                                .mul_(2)
                                .sub_(1)
                                .contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor input = to_network(photos, *generator);
  const at::Tensor difference = to_network(at::ones({settings.batch, spec.attributes}), *generator);
  const ThreadGuard threads(settings.threads);  // an engine's are fixed as it compiles
  const auto two = [](const at::Tensor& tensor) { return tensor.slice(0, 0, 1).repeat_interleave(2, 0); };
  const CompiledNetwork network = compile_network(
      settings.engine, *generator, [&](const std::vector<at::Tensor>& inputs) { return generator->forward(inputs[0], inputs[1]); },
      {two(input), two(difference)}, settings.precision);
  const std::vector<double> seconds = timed(settings, device, progress, [&] { network.run({input, difference}); });
  const double middle = median(seconds);
  return {{{"milliseconds_per_edit", 1000 * middle / static_cast<double>(settings.batch)},
           {"images_per_second", static_cast<double>(settings.batch) / middle},
           {"peak_bytes", peak_memory(device)}},
          seconds,
          network.name};
}

}  // namespace secgan
