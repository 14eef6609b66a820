#include "secgan/training/supervised_task.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/core/random.hpp"
#include "secgan/core/scalars.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/image/labels.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/losses/attribute.hpp"
#include "secgan/metrics/agreement.hpp"
#include "secgan/nn/autocast.hpp"
#include "secgan/nn/state.hpp"
#include "training/identity.hpp"

namespace secgan {
namespace {

constexpr int64_t kUnlabeled = -100;  // at::cross_entropy_loss ignores it

/// Photos and what is known of them, `size` at a time.
void each_part(int64_t size, const at::Tensor& photos, const at::Tensor& known,
               const std::function<void(const at::Tensor& photos, const at::Tensor& known)>& use) {
  const auto parts = photos.split(size), of_parts = known.split(size);
  for (size_t i = 0; i < parts.size(); ++i) use(parts[i], of_parts[i]);
}

}  // namespace

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
  for (const auto& [name, tensor] : module_state(*network_)) best_.emplace_back(name, tensor.clone());
  best_measure_ = at::full({2}, -1, at::kDouble);
}

void SupervisedTask::watch(const Dataset& held_out) {
  watched_identity_ = identity_of_held_out(held_out);
  std::vector<at::Tensor> photos, labels, masks;
  for (int64_t i = 0; i < std::min(kWatched, held_out.size()); ++i) {
    const Sample sample = held_out.get(i);
    photos.push_back(to_float(sample.image));
    if (sample.labels.defined()) labels.push_back(sample.labels);
    if (sample.mask.defined()) masks.push_back(sample.mask);
  }
  Batch& batch = watched_.emplace(Batch{.photo = to_device(at::stack(photos), device_)});
  if (!labels.empty()) batch.labels = at::stack(labels);
  if (!masks.empty()) batch.mask = ClassMerge(held_out.label_set()).ids(at::stack(masks)).to(at::kLong);
}

NamedValues SupervisedTask::held_out() {
  if (!watched_) return {};
  const at::NoGradGuard no_grad;
  const AutocastGuard autocast(options_.bfloat16, device_.type());
  network_->eval();
  NamedValues values = measure(*watched_);
  network_->train();
  measured_ = values.front().first.substr(values.front().first.rfind('/') + 1);
  if (const double now = values.front().second; now > best_measure_[1].item<double>()) {
    best_measure_.copy_(at::tensor({static_cast<double>(steps_), now}, at::kDouble));
    load_tensors(best_, module_state(*network_), "", "the network");
  }
  return values;
}

NamedTensors SupervisedTask::shipped_state() const { return best_measure_[0].item<double>() >= 0 ? best_ : module_state(*network_); }

std::string SupervisedTask::note_on_result() const {
  const auto step = best_measure_[0].item<int64_t>();
  if (step < 0) return {};
  return fmt::format("its weights are those of step {}, the best on photos that are not trained on ({} {:.4f})", step, measured_,
                     best_measure_[1].item<double>());
}

NamedValues SupervisedTask::step(int64_t step, double rate) {
  network_->train();
  Batch batch = loader_.get(step);
  if (options_.augment.any()) {
    const int64_t n = batch.photo.size(0);
    const at::Generator changes =
        seeded_generator(mix_seed(options_.loader.seed, RandomPurpose::kAugmentation, step * processes_.size() + processes_.rank()));
    const Augmentation drawn = draw_augmentation(options_.augment, n, batch.photo.size(2), changes).each([&](const at::Tensor& tensor) {
      return to_device(tensor, device_);
    });
    batch.photo = augmented_photo(batch.photo, drawn).clamp(-1, 1).contiguous(at::MemoryFormat::ChannelsLast);
    if (batch.mask.defined()) batch.mask = moved(batch.mask.unsqueeze(1), drawn, kUnlabeled).squeeze(1);
  }
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
  steps_ = step + 1;
  return values_of(terms);
}

NamedTensors SupervisedTask::state() {
  NamedTensors state = module_state(*network_, "network.");
  adam_->inner().visit_state([&](const std::string& key, at::Tensor& tensor) { state.emplace_back("optimizer." + key, tensor); });
  for (const auto& [name, tensor] : best_) state.emplace_back("best." + name, tensor);
  state.emplace_back("best_measure", best_measure_);
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
  return {{"cross_entropy", total},
          {"pixel_accuracy", heads.front().detach().argmax(1).eq(batch.mask).sum() / batch.mask.ne(kUnlabeled).sum()}};
}

NamedValues ParserTask::measure(const Batch& batch) {
  MaskAgreement agreement(kSecganClasses);
  each_part(training().loader.batch, batch.photo, batch.mask,
            [&](const at::Tensor& photo, const at::Tensor& mask) { agreement.update(parser_->forward(photo).argmax(1).cpu(), mask); });
  return {{"held_out/mean_iou", agreement.mean_iou()}, {"held_out/pixel_accuracy", agreement.pixel_accuracy()}};
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
  load_module_state(*shipped, shipped_state(), "", "the parser");
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
  const at::Tensor logits = classifier_->member_logits(batch.photo), labels = to_device(batch.labels, device());
  return {{"cross_entropy", attribute_cross_entropy(logits, labels.unsqueeze(1).expand_as(logits))},
          {"accuracy", (logits.detach().mean(1) > 0).eq(labels > 0.5).to(at::kFloat).mean()}};
}

NamedValues ClassifierTask::measure(const Batch& batch) {
  const AttributeSchema& attributes = data().attributes();
  LabelAgreement agreement(attributes.size());
  each_part(training().loader.batch, batch.photo, batch.labels, [&](const at::Tensor& photo, const at::Tensor& labels) {
    agreement.update(classifier_->forward(photo).to(at::kCPU, at::kFloat), labels);
  });
  NamedValues values{{"held_out/accuracy", agreement.mean()}};
  const std::vector<double> rates = agreement.rates();
  for (size_t a = 0; a < rates.size(); ++a) values.emplace_back("held_out/accuracy/" + attributes.names()[a], rates[a]);
  return values;
}

Bundle ClassifierTask::bundle() {
  const SeedGuard untouched(0);
  Bundle bundle{.info = info()};
  bundle.info.attributes = data().attributes().names();
  bundle.classifier = make_classifier(classifier_->config());
  load_module_state(*bundle.classifier, shipped_state(), "", "the classifier");
  bundle.classifier->eval();
  return bundle;
}

}  // namespace secgan
