#include "secgan/training/supervised_task.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/utils.h>

#include <algorithm>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/losses/attribute.hpp"
#include "secgan/nn/autocast.hpp"

namespace secgan {

SupervisedTask::SupervisedTask(std::shared_ptr<const Dataset> data, SupervisedOptions options, std::string crop)
    : options_(options), loader_(data, options.loader) {
  torch::manual_seed(options_.loader.seed);
  bundle_.info.image_size = data->image_size();
  bundle_.info.crop = std::move(crop);
}

void SupervisedTask::optimize(std::shared_ptr<torch::nn::Module> network) {
  network_ = std::move(network);
  to_channels_last(*network_);
  adam_.emplace(network_->parameters(), options_.adam);
}

Scalars SupervisedTask::step(int64_t step, double rate) {
  network_->train();
  const Batch batch = loader_.get(step);
  std::vector<std::pair<std::string, at::Tensor>> figures;
  {
    const AutocastGuard autocast(options_.bfloat16);
    figures = losses(batch);
  }
  adam_->set_learning_rate(rate * options_.adam.learning_rate);
  adam_->zero_grad();
  torch::autograd::backward({figures.front().second});
  adam_->step();
  Scalars scalars;
  for (const auto& [name, value] : figures) scalars.emplace_back(name, value.item<double>());
  return scalars;
}

NamedTensors SupervisedTask::state() {
  NamedTensors state = module_state(*network_, "network.");
  adam_->visit_state([&](const std::string& key, at::Tensor& tensor) { state.emplace_back("optimizer." + key, tensor); });
  return state;
}

Bundle SupervisedTask::bundle() const {
  network_->eval();
  return bundle_;
}

void SupervisedTask::save_result(const std::filesystem::path& run) { save_bundle(run / "bundle", bundle()); }

ParserTask::ParserTask(std::shared_ptr<const Dataset> data, ParserTaskOptions options, std::string crop)
    : SupervisedTask(data, options.training, std::move(crop)) {
  if (!data->has_masks()) throw InvalidArgument("training a parser needs masks, the data set has none");
  options.parser.classes = kSecganClasses;
  bundle_.parser = make_parser(options.parser);
  if (data->image_size() % bundle_.parser->side_multiple() != 0) {
    throw InvalidArgument(fmt::format("image_size {} is not a multiple of {}", data->image_size(), bundle_.parser->side_multiple()));
  }
  optimize(bundle_.parser.ptr());
}

std::vector<std::pair<std::string, at::Tensor>> ParserTask::losses(const Batch& batch) {
  const std::vector<at::Tensor> heads = bundle_.parser->heads(batch.photo);
  at::Tensor total;
  for (const at::Tensor& logits : heads) {
    const at::Tensor loss = at::cross_entropy_loss(logits, batch.mask);
    total = total.defined() ? total + loss : loss;
  }
  return {{"cross_entropy", total}, {"pixel_accuracy", heads.front().detach().argmax(1).eq(batch.mask).to(at::kFloat).mean()}};
}

at::Tensor ParserTask::samples() {
  const FaceParser parser = bundle().face_parser();
  // face_parser() freezes; training goes on afterwards.
  for (at::Tensor& parameter : bundle_.parser->parameters()) parameter.requires_grad_(true);
  std::vector<std::vector<at::Tensor>> rows(3);
  for (int64_t i = 0; i < std::min<int64_t>(8, data().size()); ++i) {
    const Sample sample = data().get(i);
    const at::Tensor ids = parser.ids(to_float(sample.image).unsqueeze(0))[0];
    rows[0].push_back(sample.image);
    rows[1].push_back(colorize(ClassMerge(data().label_set()).ids(sample.mask), Labels::kSecgan12));
    rows[2].push_back(colorize(ids, Labels::kSecgan12));
  }
  return image_grid(rows);
}

ClassifierTask::ClassifierTask(std::shared_ptr<const Dataset> data, ClassifierTaskOptions options, std::string crop)
    : SupervisedTask(data, options.training, std::move(crop)) {
  if (data->attributes().size() == 0) throw InvalidArgument("training a classifier needs attributes, the data set has none");
  options.classifier.attributes = data->attributes().size();
  options.classifier.image_size = data->image_size();
  bundle_.info.attributes = data->attributes().names();
  bundle_.classifier = make_classifier(options.classifier);
  optimize(bundle_.classifier.ptr());
}

std::vector<std::pair<std::string, at::Tensor>> ClassifierTask::losses(const Batch& batch) {
  const at::Tensor logits = bundle_.classifier->forward(batch.photo);
  return {{"cross_entropy", attribute_cross_entropy(logits, batch.labels)},
          {"accuracy", (logits.detach() > 0).eq(batch.labels > 0.5).to(at::kFloat).mean()}};
}

}  // namespace secgan
