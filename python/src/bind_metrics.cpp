#include "bindings.hpp"
#include "secgan/metrics/agreement.hpp"
#include "secgan/metrics/bootstrap.hpp"
#include "secgan/metrics/feature_statistics.hpp"
#include "secgan/metrics/frechet.hpp"
#include "secgan/metrics/inception_score.hpp"
#include "secgan/metrics/kernel_distance.hpp"
#include "secgan/metrics/structural_similarity.hpp"

namespace secgan::python {

void bind_metrics(py::module_& module) {
  py::class_<GaussianMoments>(module, "GaussianMoments")
      .def(py::init<at::Tensor, at::Tensor, std::optional<int64_t>>(), "mean"_a, "covariance"_a, "count"_a)
      .def_readonly("mean", &GaussianMoments::mean)
      .def_readonly("covariance", &GaussianMoments::covariance)
      .def_readonly("count", &GaussianMoments::count);
  py::class_<MeanDeviation>(module, "MeanDeviation")
      .def_readonly("mean", &MeanDeviation::mean)
      .def_readonly("deviation", &MeanDeviation::deviation);

  // The state is Python's: tensors of a metric object, updated in place.
  py::class_<FeatureStatistics>(module, "FeatureStatistics")
      .def(py::init<at::Tensor, at::Tensor, at::Tensor>(), "count"_a, "sum"_a, "products"_a)
      .def("update", &FeatureStatistics::update, ReleaseGil(), "features"_a)
      .def(
          "resume",
          [](FeatureStatistics& statistics, const GaussianMoments& moments) {
            statistics.reset();
            statistics.merge(FeatureStatistics(moments));
          },
          ReleaseGil(), "moments"_a)
      .def("moments", &FeatureStatistics::moments, ReleaseGil());
  module.def("load_moments", [](const std::string& file) { return load_moments(file); }, ReleaseGil(), "file"_a);
  module.def(
      "save_moments", [](const std::string& file, const GaussianMoments& moments) { save_moments(file, moments); }, ReleaseGil(), "file"_a,
      "moments"_a);

  module.def(
      "frechet_distance",
      [](const at::Tensor& mean1, const at::Tensor& covariance1, const at::Tensor& mean2, const at::Tensor& covariance2) {
        return frechet_distance(mean1, covariance1, mean2, covariance2);
      },
      ReleaseGil(), "mean1"_a, "covariance1"_a, "mean2"_a, "covariance2"_a);
  module.def(
      "kernel_distance",
      [](const at::Tensor& a, const at::Tensor& b, int64_t subsets, int64_t subset_size, uint64_t seed) {
        return kernel_distance(a, b, {.subsets = subsets, .subset_size = subset_size, .seed = seed});
      },
      ReleaseGil(), "a"_a, "b"_a, "subsets"_a, "subset_size"_a, "seed"_a);
  module.def("inception_score", &inception_score, ReleaseGil(), "logits"_a, "splits"_a);
  module.def("structural_similarity", &structural_similarity, ReleaseGil(), "a"_a, "b"_a);
  module.def("psnr", &psnr, ReleaseGil(), "a"_a, "b"_a);

  py::class_<MaskAgreement>(module, "MaskAgreement")
      .def(py::init<at::Tensor>(), "counts"_a)
      .def("update", &MaskAgreement::update, ReleaseGil(), "predicted"_a, "truth"_a)
      .def("iou", &MaskAgreement::iou)
      .def("mean_iou", &MaskAgreement::mean_iou)
      .def("pixel_accuracy", &MaskAgreement::pixel_accuracy);
  py::class_<LabelAgreement>(module, "LabelAgreement")
      .def(py::init<at::Tensor, at::Tensor>(), "right"_a, "total"_a)
      .def("update", py::overload_cast<const at::Tensor&, const at::Tensor&>(&LabelAgreement::update), ReleaseGil(), "logits"_a, "labels"_a)
      .def("rates", &LabelAgreement::rates)
      .def("mean", &LabelAgreement::mean);

  py::class_<Interval>(module, "Interval")
      .def_readonly("value", &Interval::value)
      .def_readonly("low", &Interval::low)
      .def_readonly("high", &Interval::high)
      .def_readonly("count", &Interval::count);
  py::class_<Bootstrap>(module, "Bootstrap")
      .def(py::init<int64_t, int64_t, uint64_t, double>(), ReleaseGil(), "photos"_a, "resamples"_a, "seed"_a, "level"_a)
      .def("weights", &Bootstrap::weights)
      .def("interval", &Bootstrap::interval, ReleaseGil(), "value"_a, "resampled"_a, "count"_a)
      .def("mean", &Bootstrap::mean, ReleaseGil(), "values"_a)
      .def("ratio", &Bootstrap::ratio, ReleaseGil(), "numerators"_a, "denominators"_a)
      .def("mean_ratio", &Bootstrap::mean_ratio, ReleaseGil(), "numerators"_a, "denominators"_a);
}

}  // namespace secgan::python
