#pragma once
/// Training SeCGAN: both branches from batches of photos, sample grids, and the warnings that a GAN trainer wants.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "secgan/bundle/bundle.hpp"
#include "secgan/data/loader.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/parsing/face_parser.hpp"
#include "secgan/training/average.hpp"
#include "secgan/training/secgan_step.hpp"
#include "secgan/training/trainer.hpp"

namespace secgan {

struct NetworkMakers;

/// Defaults are the published AttGAN recipe.
struct SecganTaskOptions {
  GeneratorOptions photo_generator;
  DiscriminatorOptions photo_discriminator;
  bool mask_branch = true;  ///< false: the plain conditional GAN, no parser needed
  GeneratorOptions mask_generator;
  DiscriminatorOptions mask_discriminator;
  SecganStepOptions losses;
  AdamOptions generator_adam;
  AdamOptions discriminator_adam;
  int64_t discriminator_updates = 5;  ///< per generator update, each on a batch of its own
  double average_decay = 0.999;       ///< of the generators that are shown and shipped
  LoaderOptions loader;

  static void visit(auto& self, auto&& visit) {
    visit("photo_generator", self.photo_generator);
    visit("photo_discriminator", self.photo_discriminator);
    visit("mask_branch", self.mask_branch);
    visit("mask_generator", self.mask_generator);
    visit("mask_discriminator", self.mask_discriminator);
    visit("losses", self.losses);
    visit("generator_adam", self.generator_adam);
    visit("discriminator_adam", self.discriminator_adam);
    visit("discriminator_updates", self.discriminator_updates);
    visit("average_decay", self.average_decay);
    visit("loader", self.loader);
  }
  /// Sets what follows from the data: attribute count, sides, channels, output activations.
  void adapt(const Dataset& data);
  /// @param makers  whose networks' options are not read
  void validate(const NetworkMakers& makers) const;
};

/// Makers of networks of one's own. An empty one: the network that the options name. A generator's maker is called
/// twice, for the network that is trained and for its moving average; the two must not share tensors.
struct NetworkMakers {
  std::function<Generator(const GeneratorOptions&)> photo_generator, mask_generator;
  std::function<Discriminator(const DiscriminatorOptions&)> photo_discriminator, mask_discriminator;
};

class SecganTask final : public TrainingTask {
 public:
  /// @param data    with attributes
  /// @param base    a bundle whose parser (needed with a mask branch) and classifier (optional) go into the result
  /// @param crop    how photos were cropped, kept in the result
  /// @param makers  networks of one's own
  SecganTask(std::shared_ptr<const Dataset> data, SecganTaskOptions options, Bundle base, NetworkMakers makers = {});

  std::string name() const override { return "secgan"; }
  int64_t photos_per_step() const override { return options_.loader.batch * (options_.discriminator_updates + 1); }
  Scalars step(int64_t step, double rate) override;
  NamedTensors state() override;
  at::Tensor samples() override;
  std::vector<std::string> warnings(int64_t step) override;
  void save_result(const std::filesystem::path& run) override;

  /// The averaged generators, parser and classifier as they would be shipped now.
  Bundle bundle() const;

 private:
  using NetworkBranch = Branch<Generator, Discriminator, Adam>;

  GanBatch gan_batch(int64_t index);

  SecganTaskOptions options_;
  NetworkMakers makers_;
  Loader loader_;
  Bundle bundle_;
  std::optional<FaceParser> parser_;
  NetworkBranch photo_;
  std::optional<NetworkBranch> mask_;
  std::optional<MovingAverage> photo_average_;
  std::optional<MovingAverage> mask_average_;
  std::optional<SecganStep<NetworkBranch, NetworkBranch, FaceParser>> step_;

  // Since the last warnings().
  struct Health {
    double edit_distance = 0;
    double real_accuracy = 0;
    int64_t generator_updates = 0;
    int64_t discriminator_updates = 0;
    at::Tensor label_sum;
    int64_t labels = 0;
  } health_;
};

}  // namespace secgan
