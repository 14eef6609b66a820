#include "secgan/nn/program.hpp"

#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/csrc/jit/serialization/import.h>

#include <memory>

#include "core/format.hpp"
#include "io/file_kind.hpp"
#include "io/zip_archive.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"

namespace secgan {
namespace {

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

at::Tensor first_tensor(const c10::IValue& output, const std::string& file) {
  if (output.isTensor()) return output.toTensor();
  if (output.isTensorList() && !output.toTensorList().empty()) return output.toTensorList().get(0);
  if (output.isTuple() && !output.toTupleRef().elements().empty()) return first_tensor(output.toTupleRef().elements()[0], file);
  throw Error(fmt::format("{}: the program outputs {}, not a tensor", file, output.tagKind()));
}

enum class ProgramKind { kTorchScript, kExported, kCompiled, kNone };

/// Told by the names in an archive, below the folder that all share. Not by PyTorch's own reader, which leaks what is no archive.
ProgramKind kind_of(const std::filesystem::path& file) {
  if (!detail::is_zip(detail::kind_of_head(file))) return ProgramKind::kNone;
  const std::string bytes = read_file(file);
  bool script = false, exported = false;
  try {
    const detail::ZipArchive archive(bytes);
    for (const detail::ZipMember& member : archive.members()) {
      const std::string_view name = std::string_view(member.name).substr(member.name.find('/') + 1);
      if (name.find("data/aotinductor/") != std::string_view::npos) return ProgramKind::kCompiled;
      exported = exported || name == "models/model.json" || name == "serialized_exported_program.json";
      script = script || name == "constants.pkl";
    }
  } catch (const Error&) {
    return ProgramKind::kNone;
  }
  return exported ? ProgramKind::kExported : script ? ProgramKind::kTorchScript : ProgramKind::kNone;
}

}  // namespace

TensorFunction load_torchscript(const std::filesystem::path& file, const Device& device) {
  require_readable_file(file);
  // What is something else says so; PyTorch's reader speaks of its own parts.
  using detail::FileKind;
  FileKind kind = detail::kind_of_head(file);
  if (detail::is_zip(kind)) kind = detail::file_kind(read_file(file));
  if (kind != FileKind::kTorchScript && kind != FileKind::kZip && kind != FileKind::kUnknown) {
    throw Error(fmt::format("{}: not a TorchScript file: it is {}", file.string(), detail::describe(kind)));
  }
  std::shared_ptr<torch::jit::Module> program;
  try {
    program = std::make_shared<torch::jit::Module>(torch::jit::load(file.string(), device));
  } catch (const c10::Error& error) {
    throw Error(fmt::format("{}: not a TorchScript file ({})", file.string(), first_line(error.what_without_backtrace())));
  }
  program->eval();
  for (at::Tensor parameter : program->parameters()) parameter.requires_grad_(false);
  return [program, name = file.string()](const at::Tensor& input) { return first_tensor(program->forward({input}), name); };
}

TensorFunction load_compiled_program(const std::filesystem::path& file) {
  require_readable_file(file);
  const ProgramKind kind = kind_of(file);
  if (kind == ProgramKind::kExported) {
    throw Error(
        fmt::format("{}: an exported program that is not compiled, which runs in Python only: compile it with "
                    "torch._inductor.aoti_compile_and_package",
                    file.string()));
  }
  if (kind != ProgramKind::kCompiled) throw Error(fmt::format("{}: not a package of AOTInductor", file.string()));
  std::shared_ptr<torch::inductor::AOTIModelPackageLoader> program;
  try {
    program = std::make_shared<torch::inductor::AOTIModelPackageLoader>(file.string());
  } catch (const std::exception& error) {
    throw Error(fmt::format("{}: a compiled program that does not load here ({})", file.string(), first_line(error.what())));
  }
  return [program, name = file.string()](const at::Tensor& input) {
    const std::vector<at::Tensor> outputs = program->run({input.contiguous()});
    if (outputs.empty()) throw Error(fmt::format("{}: the program outputs nothing", name));
    return outputs[0];
  };
}

TensorFunction load_program(const std::filesystem::path& file) {
  require_readable_file(file);
  switch (kind_of(file)) {
    case ProgramKind::kTorchScript: return load_torchscript(file);
    case ProgramKind::kExported:
    case ProgramKind::kCompiled: return load_compiled_program(file);
    case ProgramKind::kNone: break;
  }
  throw Error(fmt::format("{}: neither a TorchScript file nor a package of AOTInductor", file.string()));
}

}  // namespace secgan
