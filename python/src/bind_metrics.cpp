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
  using Moments = std::tuple<at::Tensor, at::Tensor, std::optional<int64_t>>;
  const auto pair = [](const MeanDeviation& figure) { return std::pair(figure.mean, figure.deviation); };

  // The state is Python's: tensors of a metric object, updated in place.
  py::class_<FeatureStatistics>(module, "FeatureStatistics")
      .def(py::init<at::Tensor, at::Tensor, at::Tensor>())
      .def("update", &FeatureStatistics::update, ReleaseGil())
      .def(
          "resume",
          [](FeatureStatistics& statistics, const Moments& moments) {
            statistics.reset();
            statistics.merge(FeatureStatistics(GaussianMoments{std::get<0>(moments), std::get<1>(moments), std::get<2>(moments)}));
          },
          ReleaseGil())
      .def(
          "moments",
          [](const FeatureStatistics& statistics) {
            const GaussianMoments m = statistics.moments();
            return Moments(m.mean, m.covariance, m.count);
          },
          ReleaseGil());
  module.def(
      "load_moments",
      [](const std::string& file) {
        const GaussianMoments m = load_moments(file);
        return Moments(m.mean, m.covariance, m.count);
      },
      ReleaseGil());
  module.def(
      "save_moments",
      [](const std::string& file, const Moments& moments) {
        save_moments(file, {std::get<0>(moments), std::get<1>(moments), std::get<2>(moments)});
      },
      ReleaseGil());

  module.def(
      "frechet_distance",
      [](const at::Tensor& mean1, const at::Tensor& covariance1, const at::Tensor& mean2, const at::Tensor& covariance2) {
        return frechet_distance(mean1, covariance1, mean2, covariance2);
      },
      ReleaseGil());
  module.def(
      "kernel_distance",
      [pair](const at::Tensor& a, const at::Tensor& b, int64_t subsets, int64_t subset_size, uint64_t seed) {
        return pair(kernel_distance(a, b, {.subsets = subsets, .subset_size = subset_size, .seed = seed}));
      },
      ReleaseGil());
  module.def(
      "inception_score", [pair](const at::Tensor& logits, int64_t splits) { return pair(inception_score(logits, splits)); }, ReleaseGil());
  module.def("structural_similarity", &structural_similarity, ReleaseGil());
  module.def("psnr", &psnr, ReleaseGil());

  py::class_<MaskAgreement>(module, "MaskAgreement")
      .def(py::init<at::Tensor>())
      .def("update", &MaskAgreement::update, ReleaseGil())
      .def("iou", &MaskAgreement::iou)
      .def("mean_iou", &MaskAgreement::mean_iou)
      .def("pixel_accuracy", &MaskAgreement::pixel_accuracy);
  py::class_<LabelAgreement>(module, "LabelAgreement")
      .def(py::init<at::Tensor, at::Tensor>())
      .def("update", py::overload_cast<const at::Tensor&, const at::Tensor&>(&LabelAgreement::update), ReleaseGil())
      .def("rates", &LabelAgreement::rates)
      .def("mean", &LabelAgreement::mean);

  py::class_<Interval>(module, "Interval")
      .def_readonly("value", &Interval::value)
      .def_readonly("low", &Interval::low)
      .def_readonly("high", &Interval::high)
      .def_readonly("count", &Interval::count);
  py::class_<Bootstrap>(module, "Bootstrap")
      .def(py::init<int64_t, int64_t, uint64_t, double>(), ReleaseGil())
      .def("weights", &Bootstrap::weights)
      .def("interval", &Bootstrap::interval, ReleaseGil())
      .def("mean", &Bootstrap::mean, ReleaseGil())
      .def("ratio", &Bootstrap::ratio, ReleaseGil())
      .def("mean_ratio", &Bootstrap::mean_ratio, ReleaseGil());
}

}  // namespace secgan::python
