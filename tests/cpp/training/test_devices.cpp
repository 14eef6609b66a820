// What is computed on a GPU where there is one, and on a stand-in for one that mixes no devices either; on the device meta, that a step
// reads no value.

#include <torch/library.h>
#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <sstream>

#include "random_bundle.hpp"
#include "secgan/core/device.hpp"
#include "secgan/core/scalars.hpp"
#include "secgan/data/loader.hpp"
#include "secgan/editing/editor.hpp"
#include "secgan/editing/preview.hpp"
#include "secgan/evaluation/evaluate.hpp"
#include "secgan/nn/state.hpp"
#include "secgan/training/average.hpp"
#include "secgan/training/secgan_step.hpp"
#include "secgan/training/semantic_branch.hpp"
#include "secgan/training/train.hpp"
#include "stand_in_device.hpp"
#include "temporary_folder.hpp"
#include "training/small_branch.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

// LibTorch knows shapes on the device meta but for these, whose C++ kernels are per device. They say what a backend says that brings its
// own.
at::Tensor convolution(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>&, c10::SymIntArrayRef stride,
                       c10::SymIntArrayRef padding, c10::SymIntArrayRef dilation, bool transposed, c10::SymIntArrayRef output_padding,
                       c10::SymInt groups) {
  std::vector<c10::SymInt> shape{input.sym_size(0), transposed ? weight.sym_size(1) * groups : weight.sym_size(0)};
  for (size_t i = 0; i < stride.size(); ++i) {
    const auto d = static_cast<int64_t>(i) + 2;
    const c10::SymInt reach = dilation[i] * (weight.sym_size(d) - 1);
    shape.push_back(transposed ? (input.sym_size(d) - 1) * stride[i] - padding[i] * 2 + reach + output_padding[i] + 1
                               : (input.sym_size(d) + padding[i] * 2 - reach - 1) / stride[i] + 1);
  }
  return at::empty_symint(shape, input.options());
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> convolution_backward(const at::Tensor& gradient, const at::Tensor& input,
                                                                    const at::Tensor& weight, c10::SymIntArrayRef, c10::SymIntArrayRef,
                                                                    c10::SymIntArrayRef, bool transposed, c10::SymIntArrayRef, c10::SymInt,
                                                                    std::array<bool, 3> wanted) {
  const auto if_wanted = [&](bool is, at::SymIntArrayRef shape) { return is ? at::empty_symint(shape, gradient.options()) : at::Tensor(); };
  const std::vector<c10::SymInt> bias{gradient.sym_size(1)};
  return {if_wanted(wanted[0], input.sym_sizes()), if_wanted(wanted[1], weight.sym_sizes()), if_wanted(wanted[2], bias)};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> batch_norm(const at::Tensor& input, const std::optional<at::Tensor>&,
                                                          const std::optional<at::Tensor>&, const std::optional<at::Tensor>&,
                                                          const std::optional<at::Tensor>&, bool, double, double) {
  const at::Tensor per_channel = at::empty({input.size(1)}, input.options());
  return {at::empty_like(input), per_channel, at::empty_like(per_channel)};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> batch_norm_backward(const at::Tensor&, const at::Tensor& input,
                                                                   const std::optional<at::Tensor>&, const std::optional<at::Tensor>&,
                                                                   const std::optional<at::Tensor>&, const std::optional<at::Tensor>&,
                                                                   const std::optional<at::Tensor>&, bool, double,
                                                                   std::array<bool, 3> wanted) {
  const auto per_channel = [&](bool is) { return is ? at::empty({input.size(1)}, input.options()) : at::Tensor(); };
  return {wanted[0] ? at::empty_like(input) : at::Tensor(), per_channel(wanted[1]), per_channel(wanted[2])};
}

at::Tensor same_shape(const at::Tensor& input) { return at::empty_like(input); }
at::Tensor& itself(at::Tensor& input) { return input; }

std::tuple<at::Tensor, at::Tensor> log_sigmoid(const at::Tensor& input) { return {at::empty_like(input), at::empty_like(input)}; }
at::Tensor log_sigmoid_backward(const at::Tensor&, const at::Tensor& input, const at::Tensor&) { return at::empty_like(input); }

at::Tensor& into(const at::Tensor& input, at::Tensor& out) {
  out.resize_(input.sizes());
  return out;
}

void fused_adam(at::TensorList, at::TensorList, at::TensorList, at::TensorList, at::TensorList, at::TensorList, double, double, double,
                double, double, bool, bool, const std::optional<at::Tensor>&, const std::optional<at::Tensor>&) {}

TORCH_LIBRARY_IMPL(aten, Meta, library) {
  library.impl("convolution_overrideable", convolution);
  library.impl("convolution_backward_overrideable", convolution_backward);
  library.impl("native_batch_norm", batch_norm);
  library.impl("native_batch_norm_backward", batch_norm_backward);
  library.impl("relu", same_shape);
  library.impl("relu_", itself);
  library.impl("log_sigmoid_forward", log_sigmoid);
  library.impl("log_sigmoid_backward", log_sigmoid_backward);
  library.impl("abs.out", into);
  library.impl("_fused_adam_", fused_adam);
}

// Modules cannot be moved to meta, so they are made there: within the scope of this guard every new tensor is.
constexpr c10::DispatchKey kMadeOnMeta = c10::DispatchKey::TESTING_ONLY_GenericWrapper;

at::Tensor empty_on_meta(c10::SymIntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout> layout,
                         std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  const c10::impl::ExcludeDispatchKeyGuard below(kMadeOnMeta);
  return at::empty_symint(size, type, layout, at::Device(at::kMeta), false, format);
}

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericWrapper, library) { library.fallback(torch::CppFunction::makeFallthrough()); }
TORCH_LIBRARY_IMPL(aten, TESTING_ONLY_GenericWrapper, library) { library.impl("empty.memory_format", empty_on_meta); }

constexpr int64_t kFaceSide = 32;

std::shared_ptr<const Dataset> few_faces() {
  return std::make_shared<SyntheticFaces>(SyntheticFacesOptions{.count = 12, .image_size = kFaceSide});
}

SecganTaskOptions few_channels(const std::string& backbone) {
  SecganTaskOptions options;
  options.photo_generator = options.mask_generator = small_generator(backbone);
  options.photo_discriminator = options.mask_discriminator = small_discriminator(backbone);
  // Without a norm: behind one a bias has no gradient but rounding errors, which are no device's alike.
  if (backbone == "stgan") {
    options.photo_discriminator = options.mask_discriminator =
        StganDiscriminatorOptions{.conv_dim = 8, .fc_dim = 32, .n_layers = 3, .norm_fn = Normalization::kNone};
  }
  options.discriminator_updates = 1;
  options.augment = {.shift = 0.125, .flip = 0.5, .brightness = 0.3, .contrast = 0.3};
  options.loader.batch = 4;
  return options;
}

/// By name, each tensor's largest difference as a share of its largest value.
void check_alike(const NamedTensors& found, const NamedTensors& expected, double share) {
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    const at::Tensor x = found[i].second.cpu().to(at::kDouble), y = expected[i].second.cpu().to(at::kDouble);
    if (x.numel() == 0) continue;
    CAPTURE(found[i].first);
    CHECK((x - y).abs().max().item<double>() <= share * y.abs().max().clamp_min(1e-3).item<double>());
  }
}

/// Without TF32, whose products have ten bits: comparisons with the CPU are to be of float32.
class FullFloat32 {
 public:
  FullFloat32() { at::globalContext().setAllowTF32CuDNN(false); }
  ~FullFloat32() { at::globalContext().setAllowTF32CuDNN(true); }
};

}  // namespace

TEST_CASE("updates, optimizers and moving average run on the device meta, reading nothing and mixing no devices", "[training][device]") {
  const std::string backbone = GENERATE("attgan", "stgan", "stargan");
  const ConsistencyTarget target = GENERATE(ConsistencyTarget::kHard, ConsistencyTarget::kStraightThrough);
  CAPTURE(backbone);
  const at::TensorOptions meta = at::TensorOptions().device(at::kMeta);
  std::optional<c10::impl::IncludeDispatchKeyGuard> made_there(std::in_place, kMadeOnMeta);
  const auto branch_of = [&](const NetworkSpec& spec) {
    const auto adam = [](std::vector<at::Tensor> parameters) { return Adam(std::move(parameters)); };
    return make_branch(make_generator(spec, small_generator(backbone)), make_discriminator(spec, small_discriminator(backbone)), adam,
                       adam);
  };
  auto photo = branch_of({5, kFaceSide, 3, OutputActivation::kTanh});
  auto mask = branch_of({5, kFaceSide, kSecganClasses, OutputActivation::kLogits});
  Generator average = make_generator(photo.generator->spec(), small_generator(backbone));
  const Parser network = make_parser({.options = {.network = ParserNetwork::kBisenetResnet18}});
  made_there.reset();
  FaceParser parser(network, {.input_size = 64});
  SecganStepOptions options;
  options.photo.semantic_consistency = options.mask.semantic_consistency = 1;
  options.consistency_target = target;
  if (target == ConsistencyTarget::kStraightThrough) options.adversarial = AdversarialLoss::kNonSaturating;
  options.photo.generator_classifier = 1;
  const FrozenClassifier classifier = [](const at::Tensor& seen) { return seen.mean({2, 3}).repeat({1, 2}).narrow(1, 0, 5); };
  SecganStep step(photo, &mask, &parser, options, classifier);
  const Augmentation changes{at::empty({4, 2}, meta.dtype(at::kLong)), at::empty({4}, meta.dtype(at::kBool)), at::empty({4}, meta),
                             at::empty({4}, meta)};
  const GanBatch batch{.photo = at::empty({4, 3, kFaceSide, kFaceSide}, meta),
                       .source = at::empty({4, 5}, meta),
                       .target = at::empty({4, 5}, meta),
                       .augmentation = changes,
                       .judged = changes,
                       .labeled = GENERATE(false, true) ? at::empty({4}, meta.dtype(at::kBool)) : at::Tensor()};

  const StepReport first = step.discriminator_update(batch, at::empty({4}, meta));
  const StepReport second = step.generator_update(batch);
  for (const StepReport* report : {&first, &second}) {
    CHECK(report->photo.total.is_meta());
    REQUIRE(report->mask);
    CHECK(report->mask->total.is_meta());
    CHECK(report->attribute_accuracy.is_meta());
  }
  CHECK(second.edit_distance.is_meta());
  MovingAverage(*photo.generator, *average, 0.9).update(3);
  // What would have been noticed.
  CHECK_THROWS(values_of({{"total", first.photo.total}}));
  CHECK_THROWS(first.attribute_accuracy.item<double>());
  CHECK_THROWS(photo.generator->forward(at::zeros({4, 3, kFaceSide, kFaceSide}), batch.source));
}

TEST_CASE("a training on any device ends near the CPU's, and goes on from its checkpoint on the CPU", "[training][device]") {
  const FullFloat32 exact;
  const std::string backbone = GENERATE("attgan", "stgan", "stargan");
  const auto data = few_faces();
  const auto task_on = [&](const Device& device) {
    Bundle base;
    base.parser = random_bundle().parser;
    auto options = few_channels(backbone);
    // Behind an instance norm some gradients are rounding errors, of which Adam with a small epsilon would make whole steps.
    options.generator_adam.epsilon = options.discriminator_adam.epsilon = 1e-3;
    return SecganTask(data, options, base, {}, {}, device);
  };
  // Two steps: in later ones a class of a mask may turn on a rounding error, on one device and not on another.
  SecganTask reference = task_on(at::kCPU);
  std::vector<NamedValues> expected;
  for (int64_t i = 0; i < 2; ++i) expected.push_back(reference.step(i, 1));
  for (const Device& device : devices_to_try()) {
    CAPTURE(backbone, device.str());
    SecganTask task = task_on(device);
    CHECK(task.bundle().device() == device);
    task.watch(*data);
    std::optional<Checkpoint> kept;
    for (int64_t i = 0; i < 2; ++i) {
      const NamedValues values = task.step(i, 1);
      REQUIRE(values.size() == expected[0].size());
      for (size_t v = 0; v < values.size(); ++v) {
        CAPTURE(i, values[v].first);
        CHECK(values[v].second == Approx(expected[static_cast<size_t>(i)][v].second).epsilon(2e-3).margin(2e-3));
      }
      if (!kept) kept = parse_checkpoint(encode_checkpoint({.task = "secgan", .step = 1, .tensors = task.state()}), "kept");
    }
    CHECK(task.held_out().size() == 2);
    CHECK(task.samples().is_cpu());
    SecganTask resumed = task_on(at::kCPU);
    load_tensors(resumed.state(), kept->tensors, "", "kept");
    resumed.step(1, 1);
    check_alike(resumed.state(), reference.state(), device.is_cpu() ? 0 : 1e-2);
  }
}

TEST_CASE("a classifier and a parser train on any device as on the CPU", "[training][device]") {
  const FullFloat32 exact;
  const auto values_on = [](const Device& device) {
    ParserTaskOptions options;
    options.parser.unet = {.dim = 4, .levels = 2};
    options.training.loader.batch = 4;
    options.training.augment = {.shift = 0.125, .flip = 0.5, .brightness = 0.3, .contrast = 0.3};
    ParserTask parser(few_faces(), options, BundleInfo{}, {}, device);
    ClassifierTask classifier(few_faces(), {.classifier = {.dim = 4}, .training = options.training}, BundleInfo{}, {}, device);
    parser.watch(*few_faces());
    classifier.watch(*few_faces());
    NamedValues all;
    for (int64_t i = 0; i < 2; ++i) {
      for (SupervisedTask* task : std::initializer_list<SupervisedTask*>{&parser, &classifier}) {
        for (const auto& value : task->step(i, 1)) all.push_back(value);
        for (const auto& value : task->held_out()) all.push_back(value);
      }
    }
    CHECK(parser.samples().is_cpu());
    return all;
  };
  const NamedValues expected = values_on(at::kCPU);
  for (const Device& device : devices_to_try()) {
    CAPTURE(device.str());
    const NamedValues values = values_on(device);
    for (size_t i = 0; i < values.size(); ++i) CHECK(values[i].second == Approx(expected[i].second).epsilon(5e-3).margin(5e-3));
  }
}

TEST_CASE("batches are the same on every device, and however many are read ahead", "[data][device]") {
  const auto data = few_faces();
  Loader reference(data, {.batch = 4});
  for (const Device& device : devices_to_try()) {
    for (const int64_t ahead : {0, 1, 3}) {
      CAPTURE(device.str(), ahead);
      Loader loader(data, {.batch = 4, .ahead = ahead}, {}, device);
      for (const int64_t index : {0, 1, 2, 7, 8, 3}) {
        const Batch batch = loader.get(index), expected = reference.get(index);
        CHECK(batch.photo.device() == device);
        CHECK(batch.mask.device() == device);
        CHECK(batch.photo.is_contiguous(at::MemoryFormat::ChannelsLast));
        // A GPU may round a product and a sum at once.
        CHECK((batch.photo.cpu() - expected.photo).abs().max().item<double>() < (device.is_cpu() ? 1e-12 : 1e-6));
        CHECK(at::equal(batch.mask.cpu(), expected.mask));
        CHECK(at::equal(batch.labels, expected.labels));
      }
    }
  }
}

TEST_CASE("edits, parses and measures of every device are the CPU's", "[editing][evaluation][device]") {
  const FullFloat32 exact;
  const SyntheticFaces faces({.count = 8, .image_size = kFaceSide, .seed = 4});
  const auto run = [&](const Device& device) {
    Bundle bundle = random_bundle();
    bundle.to(device);
    EvaluationProtocol protocol;
    protocol.min_samples = 2;
    protocol.resamples = 10;
    const Evaluation evaluation = evaluate(bundle, faces, protocol, {}, {.batch = 3});
    const Editor editor(bundle);
    const at::Tensor photo = faces.get(0).image;
    const EditedPhoto edited = editor.edit(photo, {{"Eyeglasses", 1}}, {.region = EditRegion::kExact});
    const EditedMasks masks = editor.edit_masks(photo, editor.look(photo), {{.edits = {{"Bangs", 1}}}});
    std::vector<at::Tensor> pictures{editor.edit(photo, {{"Eyeglasses", 1}}).photo, edited.photo, example_grid(bundle, faces, 2)};
    for (const at::Tensor& ids : {editor.parse(faces.get(1).image), editor.parse_edited(edited), masks.after}) pictures.push_back(ids);
    for (const at::Tensor& picture : pictures) CHECK(picture.is_cpu());
    return std::pair(evaluation, pictures);
  };
  const auto expected = run(at::kCPU);
  for (const Device& device : devices_to_try()) {
    CAPTURE(device.str());
    const auto found = run(device);
    CHECK((found.second[0].to(at::kInt) - expected.second[0].to(at::kInt)).abs().max().item<int>() <= 1);
    for (size_t i = 1; i < found.second.size(); ++i) {
      CAPTURE(i);
      CHECK((found.second[i].to(at::kInt) - expected.second[i].to(at::kInt)).abs().gt(1).to(at::kFloat).mean().item<double>() < 0.01);
    }
    CHECK(found.first.pinned.photos == expected.first.pinned.photos);
    CHECK(found.first.pinned.classifier == expected.first.pinned.classifier);
    REQUIRE(found.first.metrics.size() == expected.first.metrics.size());
    for (size_t i = 0; i < found.first.metrics.size(); ++i) {
      const Metric& metric = expected.first.metrics[i];
      CAPTURE(metric.key);
      if (metric.key.starts_with("milliseconds") || metric.key.find("memory") != std::string::npos) continue;  // what it costs
      REQUIRE(found.first.metrics[i].measured.has_value() == metric.measured.has_value());
      if (metric.measured) CHECK(found.first.metrics[i].measured->value == Approx(metric.measured->value).epsilon(0.03).margin(0.03));
    }
  }
}

TEST_CASE("the mask branch trains beside a host on every device", "[training][device]") {
  const FullFloat32 exact;
  const auto run = [](const Device& device) {
    torch::manual_seed(3);
    SemanticBranchConfig config{.attributes = 5, .image_size = kFaceSide};
    config.options.generator = small_generator("attgan");
    config.options.discriminator = small_discriminator("attgan");
    Parser network = make_parser({.options = {.unet = {.dim = 4, .levels = 2}}, .classes = kSecganClasses});
    network->to(device);
    SemanticBranch branch(FaceParser(network, {.labels = Labels::kSecgan12, .normalization = PhotoNormalization::kNone}), config);
    branch->to(device);
    const at::Tensor image = (torch::rand({4, 3, kFaceSide, kFaceSide}) * 2 - 1).to(device);
    const at::Tensor source = (torch::rand({4, 5}) > 0.5).to(at::kFloat).to(device), target = 1 - source;
    at::Tensor edited = (image * 0.9).requires_grad_(true);
    NamedValues values = branch->discriminator_step(image, source, target);
    const at::Tensor loss = branch->generator_step(image, edited, source, target);
    loss.backward();
    values.emplace_back("loss", loss.item<double>());
    values.emplace_back("gradient", edited.grad().abs().sum().item<double>());
    return values;
  };
  const NamedValues expected = run(at::kCPU);
  for (const Device& device : devices_to_try()) {
    CAPTURE(device.str());
    const NamedValues values = run(device);
    for (size_t i = 0; i < values.size(); ++i) CHECK(values[i].second == Approx(expected[i].second).epsilon(5e-3).margin(1e-4));
  }
}
