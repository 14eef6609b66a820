#pragma once
/// frechet_distance for Eigen's types, without copies. The one header that needs Eigen; the library does not.

#include <ATen/ops/from_blob.h>

#if __has_include(<Eigen/Core>)
#include <Eigen/Core>
#else
#include <eigen3/Eigen/Core>  // where Linux distributions put it
#endif

#include "secgan/metrics/frechet.hpp"

namespace secgan {
namespace detail {

/// The same memory as a tensor, read only.
template <class Ref>
at::Tensor view_of(const Ref& matrix, at::IntArrayRef shape, at::IntArrayRef strides) {
  return at::from_blob(const_cast<double*>(matrix.data()), shape, strides, at::TensorOptions(at::kDouble));
}
inline at::Tensor view_of(const Eigen::Ref<const Eigen::VectorXd>& vector) {
  return view_of(vector, {vector.size()}, {vector.innerStride()});
}
inline at::Tensor view_of(const Eigen::Ref<const Eigen::MatrixXd>& matrix) {
  return view_of(matrix, {matrix.rows(), matrix.cols()}, {matrix.innerStride(), matrix.outerStride()});
}

}  // namespace detail

/// @see frechet_distance of tensors
inline double frechet_distance(const Eigen::Ref<const Eigen::VectorXd>& mean1, const Eigen::Ref<const Eigen::MatrixXd>& covariance1,
                               const Eigen::Ref<const Eigen::VectorXd>& mean2, const Eigen::Ref<const Eigen::MatrixXd>& covariance2) {
  return frechet_distance(detail::view_of(mean1), detail::view_of(covariance1), detail::view_of(mean2), detail::view_of(covariance2));
}

}  // namespace secgan
