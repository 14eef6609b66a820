#include "secgan/core/random.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/library.h>

#include <algorithm>
#include <array>
#include <utility>

namespace secgan {
namespace {

// LibTorch has one generator per process, no default per thread (https://github.com/pytorch/pytorch/issues/53983), and its layers begin
// with weights drawn from that one. As functorch does for its own randomness, a mode is pushed in front of the ops that draw. Of the
// dispatcher's modes this is the one that nothing in LibTorch uses.
constexpr c10::DispatchKey kOwnRandomness = c10::DispatchKey::TESTING_ONLY_GenericMode;

thread_local const at::Generator* own_generator = nullptr;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): of a guard

bool takes_generator(const c10::Argument& argument) {
  const auto optional = argument.type()->cast<c10::OptionalType>();
  return (optional ? optional->getElementType() : argument.type())->kind() == c10::TypeKind::GeneratorType;
}

/// Where no generator is named, CPU tensors are drawn from this thread's.
void draw(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const auto& arguments = op.schema().arguments();
  const auto given = torch::jit::last(*stack, arguments.size());
  const bool on_cpu = std::ranges::none_of(given, [](const c10::IValue& value) { return value.isTensor() && !value.toTensor().is_cpu(); });
  for (size_t i = 0; i < arguments.size() && on_cpu && own_generator != nullptr; ++i) {
    auto& value = stack->at(stack->size() - arguments.size() + i);
    if (value.isNone() && takes_generator(arguments[i])) value = *own_generator;
  }
  op.redispatchBoxed(keys & c10::DispatchKeySet(c10::DispatchKeySet::FULL_AFTER, kOwnRandomness), stack);
}

// Every op of LibTorch with an argument `Generator?`; rand, randn, randint and dropout are made of these.
constexpr std::array kDrawing{"uniform_",
                              "normal_",
                              "bernoulli_.float",
                              "bernoulli_.Tensor",
                              "random_",
                              "random_.from",
                              "random_.to",
                              "exponential_",
                              "geometric_",
                              "cauchy_",
                              "log_normal_",
                              "bernoulli",
                              "bernoulli.p",
                              "multinomial",
                              "normal.Tensor_float",
                              "normal.float_Tensor",
                              "normal.Tensor_Tensor",
                              "poisson",
                              "binomial",
                              "_standard_gamma",
                              "_sample_dirichlet",
                              "randperm.generator_out",
                              "rrelu_with_noise",
                              "rrelu_with_noise_"};

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, library) { library.fallback(torch::CppFunction::makeFallthrough()); }
TORCH_LIBRARY_IMPL(aten, TESTING_ONLY_GenericMode, library) {
  for (const char* name : kDrawing) library.impl(name, torch::CppFunction::makeFromBoxedFunction<&draw>());
}

}  // namespace

at::Generator seeded_generator(uint64_t seed) { return at::detail::createCPUGenerator(seed); }

struct SeedGuard::Scope {
  explicit Scope(uint64_t seed) : generator(seeded_generator(seed)) { std::swap(own_generator, other); }
  ~Scope() { own_generator = other; }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  at::Generator generator;
  const at::Generator* other = &generator;
  c10::impl::IncludeDispatchKeyGuard mode{kOwnRandomness};
};

SeedGuard::SeedGuard(uint64_t seed) : scope_(std::make_unique<Scope>(seed)) {}
SeedGuard::~SeedGuard() = default;

}  // namespace secgan
