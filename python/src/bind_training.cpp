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

/// What Python hands over of a network: its call, its tensors, its train().
struct OwnNetwork {
  py::function call;
  NamedTensors parameters, buffers;
  std::function<void(bool)> train;

  CallableState state() const { return {parameters, buffers, train}; }
};

/// Networks are asked for from the training thread, which does not hold the GIL.
std::function<Generator(const GeneratorOptions&)> generator_maker(const py::object& make) {
  if (make.is_none()) return {};
  const std::function<OwnNetwork()> maker = make.cast<std::function<OwnNetwork()>>();
  return [maker](const GeneratorOptions& options) {
    const py::gil_scoped_acquire gil;
    const OwnNetwork own = maker();
    return make_callable_generator(options, own.call.cast<CallableGeneratorImpl::Function>(), own.state());
  };
}

std::function<Discriminator(const DiscriminatorOptions&)> discriminator_maker(const py::object& make) {
  if (make.is_none()) return {};
  const std::function<OwnNetwork()> maker = make.cast<std::function<OwnNetwork()>>();
  return [maker](const DiscriminatorOptions& options) {
    const py::gil_scoped_acquire gil;
    const OwnNetwork own = maker();
    const auto call = own.call.cast<std::function<std::pair<at::Tensor, at::Tensor>(const at::Tensor&)>>();
    return make_callable_discriminator(
        options,
        [call](const at::Tensor& image) {
          const auto [adversarial, attribute_logits] = call(image);
          return Scores{adversarial, attribute_logits};
        },
        own.state());
  };
}

/// Trains in a thread of its own, so that Ctrl-C reaches this one.
template <class Settings>
std::string run_training(const std::string& settings_json, const std::string& out, bool resume, const OwnParts& own) {
  const Settings settings = options_from<Settings>(settings_json);
  py::detail::pythonbuf to_python(py::module_::import("sys").attr("stderr"));
  std::ostream status(&to_python);
  std::atomic<bool> stop{false};
  bool interrupted = false;
  const RunControl control{out, resume, &status, &stop};
  std::future<TrainingOutcome> running = std::async(std::launch::async, [&] {
    if constexpr (std::is_same_v<Settings, TrainSettings>) {
      return train(settings, control, own);
    } else {
      return train(settings, control);
    }
  });
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
  const TrainingOutcome outcome = running.get();
  return nlohmann::json{{"steps", outcome.steps}, {"finished", outcome.finished}, {"seconds", outcome.seconds}}.dump();
}

}  // namespace

void bind_training(py::module_& module) {
  py::class_<OwnNetwork>(module, "OwnNetwork")
      .def(py::init([](py::function call, NamedTensors parameters, NamedTensors buffers, std::function<void(bool)> train) {
        return OwnNetwork{std::move(call), std::move(parameters), std::move(buffers), std::move(train)};
      }));

  module.def("train", [](const std::string& settings, const std::string& out, bool resume, const py::object& photo_generator,
                         const py::object& photo_discriminator, const py::object& mask_generator, const py::object& mask_discriminator,
                         const std::optional<FaceParser>& parser) {
    OwnParts own;
    own.networks.photo_generator = generator_maker(photo_generator);
    own.networks.mask_generator = generator_maker(mask_generator);
    own.networks.photo_discriminator = discriminator_maker(photo_discriminator);
    own.networks.mask_discriminator = discriminator_maker(mask_discriminator);
    own.parser = parser;
    return run_training<TrainSettings>(settings, out, resume, own);
  });
  module.def("train_parser", [](const std::string& settings, const std::string& out, bool resume) {
    return run_training<TrainParserSettings>(settings, out, resume, {});
  });
  module.def("train_classifier", [](const std::string& settings, const std::string& out, bool resume) {
    return run_training<TrainClassifierSettings>(settings, out, resume, {});
  });
  module.def("default_train_settings", [](bool small) {
    TrainSettings settings;
    if (small) settings.task = small_scale_recipe();
    return to_json(settings).dump();
  });

  module.def(
      "import_weights",
      [](const std::string& origin, const std::string& file, const std::string& out, const std::vector<std::string>& attributes,
         std::optional<int64_t> image_size, const std::string& crop, std::optional<double> intensity, const std::string& classifier,
         const std::string& parser, const std::string& license) {
        save_bundle(out, import_weights(parse_name(kWeightOrigins, origin, "origin"), file,
                                        {attributes, image_size, crop, intensity, classifier, parser, license}));
      },
      ReleaseGil());
}

}  // namespace secgan::python
