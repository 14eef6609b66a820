#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "random_bundle.hpp"
#include "secgan/core/error.hpp"
#include "secgan/evaluation/report.hpp"
#include "secgan/io/digest.hpp"
#include "secgan/io/file.hpp"
#include "secgan/models/classifier.hpp"
#include "secgan/nn/state.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

Evaluation small_evaluation(double strength = 1) {
  EvaluationProtocol protocol;
  protocol.photos = 3;
  protocol.resamples = 20;
  protocol.strength = strength;
  return evaluate(random_bundle(), SyntheticFaces({.count = 3, .image_size = 32}), protocol, {}, {.notable = 1});
}

}  // namespace

TEST_CASE("a report carries every metric with interval, count and hash", "[evaluation]") {
  const TemporaryFolder folder;
  const Evaluation evaluation = small_evaluation();
  write_evaluation(folder.path() / "out", evaluation, {"model <1>", "abc", "drawn faces", {}, {}});
  const auto json = nlohmann::json::parse(read_file(folder.path() / "out" / "report.json"));
  CHECK(json["hash"] == evaluation.hash);
  CHECK(json["figures"]["tarr"]["value"].get<double>() == evaluation.value("tarr"));
  CHECK(json["figures"]["tarr"]["count"] == 3);
  CHECK(json["figures"]["fid"]["missing"] == "no weights were given (--inception)");
  CHECK_FALSE(json["figures"]["fid"].contains("value"));
  for (const auto& [key, metric] : json["figures"].items()) CHECK(metric["protocol"] == evaluation.hash.substr(0, 12));
  CHECK(json["attributes"]["Bald"].contains("tarr_add"));
  const std::string markdown = read_file(folder.path() / "out" / "report.md"), html = read_file(folder.path() / "out" / "report.html");
  CHECK(markdown.find(evaluation.hash.substr(0, 12)) != std::string::npos);
  CHECK(markdown.find("not measured: no weights were given (--swav)") != std::string::npos);
  CHECK(html.find("model &lt;1&gt;") != std::string::npos);
  CHECK(html.find("data:image/png;base64,") != std::string::npos);
  // The protocol as written is the protocol as used.
  EvaluationProtocol again = open_protocol((folder.path() / "out" / "protocol.toml").string());
  CHECK(evaluate(random_bundle(), SyntheticFaces({.count = 3, .image_size = 32}), again).hash == evaluation.hash);
}

TEST_CASE("a judge that taught the generator is named before the figures", "[evaluation]") {
  const TemporaryFolder folder;
  EvaluationProtocol protocol;
  protocol.photos = 3;
  protocol.resamples = 20;
  const SyntheticFaces faces({.count = 3, .image_size = 32});
  Bundle bundle = random_bundle();
  bundle.info.teacher = sha256_rounded_tensors(module_state(*bundle.classifier));
  const ReportContext context{"pupil", "abc", "drawn faces", {}, {}};
  const Evaluation taught = evaluate(bundle, faces, protocol);
  CHECK(taught.judged_by_teacher);
  for (const std::string& report : {evaluation_markdown(taught, context), evaluation_html(taught, context)})
    CHECK(report.find("The judge is the classifier that taught this generator") != std::string::npos);
  write_evaluation(folder.path() / "out", taught, context);
  CHECK(compare_reports({folder.path() / "out" / "report.json"}).find("pupil was judged by the classifier that taught it") == 0);
  // The same judge, from a bundle in half precision.
  {
    const at::NoGradGuard no_grad;
    for (at::Tensor& weight : bundle.classifier->parameters()) weight.copy_(weight.to(at::kHalf));
  }
  CHECK(evaluate(bundle, faces, protocol).judged_by_teacher);
  Judges other{.classifier = make_classifier(bundle.classifier->config())};
  const Evaluation fair = evaluate(bundle, faces, protocol, other);
  CHECK_FALSE(fair.judged_by_teacher);
  CHECK(evaluation_markdown(fair, context).find("The judge is") == std::string::npos);
}

TEST_CASE("reports of different protocols share no table unless asked", "[evaluation]") {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, double strength) {
    write_evaluation(folder.path() / name, small_evaluation(strength), {name, "abc", "drawn faces", {}, {}});
    return folder.path() / name / "report.json";
  };
  const auto a = write("one", 1), b = write("two", 1), c = write("strong", 2);
  const std::string table = compare_reports({a, b});
  CHECK(table.find("| Metric | one | two |") == 0);
  CHECK(table.find("not measured | not measured") != std::string::npos);
  CHECK_THROWS_WITH(compare_reports({a, c}), Catch::Contains("different protocols: strength is 1.0 and 2.0"));
  CHECK(compare_reports({a, c}, true).find("Different protocols: these metrics are not comparable.") == 0);
  write_file(folder.path() / "text.json", "{}");
  CHECK_THROWS_WITH(compare_reports({a, folder.path() / "text.json"}), Catch::Contains("text.json: not a report of secgan evaluate"));
  CHECK_THROWS_AS(compare_reports({folder.path() / "nowhere.json"}), FileNotFound);
}
