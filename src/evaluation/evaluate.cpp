#include "secgan/evaluation/evaluate.hpp"

#include <ATen/ATen.h>

#include "core/format.hpp"
#include "evaluation/notable.hpp"
#include "evaluation/scoring.hpp"
#include "evaluation/subject.hpp"
#include "evaluation/summary.hpp"
#include "io/json.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/digest.hpp"
#include "secgan/nn/state.hpp"

namespace secgan {
namespace {

Pinned pin(const Subject& subject, const PhotoScores& scores) {
  Pinned out;
  out.photos = scores.digest;
  if (!subject.classifier.is_empty()) out.classifier = sha256_tensors(module_state(*subject.classifier));
  const Judges& judges = subject.judges;
  for (const auto* extractor : {&judges.inception, &judges.swav, &judges.other, &judges.identity}) {
    if (!extractor->has_value()) continue;
    out.extractors.push_back(fmt::format("{}, {}, {}", (*extractor)->name, (*extractor)->input, (*extractor)->fingerprint));
  }
  return out;
}

std::string hash_of(const EvaluationProtocol& settings, const Pinned& pinned) {
  nlohmann::ordered_json protocol = detail::to_json(settings);
  protocol.erase("name");        // for people
  protocol.erase("classifier");  // its weights count, not its folder
  return sha256(nlohmann::ordered_json{{"version", kProtocolVersion},
                                       {"protocol", protocol},
                                       {"photos", pinned.photos},
                                       {"classifier", pinned.classifier},
                                       {"extractors", pinned.extractors}}
                    .dump());
}

}  // namespace

std::string Metric::text() const {
  if (!measured) return "not measured: " + missing;
  if (measured->count == 1) return fmt::format("{:.{}f}", measured->value, digits);
  return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", measured->value, digits, measured->low, digits, measured->high, digits);
}

const Metric& Evaluation::metric(std::string_view key) const {
  std::vector<std::string> known;
  for (const Metric& metric : metrics) {
    if (metric.key == key) return metric;
    known.push_back(metric.key);
  }
  throw InvalidArgument(fmt::format("metric '{}' is unknown; known: {}", key, fmt::join(known, ", ")));
}

double Evaluation::value(std::string_view key) const {
  const Metric& found = metric(key);
  if (!found.measured) throw Error(fmt::format("{} was not measured: {}", key, found.missing));
  return found.measured->value;
}

Evaluation evaluate(const Bundle& bundle, const Dataset& data, const EvaluationProtocol& protocol, const Judges& judges,
                    const EvaluationControl& control) {
  const at::NoGradGuard no_grad;
  Subject subject(bundle, data, protocol, judges);
  const PhotoScores scores = score(subject, control);
  Evaluation out;
  out.protocol = subject.protocol;
  out.photos = subject.photos;
  out.pinned = pin(subject, scores);
  out.hash = hash_of(out.protocol, out.pinned);
  out.judged_by_teacher = !bundle.info.teacher.empty() && !subject.classifier.is_empty() &&
                          sha256_rounded_tensors(module_state(*subject.classifier)) == bundle.info.teacher;
  add_metrics(subject, scores, out);
  add_notable_edits(subject, scores, control.notable, out);
  return out;
}

}  // namespace secgan
