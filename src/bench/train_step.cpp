#include <ATen/ATen.h>

#include <memory>

#include "bench/bench.hpp"
#include "bench/random_faces.hpp"
#include "core/median.hpp"
#include "secgan/core/kept_memory.hpp"
#include "secgan/core/random.hpp"
#include "secgan/training/train.hpp"

namespace secgan {
namespace {

SecganTaskOptions recipe_of(const BenchSettings& settings) {
  SecganTaskOptions recipe;
  if (settings.small) {
    recipe = small_scale_recipe(settings.backbone);
    recipe.discriminator_lead = 0;  // of a run's first steps only
  } else {
    recipe.average_decay = 0;  // the paper has no moving average
    for (GeneratorOptions* generator : {&recipe.photo_generator, &recipe.mask_generator}) generator->choose(settings.backbone);
    for (DiscriminatorOptions* discriminator : {&recipe.photo_discriminator, &recipe.mask_discriminator}) {
      discriminator->choose(settings.backbone);
    }
  }
  recipe.mask_branch = settings.mask_branch;
  recipe.losses.bfloat16 = settings.precision == Precision::kBfloat16;
  recipe.loader.batch = settings.batch;
  return recipe;
}

}  // namespace

BenchResult bench_train_step(const BenchSettings& settings, const BenchProgress& progress) {
  const Device device = find_device(settings.device);
  const SecganTaskOptions recipe = recipe_of(settings);
  const KeptMemory kept;
  Bundle base;
  if (settings.mask_branch) {
    const SeedGuard seeded(1);
    base.parser.emplace(make_parser({.options = {.network = settings.parser}}), FaceParserOptions{});
  }
  const auto faces = std::make_shared<RandomFaces>(settings.batch * 4, settings.image_size, settings.attributes);
  SecganTask task(faces, recipe, std::move(base), {}, {}, device);
  int64_t step = 0;
  const std::vector<double> seconds = timed(settings, device, progress, [&] { task.step(step++, 1); });
  const double middle = median(seconds);
  return {{{"seconds_per_cycle", middle},
           {"images_per_second", static_cast<double>(task.photos_per_step()) / middle},
           {"discriminator_updates", static_cast<double>(recipe.discriminator_updates)},
           {"peak_bytes", peak_memory(device)}},
          seconds};
}

}  // namespace secgan
