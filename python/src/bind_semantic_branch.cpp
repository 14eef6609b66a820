#include "bindings.hpp"
#include "secgan/training/semantic_branch.hpp"

namespace secgan::python {

void bind_semantic_branch(py::module_& module) {
  py::class_<SemanticBranch> branch(module, "SemanticBranch");
  bind_module_state(branch);
  branch
      .def_static(
          "from_config",
          [](const FaceParser& parser, const py::dict& config) {
            return SemanticBranch(parser, options_from<SemanticBranchConfig>(config, "config"));
          },
          "parser"_a, "config"_a)
      .def_static(
          "create",
          [](const FaceParser& parser, int64_t attributes, int64_t image_size, const std::string& backbone, const py::dict& generator,
             const py::dict& discriminator, double semantic_consistency, const py::dict& losses, double learning_rate, int64_t accumulate,
             bool synchronize, uint64_t seed, const py::dict& options, const py::dict& augment) {
            SemanticBranchConfig config{attributes, image_size};
            SemanticBranchOptions& o = config.options;
            o.generator.choose(backbone);
            o.discriminator.choose(backbone);
            const Record of_generator = o.generator.backbone_record(), of_discriminator = o.discriminator.backbone_record();
            detail::records_from_json({of_generator, of_discriminator}, tree_from(options, "options"), "options");
            detail::record_from_json(of_generator, tree_from(generator, "generator"), "generator");
            detail::record_from_json(of_discriminator, tree_from(discriminator, "discriminator"), "discriminator");
            o.losses.photo.semantic_consistency = o.losses.mask.semantic_consistency = semantic_consistency;
            o.losses = options_from(losses, "losses", o.losses);
            o.augment = options_from(augment, "augment", o.augment);
            o.generator_adam.learning_rate = o.discriminator_adam.learning_rate = learning_rate;
            o.accumulate = accumulate;
            o.synchronize = synchronize;
            o.seed = seed;
            return SemanticBranch(parser, config);
          },
          "parser"_a, "attributes"_a, "image_size"_a, "backbone"_a, "generator"_a, "discriminator"_a, "semantic_consistency"_a, "losses"_a,
          "learning_rate"_a, "accumulate"_a, "synchronize"_a, "seed"_a, "options"_a, "augment"_a)
      .def(
          "discriminator_step",
          [](SemanticBranch& b, const at::Tensor& image, const at::Tensor& source, const at::Tensor& target) {
            NamedValues losses;
            {
              const py::gil_scoped_release released;
              losses = b->discriminator_step(image, source, target);
            }
            return dict_of(losses);
          },
          "image"_a, "source"_a, "target"_a)
      .def(
          "generator_step",
          [](SemanticBranch& b, const at::Tensor& image, const at::Tensor& edited, const at::Tensor& source, const at::Tensor& target) {
            return b->generator_step(image, edited, source, target);
          },
          ReleaseGil(), "image"_a, "edited"_a, "source"_a, "target"_a)
      .def("generator_losses", [](SemanticBranch& b) { return dict_of(b->generator_losses()); });
}

}  // namespace secgan::python
