#pragma once
/// Training SeCGAN: both branches from batches of photos, sample grids, and the warnings that a GAN trainer wants.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "secgan/bundle/bundle.hpp"
#include "secgan/core/device.hpp"
#include "secgan/core/export.hpp"
#include "secgan/data/loader.hpp"
#include "secgan/models/discriminator.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/training/augmentation.hpp"
#include "secgan/training/average.hpp"
#include "secgan/training/secgan_step.hpp"
#include "secgan/training/synchronized.hpp"
#include "secgan/training/trainer.hpp"

namespace secgan {

/// Defaults are the published AttGAN recipe.
struct SecganTaskOptions {
  GeneratorOptions photo_generator;
  bool attention = false;
  DiscriminatorOptions photo_discriminator;
  bool mask_branch = true;
  GeneratorOptions mask_generator;
  DiscriminatorOptions mask_discriminator;
  SecganStepOptions losses;
  AdamOptions generator_adam;
  AdamOptions discriminator_adam;
  int64_t discriminator_updates = 5;
  int64_t discriminator_lead = 0;
  double single_edits = 0;
  AugmentOptions augment;
  AugmentOptions classifier_augment;
  int64_t reconstruction_ramp = 0;
  double average_decay = 0.999;
  LoaderOptions loader;

  static constexpr auto fields() {
    using O = SecganTaskOptions;
    return std::tuple{
        field<&O::photo_generator>("G of photos"),
        field<&O::attention>("G of photos also says where it edits, and elsewhere the photo stays; a custom G does as it does"),
        field<&O::photo_discriminator>("D of photos"),
        field<&O::mask_branch>("false: the plain conditional GAN, no parser needed"),
        field<&O::mask_generator>("G of masks"),
        field<&O::mask_discriminator>("D of masks"),
        field<&O::losses>("weights and choices of the losses"),
        field<&O::generator_adam>("optimizer of both generators"),
        field<&O::discriminator_adam>("optimizer of both discriminators"),
        field<&O::discriminator_updates>("per generator update, each on a batch of its own", rule::kPositive),
        field<&O::discriminator_lead>("more discriminator updates at the start, spread over the first 25 generator updates, so that the "
                                      "generators meet critics that know something; 0: none",
                                      rule::kNotNegative),
        field<&O::single_edits>(
            "share of targets that differ from the photo's labels in one attribute, each attribute equally often; the others "
            "are the batch's labels permuted",
            rule::kShare),
        field<&O::augment>("of all that the discriminators see, drawn anew for each update, for small data; 0 throughout: none"),
        field<&O::classifier_augment>(
            "of the edits that the frozen classifier judges: what pleases it by a trick of single pixels does so no longer"),
        field<&O::reconstruction_ramp>(
            "generator updates in which both branches' λ_rec rises linearly from 0 to its value; 0: it is constant", rule::kNotNegative),
        field<&O::average_decay>("of the moving average of the generators, which is shown and shipped", rule::kBelowOne),
        field<&O::loader>("batches of the data"),
    };
  }
  /// Factor of both branches' λ_rec at a step, from 0: in (0, 1], (step + 1) / reconstruction_ramp on the way.
  SECGAN_API double reconstruction_factor(int64_t step) const;
  /// How many discriminator updates come before a step's, from 0.
  SECGAN_API int64_t discriminator_updates_before(int64_t step) const;
  /// @throws InvalidArgument for a batch of one.
  SECGAN_API void check() const;
};

/// Custom networks: a function that is given what follows from the data. An empty one: the network that the options name. A generator's is
/// called twice, for the network that is trained and for its moving average; the two must not share tensors.
struct CustomNetworks {
  std::function<Generator(const NetworkSpec&)> photo_generator, mask_generator;
  std::function<Discriminator(const NetworkSpec&)> photo_discriminator, mask_discriminator;
};

class HeldOut;

class SECGAN_API SecganTask final : public TrainingTask {
 public:
  /// @param data    with attributes
  /// @param base    a bundle whose parser (needed with a mask branch), classifier (needed with a weight for it, then frozen) and crop
  ///                go into the result
  /// @param custom  networks in place of those that the options name
  /// @param processes  which share every batch
  /// @param device     to which the networks are moved; their first weights are the same on every device
  SecganTask(const std::shared_ptr<const Dataset>& data, SecganTaskOptions options, Bundle base, const CustomNetworks& custom = {},
             ProcessGroup processes = {}, const Device& device = at::kCPU);
  ~SecganTask() override;
  SecganTask(const SecganTask&) = delete;
  SecganTask& operator=(const SecganTask&) = delete;

  /// Measures the networks on photos that are not trained on, before every log line: `photo/held_out/…`.
  /// @param held_out  with the attributes and the side of the training's; its first photos are kept
  void watch(const Dataset& held_out);

  std::string name() const override { return "secgan"; }
  int64_t photos_per_step() const override { return options_.loader.batch * (options_.discriminator_updates + 1); }
  NamedValues step(int64_t step, double rate) override;
  NamedTensors state() override;
  NamedValues held_out() override;
  at::Tensor samples() override;
  std::vector<std::string> warnings(int64_t step, const NamedValues& means) override;
  NamedTexts identity() const override;
  NamedTexts held_out_identity() const override { return watched_identity_; }
  std::vector<std::string> photos(int64_t step) const override;
  void save_result(const std::filesystem::path& run) override;
  std::string note_on_result() const override;

  /// The averaged generators, parser and classifier as they would be shipped now.
  Bundle bundle() const;

 private:
  using NetworkBranch = Branch<Generator, Discriminator, Synchronized<Adam>>;

  /// This process's share of a batch, with its augmentation, and where its gradient penalty is taken.
  std::pair<GanBatch, at::Tensor> gan_batch(int64_t index);

  Device device_;
  ProcessGroup processes_;
  SecganTaskOptions options_;
  Loader loader_;
  Bundle bundle_;
  std::optional<NetworkBranch> photo_;
  std::optional<NetworkBranch> mask_;
  std::optional<MovingAverage> photo_average_;
  std::optional<MovingAverage> mask_average_;
  std::optional<SecganStep<NetworkBranch, NetworkBranch, FaceParser>> step_;
  std::unique_ptr<HeldOut> held_out_;
  NamedTexts watched_identity_;
  std::optional<double> guess_;  // what always guessing the more frequent label gets right; where the labels are known
};

}  // namespace secgan
