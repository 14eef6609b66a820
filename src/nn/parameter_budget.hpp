#pragma once
/// How large a network may become that a file describes: its options are there before its weights are, and ask for any memory.

#include <cstdint>
#include <initializer_list>

#include "secgan/core/export.hpp"

namespace secgan {

/// While it lives, networks that this thread builds may hold so many values in all. Without one there is no limit.
class SECGAN_API ParameterBudget {
 public:
  explicit ParameterBudget(int64_t values);
  ~ParameterBudget();
  ParameterBudget(const ParameterBudget&) = delete;
  ParameterBudget& operator=(const ParameterBudget&) = delete;

  /// Called before a layer's weights of this shape are made.
  /// @throws InvalidArgument where they are more than is left.
  static void spend(std::initializer_list<int64_t> shape);

 private:
  double before_;
};

}  // namespace secgan
