#include "secgan/training/supervised_task.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <utility>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/random.hpp"
#include "secgan/core/scalars.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/image/labels.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/losses/attribute.hpp"
#include "secgan/nn/autocast.hpp"
#include "secgan/nn/state.hpp"
#include "training/identity.hpp"

namespace secgan {

SupervisedTask::SupervisedTask(std::shared_ptr<const Dataset> data, SupervisedOptions options, BundleInfo photos, ProcessGroup processes,
                               const Device& device)
    : device_(device),
      processes_(std::move(processes)),
      options_(checked(options)),
      loader_(std::move(data), options.loader, {processes_.rank(), processes_.size()}, device),
      photos_(std::move(photos)) {
  photos_.image_size = this->data().image_size();
}

void SupervisedTask::optimize(std::shared_ptr<torch::nn::Module> network) {
  network_ = std::move(network);
  network_->to(device_);
  to_channels_last(*network_);
  adam_.emplace(Adam(network_->parameters(), options_.adam), processes_);
}

NamedValues SupervisedTask::step(int64_t step, double rate) {
  network_->train();
  const Batch batch = loader_.get(step);
  NamedTensors terms;
  {
    const AutocastGuard autocast(options_.bfloat16, device_.type());
    terms = losses(batch);
  }
  adam_->inner().set_learning_rate(rate * options_.adam.learning_rate);
  adam_->zero_grad();
  torch::autograd::backward({terms.front().second});
  adam_->step();
  average_statistics(processes_, {network_.get()});
  return values_of(terms);
}

NamedTensors SupervisedTask::state() {
  NamedTensors state = module_state(*network_, "network.");
  adam_->inner().visit_state([&](const std::string& key, at::Tensor& tensor) { state.emplace_back("optimizer." + key, tensor); });
  return state;
}

NamedTexts SupervisedTask::identity() const { return identity_of(data()); }

void SupervisedTask::save_result(const std::filesystem::path& run) { save_bundle(run / "bundle", bundle()); }

ParserTask::ParserTask(const std::shared_ptr<const Dataset>& data, ParserTaskOptions options, BundleInfo photos, ProcessGroup processes,
                       const Device& device)
    : SupervisedTask(data, options.training, std::move(photos), std::move(processes), device) {
  if (!data->has_masks()) throw InvalidArgument("training a parser needs masks, the data set has none");
  const SeedGuard seeded(options.training.loader.seed);
  parser_ = make_parser({options.parser, kSecganClasses});
  if (data->image_size() % parser_->side_multiple() != 0) {
    throw InvalidArgument(fmt::format("image_size {} is not a multiple of {}", data->image_size(), parser_->side_multiple()));
  }
  optimize(parser_.ptr());
}

NamedTensors ParserTask::losses(const Batch& batch) {
  const std::vector<at::Tensor> heads = parser_->heads(batch.photo);
  at::Tensor total;
  for (const at::Tensor& logits : heads) {
    const at::Tensor loss = at::cross_entropy_loss(logits, batch.mask);
    total = total.defined() ? total + loss : loss;
  }
  return {{"cross_entropy", total}, {"pixel_accuracy", heads.front().detach().argmax(1).eq(batch.mask).to(at::kFloat).mean()}};
}

at::Tensor ParserTask::samples() {
  at::NoGradGuard no_grad;
  parser_->eval();
  std::vector<std::vector<at::Tensor>> rows(3);
  for (int64_t i = 0; i < std::min<int64_t>(8, data().size()); ++i) {
    const Sample sample = data().get(i);
    const at::Tensor photo = to_device(to_float(sample.image).unsqueeze(0), device());
    const at::Tensor ids = parser_->forward(photo)[0].argmax(0).to(at::kCPU, at::kByte);
    rows[0].push_back(sample.image);
    rows[1].push_back(colorize(ClassMerge(data().label_set()).ids(sample.mask), Labels::kSecgan12));
    rows[2].push_back(colorize(ids, Labels::kSecgan12));
  }
  return labeled_grid(rows, {}, {"photo", "truth", "parse"});
}

Bundle ParserTask::bundle() {
  // A frozen copy: training may go on.
  const SeedGuard untouched(0);
  Parser shipped = make_parser(parser_->config());
  copy_module_state(*parser_, *shipped);
  Bundle bundle{.info = info()};
  bundle.parser.emplace(shipped, FaceParserOptions{.labels = Labels::kSecgan12, .normalization = PhotoNormalization::kNone});
  return bundle;
}

ClassifierTask::ClassifierTask(const std::shared_ptr<const Dataset>& data, ClassifierTaskOptions options, BundleInfo photos,
                               ProcessGroup processes, const Device& device)
    : SupervisedTask(data, options.training, std::move(photos), std::move(processes), device) {
  if (data->attributes().size() == 0) throw InvalidArgument("training a classifier needs attributes, the data set has none");
  const SeedGuard seeded(options.training.loader.seed);
  classifier_ = make_classifier({data->attributes().size(), data->image_size(), options.classifier});
  optimize(classifier_.ptr());
}

NamedTensors ClassifierTask::losses(const Batch& batch) {
  const at::Tensor logits = classifier_->forward(batch.photo);
  return {{"cross_entropy", attribute_cross_entropy(logits, batch.labels)},
          {"accuracy", (logits.detach() > 0).eq(batch.labels > 0.5).to(at::kFloat).mean()}};
}

Bundle ClassifierTask::bundle() {
  classifier_->eval();
  Bundle bundle{.info = info()};
  bundle.info.attributes = data().attributes().names();
  bundle.classifier = classifier_;
  return bundle;
}

}  // namespace secgan
