#include "nn/parameter_budget.hpp"

#include <limits>

#include "secgan/core/error.hpp"

namespace secgan {
namespace {

// A double: products of extents pass 2^63.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): of a guard
thread_local double values_left = std::numeric_limits<double>::infinity();

}  // namespace

ParameterBudget::ParameterBudget(int64_t values) : before_(values_left) { values_left = static_cast<double>(values); }
ParameterBudget::~ParameterBudget() { values_left = before_; }

void ParameterBudget::spend(std::initializer_list<int64_t> shape) {
  double values = 1;
  for (const int64_t extent : shape) values *= static_cast<double>(extent);
  if (values > values_left) throw InvalidArgument("the options ask for more weights than there are");
  values_left -= values;
}

}  // namespace secgan
