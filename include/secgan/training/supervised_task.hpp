#pragma once
/// Training the two helpers of SeCGAN on labeled photos: the face parser and the attribute classifier.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "secgan/bundle/bundle.hpp"
#include "secgan/core/device.hpp"
#include "secgan/core/export.hpp"
#include "secgan/core/named_tensors.hpp"
#include "secgan/data/loader.hpp"
#include "secgan/training/adam.hpp"
#include "secgan/training/augmentation.hpp"
#include "secgan/training/synchronized.hpp"
#include "secgan/training/trainer.hpp"

namespace secgan {

struct SupervisedOptions {
  AdamOptions adam{.learning_rate = 3e-3, .beta1 = 0.9};
  bool bfloat16 = false;
  LoaderOptions loader;
  AugmentOptions augment;

  static constexpr auto fields() {
    using O = SupervisedOptions;
    return std::tuple{
        field<&O::adam>("the optimizer"),
        field<&O::bfloat16>("the network under bfloat16 autocast, the loss in float32"),
        field<&O::loader>("batches of the data"),
        field<&O::augment>("of photos and their masks, drawn anew for each step, for small data; 0 throughout: none"),
    };
  }
};

/// One network, one loss, one optimizer: what the two trainings share. Where photos are watched that are not trained on, what is shipped
/// are the weights that were measured best on them, else the last ones.
class SECGAN_API SupervisedTask : public TrainingTask {
 public:
  int64_t photos_per_step() const override { return loader_.options().batch; }
  NamedValues step(int64_t step, double rate) override;
  NamedTensors state() override;
  /// Measures on the first of `held_out`, which has what the task is trained on, before log lines.
  void watch(const Dataset& held_out);
  /// What was watched, measured; keeps the weights where the first value is the best so far.
  NamedValues held_out() override;
  std::string note_on_result() const override;
  std::vector<std::string> warnings(int64_t, const NamedValues&) override { return {}; }
  NamedTexts identity() const override;
  NamedTexts held_out_identity() const override { return watched_identity_; }
  std::vector<std::string> photos(int64_t step) const override { return loader_.names(step); }
  void save_result(const std::filesystem::path& run) override;

  /// A copy of the network as it would be shipped now, in evaluation mode.
  virtual Bundle bundle() = 0;

  static constexpr int64_t kWatched = 256;  ///< photos, at most

 protected:
  SupervisedTask(std::shared_ptr<const Dataset> data, SupervisedOptions options, BundleInfo photos, ProcessGroup processes,
                 const Device& device);

  /// Called once by the constructor of the derived task.
  void optimize(std::shared_ptr<torch::nn::Module> network);
  /// Values of one batch, means over its samples; the first is the scalar to minimize.
  virtual NamedTensors losses(const Batch& batch) = 0;
  /// Values by name of the network in evaluation mode, without gradients; of the first, more is better.
  virtual NamedValues measure(const Batch& batch) = 0;
  /// The weights to ship, by the names of the network's state.
  NamedTensors shipped_state() const;

  const Dataset& data() const { return loader_.dataset(); }
  const SupervisedOptions& training() const { return options_; }
  const Device& device() const { return device_; }
  /// What a bundle of the network says of photos.
  const BundleInfo& info() const { return photos_; }

 private:
  Device device_;
  ProcessGroup processes_;
  SupervisedOptions options_;
  Loader loader_;
  std::shared_ptr<torch::nn::Module> network_;
  std::optional<Synchronized<Adam>> adam_;
  BundleInfo photos_;
  std::optional<Batch> watched_;
  NamedTexts watched_identity_;
  NamedTensors best_;
  at::Tensor best_measure_;  // [2] float64: after so many steps, so good; negative before the first measurement
  int64_t steps_ = 0;
  std::string measured_ = "measured";  ///< what best_measure_ is
};

struct ParserTaskOptions {
  ParserOptions parser;
  SupervisedOptions training;

  static constexpr auto fields() {
    using O = ParserTaskOptions;
    return std::tuple{
        field<&O::parser>("the network; its classes are the twelve"),
        field<&O::training>("how it is trained"),
    };
  }
};

/// Cross-entropy per pixel against the masks, merged to the twelve classes; every head counts the same.
class SECGAN_API ParserTask final : public SupervisedTask {
 public:
  /// @throws InvalidArgument when the data set has no masks.
  /// @param photos  what its bundle says of them: crop, photo_size, trained_on, license
  ParserTask(const std::shared_ptr<const Dataset>& data, ParserTaskOptions options, BundleInfo photos, ProcessGroup processes = {},
             const Device& device = at::kCPU);
  ParserTask(const std::shared_ptr<const Dataset>& data, const ParserTaskOptions& options, std::string crop)
      : ParserTask(data, options, BundleInfo{.crop = std::move(crop)}) {}
  std::string name() const override { return "parser"; }
  /// Photo, truth, parse, a row each.
  at::Tensor samples() override;
  Bundle bundle() override;

 private:
  NamedTensors losses(const Batch& batch) override;
  /// "held_out/mean_iou", over the classes that occur, and "held_out/pixel_accuracy".
  NamedValues measure(const Batch& batch) override;

  Parser parser_{nullptr};
};

struct ClassifierTaskOptions {
  ClassifierOptions classifier;
  SupervisedOptions training;

  static constexpr auto fields() {
    using O = ClassifierTaskOptions;
    return std::tuple{
        field<&O::classifier>("the network"),
        field<&O::training>("how it is trained"),
    };
  }
};

/// Binary cross-entropy per attribute, of each of the classifier's members for itself.
class SECGAN_API ClassifierTask final : public SupervisedTask {
 public:
  /// @throws InvalidArgument when the data set has no attributes.
  /// @param photos  what its bundle says of them: crop, photo_size, trained_on, license
  ClassifierTask(const std::shared_ptr<const Dataset>& data, ClassifierTaskOptions options, BundleInfo photos, ProcessGroup processes = {},
                 const Device& device = at::kCPU);
  ClassifierTask(const std::shared_ptr<const Dataset>& data, const ClassifierTaskOptions& options, std::string crop)
      : ClassifierTask(data, options, BundleInfo{.crop = std::move(crop)}) {}
  std::string name() const override { return "classifier"; }
  at::Tensor samples() override { return {}; }
  Bundle bundle() override;

 private:
  NamedTensors losses(const Batch& batch) override;
  /// "held_out/accuracy", the mean over the attributes, and "held_out/accuracy/NAME".
  NamedValues measure(const Batch& batch) override;

  AttributeClassifier classifier_{nullptr};
};

}  // namespace secgan
