#include <pybind11/functional.h>
#include <pybind11/iostream.h>

#include <atomic>
#include <chrono>
#include <future>
#include <ostream>

#include "bindings.hpp"
#include "secgan/bundle/import_weights.hpp"
#include "secgan/models/callable.hpp"
#include "secgan/training/train.hpp"

namespace secgan::python {
namespace {

/// What Python hands over of a custom network: its call, its tensors, its train().
struct CustomNetwork {
  py::function call;
  NamedTensors parameters, buffers;
  std::function<void(bool)> train;

  CallableState state() const { return {parameters, buffers, train}; }
};

using MakeNetwork = std::optional<std::function<CustomNetwork()>>;

/// Networks are asked for from the training thread, which does not hold the GIL.
std::function<Generator(const NetworkSpec&)> generator_from(const MakeNetwork& make) {
  if (!make) return {};
  return [make = *make](const NetworkSpec& spec) {
    const py::gil_scoped_acquire gil;
    const CustomNetwork custom = make();
    return make_callable_generator(spec, custom.call.cast<CallableGeneratorImpl::Function>(), custom.state());
  };
}

std::function<Discriminator(const NetworkSpec&)> discriminator_from(const MakeNetwork& make) {
  if (!make) return {};
  return [make = *make](const NetworkSpec& spec) {
    const py::gil_scoped_acquire gil;
    const CustomNetwork custom = make();
    const auto call = custom.call.cast<std::function<std::pair<at::Tensor, at::Tensor>(const at::Tensor&)>>();
    return make_callable_discriminator(
        spec,
        [call](const at::Tensor& image) {
          const auto [adversarial, attribute_logits] = call(image);
          return Scores{adversarial, attribute_logits};
        },
        custom.state());
  };
}

/// Trains in a thread of its own, so that Ctrl-C reaches this one.
/// @param start  (control) -> outcome
template <class Start>
TrainingOutcome run_training(const std::string& out, bool resume, bool synchronize, const Start& start) {
  py::detail::pythonbuf to_python(py::module_::import("secgan._status").attr("stream")());
  std::ostream status(&to_python);
  std::atomic<bool> stop{false};
  bool interrupted = false;
  RunControl control{out, resume, &status, &stop};
  if (!synchronize) control.processes = ProcessGroup();
  std::future<TrainingOutcome> running = std::async(std::launch::async, [&] { return start(control); });
  for (;;) {
    {
      const py::gil_scoped_release release;
      if (running.wait_for(std::chrono::milliseconds(100)) == std::future_status::ready) break;
    }
    if (!interrupted && PyErr_CheckSignals() != 0) {
      PyErr_Clear();
      interrupted = true;
      stop.store(true);  // after the step, with a checkpoint
    }
  }
  return running.get();
}

template <class Settings>
void bind_supervised(py::module_& module, const char* name) {
  module.def(
      name,
      [](const py::dict& settings, const std::string& out, bool resume, bool synchronize) {
        const auto chosen = options_from<Settings>(settings, "settings");
        return run_training(out, resume, synchronize, [&](const RunControl& control) { return train(chosen, control); });
      },
      "settings"_a, "out"_a, "resume"_a, "synchronize"_a);
}

}  // namespace

void bind_training(py::module_& module) {
  py::class_<TrainingOutcome>(module, "TrainingOutcome")
      .def_readonly("steps", &TrainingOutcome::steps)
      .def_readonly("finished", &TrainingOutcome::finished)
      .def_readonly("seconds", &TrainingOutcome::seconds);
  py::class_<CustomNetwork>(module, "CustomNetwork")
      .def(py::init([](py::function call, NamedTensors parameters, NamedTensors buffers, std::function<void(bool)> train) {
             return CustomNetwork{std::move(call), std::move(parameters), std::move(buffers), std::move(train)};
           }),
           "call"_a, "parameters"_a, "buffers"_a, "train"_a);

  module.def(
      "train",
      [](const py::dict& settings, const std::string& out, bool resume, bool synchronize, const MakeNetwork& photo_generator,
         const MakeNetwork& photo_discriminator, const MakeNetwork& mask_generator, const MakeNetwork& mask_discriminator,
         const std::optional<FaceParser>& parser) {
        const auto chosen = options_from<TrainSettings>(settings, "settings");
        const CustomParts custom{{generator_from(photo_generator), generator_from(mask_generator), discriminator_from(photo_discriminator),
                                  discriminator_from(mask_discriminator)},
                                 parser};
        return run_training(out, resume, synchronize, [&](const RunControl& control) { return train(chosen, control, custom); });
      },
      "settings"_a, "out"_a, "resume"_a, "synchronize"_a, "photo_generator"_a, "photo_discriminator"_a, "mask_generator"_a,
      "mask_discriminator"_a, "parser"_a);
  bind_supervised<TrainParserSettings>(module, "train_parser");
  bind_supervised<TrainClassifierSettings>(module, "train_classifier");
  module.def(
      "default_train_settings",
      [](bool small, bool photos, bool with_classifier) {
        TrainSettings settings;
        if (small) settings.task = photos ? small_photo_recipe(with_classifier) : small_scale_recipe();
        return options_to_python(settings);
      },
      "small"_a, "photos"_a, "with_classifier"_a);
  module.def(
      "default_classifier_settings",
      [](bool small) { return options_to_python(small ? small_photo_classifier() : TrainClassifierSettings{}); }, "small"_a);

  module.def(
      "import_weights",
      [](const std::string& origin, const std::string& file, const std::string& out, const py::dict& options) {
        const WeightOrigin from = parse_name(kWeightOrigins, origin, "origin");
        const auto chosen = options_from<ImportOptions>(options, "options");
        const py::gil_scoped_release released;
        require_bundle_place(out);
        std::string note;
        save_bundle(out, import_weights(from, file, chosen, &note));
        return note;
      },
      "origin"_a, "file"_a, "out"_a, "options"_a);
}

}  // namespace secgan::python
