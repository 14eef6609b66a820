#include "secgan/parsing/program.hpp"

#include <torch/csrc/jit/serialization/import.h>

#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

at::Tensor main_logits(const c10::IValue& answer, const std::string& file) {
  if (answer.isTensor()) return answer.toTensor();
  if (answer.isTensorList() && !answer.toTensorList().empty()) return answer.toTensorList().get(0);
  if (answer.isTuple() && !answer.toTupleRef().elements().empty()) return main_logits(answer.toTupleRef().elements()[0], file);
  throw Error(fmt::format("{}: the program answers {}, not logits", file, answer.tagKind()));
}

}  // namespace

ParserFunction load_torchscript_parser(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) throw FileNotFound(fmt::format("{}: no such file", file.string()));
  std::shared_ptr<torch::jit::Module> program;
  try {
    program = std::make_shared<torch::jit::Module>(torch::jit::load(file.string(), c10::kCPU));
  } catch (const c10::Error& error) {
    const std::string reason = error.what_without_backtrace();
    throw Error(fmt::format("{}: not a TorchScript file ({})", file.string(), reason.substr(0, reason.find('\n'))));
  }
  program->eval();
  for (at::Tensor parameter : program->parameters()) parameter.requires_grad_(false);
  return [program, name = file.string()](const at::Tensor& photo) { return main_logits(program->forward({photo}), name); };
}

}  // namespace secgan
