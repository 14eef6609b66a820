#pragma once
/// Training the two helpers of SeCGAN on labeled photos: the face parser and the attribute classifier.

#include <memory>
#include <optional>
#include <string>

#include "secgan/bundle/bundle.hpp"
#include "secgan/data/loader.hpp"
#include "secgan/training/adam.hpp"
#include "secgan/training/trainer.hpp"

namespace secgan {

struct SupervisedOptions {
  AdamOptions adam{.learning_rate = 3e-3, .beta1 = 0.9};
  bool bfloat16 = false;  ///< the network under bfloat16 autocast, the loss in float32
  LoaderOptions loader;

  static void visit(auto& self, auto&& visit) {
    visit("adam", self.adam);
    visit("bfloat16", self.bfloat16);
    visit("loader", self.loader);
  }
};

/// One network, one loss, one optimizer: what the two trainings share.
class SupervisedTask : public TrainingTask {
 public:
  int64_t photos_per_step() const override { return options_.loader.batch; }
  Scalars step(int64_t step, double rate) override;
  NamedTensors state() override;
  std::vector<std::string> warnings(int64_t) override { return {}; }
  void save_result(const std::filesystem::path& run) override;

  /// The network as it would be shipped now, in evaluation mode.
  Bundle bundle() const;

 protected:
  SupervisedTask(std::shared_ptr<const Dataset> data, SupervisedOptions options, std::string crop);

  /// Called once by the constructor of the derived task, which owns the network through its bundle.
  void optimize(std::shared_ptr<torch::nn::Module> network);
  /// Figures of one batch; the first is the scalar to minimize.
  virtual std::vector<std::pair<std::string, at::Tensor>> losses(const Batch& batch) = 0;

  const Dataset& data() const { return loader_.dataset(); }
  Bundle bundle_;

 private:
  SupervisedOptions options_;
  Loader loader_;
  std::shared_ptr<torch::nn::Module> network_;
  std::optional<Adam> adam_;
};

struct ParserTaskOptions {
  ParserOptions parser{.classes = kSecganClasses};
  SupervisedOptions training;

  static void visit(auto& self, auto&& visit) {
    visit("parser", self.parser);
    visit("training", self.training);
  }
};

/// Cross-entropy per pixel against the masks, merged to the twelve classes; every head counts the same.
class ParserTask final : public SupervisedTask {
 public:
  /// @throws InvalidArgument when the data set has no masks.
  ParserTask(std::shared_ptr<const Dataset> data, ParserTaskOptions options, std::string crop);
  std::string name() const override { return "parser"; }
  /// Photo, truth, parse, a row each.
  at::Tensor samples() override;

 private:
  std::vector<std::pair<std::string, at::Tensor>> losses(const Batch& batch) override;
};

struct ClassifierTaskOptions {
  ClassifierOptions classifier;
  SupervisedOptions training;

  static void visit(auto& self, auto&& visit) {
    visit("classifier", self.classifier);
    visit("training", self.training);
  }
};

/// Binary cross-entropy per attribute.
class ClassifierTask final : public SupervisedTask {
 public:
  /// @throws InvalidArgument when the data set has no attributes.
  ClassifierTask(std::shared_ptr<const Dataset> data, ClassifierTaskOptions options, std::string crop);
  std::string name() const override { return "classifier"; }
  at::Tensor samples() override { return {}; }

 private:
  std::vector<std::pair<std::string, at::Tensor>> losses(const Batch& batch) override;
};

}  // namespace secgan
