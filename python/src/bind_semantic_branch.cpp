#include "bindings.hpp"
#include "secgan/training/semantic_branch.hpp"

namespace secgan::python {

void bind_semantic_branch(py::module_& module) {
  py::class_<CompanionBranch> branch(module, "CompanionBranch");
  bind_module_state(branch);
  branch
      .def(py::init([](const std::string& options, const FaceParser& parser) {
             return CompanionBranch(parser, options_from<CompanionBranchOptions>(options));
           }),
           ReleaseGil())
      .def(
          "discriminator_step",
          [](CompanionBranch& b, const at::Tensor& image, const at::Tensor& source, const at::Tensor& target) {
            return b->discriminator_step(image, source, target);
          },
          ReleaseGil())
      .def(
          "generator_step",
          [](CompanionBranch& b, const at::Tensor& image, const at::Tensor& edited, const at::Tensor& source, const at::Tensor& target) {
            return b->generator_step(image, edited, source, target);
          },
          ReleaseGil())
      .def("generator_figures", [](CompanionBranch& b) { return b->generator_figures(); });
}

}  // namespace secgan::python
