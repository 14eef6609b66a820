#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <cmath>

#include "random_bundle.hpp"
#include "secgan/core/error.hpp"
#include "secgan/editing/regions.hpp"
#include "secgan/evaluation/evaluate.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/metrics/frechet.hpp"
#include "secgan/metrics/structural_similarity.hpp"
#include "secgan/models/callable.hpp"
#include "secgan/ops/hard_segmentation.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

const SyntheticFaces kFaces({.count = 7, .image_size = 32, .seed = 4});

EvaluationProtocol few(int64_t photos = 5) {
  EvaluationProtocol protocol;
  protocol.photos = photos;
  protocol.min_samples = 2;
  protocol.resamples = 50;
  protocol.distribution_resamples = 10;
  return protocol;
}

/// Features of which the test knows the mean: colors.
FeatureExtractor colors() {
  FeatureExtractor extractor;
  extractor.name = "colors";
  extractor.fingerprint = "none";
  extractor.input = "as it is";
  extractor.dims = 3;
  extractor.extract = [](const at::Tensor& photos) { return Extracted{photos.to(at::kFloat).mean({2, 3}), {}}; };
  return extractor;
}

const Metric& of_attribute(const Evaluation& evaluation, size_t attribute, const std::string& key) {
  for (const Metric& metric : evaluation.attributes.at(attribute).metrics) {
    if (metric.key == key) return metric;
  }
  throw std::runtime_error("no metric " + key);
}

}  // namespace

TEST_CASE("metrics equal a slow count, face by face", "[evaluation]") {
  Bundle bundle = random_bundle();
  EvaluationProtocol protocol = few();
  protocol.strength = 1.5;
  const Evaluation found = evaluate(bundle, kFaces, protocol, {.other = colors()}, {.batch = 2});
  CHECK(found.photos == 5);
  const AttributeSchema schema(bundle.info.attributes);
  at::NoGradGuard no_grad;
  const FaceParser& parser = *bundle.parser;
  double psnr = 0, l1 = 0, ssim = 0;
  std::vector<double> hits(9), added(9), adds(9), stay(9), may_stay(9), right(9), change(9), pixels(9);
  at::Tensor pairs = at::zeros({12, 12}, at::kDouble);
  std::vector<at::Tensor> real, fake;
  for (int64_t i = 0; i < 5; ++i) {
    const Sample s = kFaces.get(i);
    const at::Tensor x = to_float(s.image).unsqueeze(0), y = s.labels.unsqueeze(0);
    const at::Tensor back = to_float(to_bytes(bundle.generator->forward(x, at::zeros({1, 9}))));
    psnr += 10 * std::log10(4 / (back - x).to(at::kDouble).pow(2).mean().item<double>()) / 5;
    l1 += (back - x).abs().mean().item<double>() / 5;
    ssim += structural_similarity(back, x).item<double>() / 5;
    const at::Tensor before = bundle.classifier->forward(x)[0] > 0, parse = parser.ids(x);
    const at::Tensor mask_in = hard_segmentation(parser.log_probabilities(x));
    real.push_back(s.image.to(at::kDouble).mean({1, 2}));
    for (int64_t a = 0; a < 9; ++a) {
      const auto k = static_cast<size_t>(a);
      right[k] += before[a].item<bool>() == (s.labels[a].item<float>() > 0.5) ? 1 : 0;
      const at::Tensor target = schema.flip(y, a);
      const at::Tensor condition = 0.5 * 1.5 * (target - y);  // the bundle's intensity, the protocol's strength
      const at::Tensor bytes = to_bytes(bundle.generator->forward(x, condition)), edit = to_float(bytes);
      const at::Tensor after = bundle.classifier->forward(edit)[0] > 0;
      const bool adding = target[0][a].item<float>() > 0.5, hit = after[a].item<bool>() == adding;
      hits[k] += hit;
      added[k] += adding && hit;
      adds[k] += adding;
      for (int64_t other = 0; other < 9; ++other) {
        if (other == a || target[0][other].item<float>() != y[0][other].item<float>()) continue;
        stay[k] += before[other].item<bool>() == after[other].item<bool>();
        may_stay[k] += 1;
      }
      const at::Tensor parsed = parser.ids(edit);
      const at::Tensor outside = ~touchable(parse, parsed, schema.names()[k], 2);  // 3 px of 64, rounded
      change[k] += ((edit - x).abs()[0].mean(0) * outside[0]).sum().item<double>();
      pixels[k] += outside.sum().item<double>();
      const at::Tensor mask = bundle.mask_generator->forward(mask_in, condition).argmax(1);
      for (int64_t p = 0; p < 32 * 32; ++p) pairs[mask.flatten()[p].item<int64_t>()][parsed.flatten()[p].item<int64_t>()] += 1;
      fake.push_back(bytes[0].to(at::kDouble).mean({1, 2}));
    }
  }
  const auto mean = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0, count = 0;
    for (size_t k = 0; k < a.size(); ++k) {
      if (b[k] > 0) sum += a[k] / b[k], count += 1;
    }
    return sum / count;
  };
  const std::vector<double> five(9, 5);
  CHECK(found.value("psnr") == Approx(psnr).epsilon(1e-6));
  CHECK(found.value("l1") == Approx(l1).epsilon(1e-6));
  CHECK(found.value("ssim") == Approx(ssim).epsilon(1e-6));
  CHECK(found.value("tarr") == Approx(mean(hits, five)));
  CHECK(found.value("tarr_add") == Approx(mean(added, adds)));
  CHECK(found.value("preservation") == Approx(mean(stay, may_stay)));
  CHECK(found.value("classifier_accuracy") == Approx(mean(right, five)));
  CHECK(found.value("change_outside") == Approx(mean(change, pixels)).epsilon(1e-4));
  CHECK(of_attribute(found, 4, "tarr").measured->value == Approx(hits[4] / 5));
  CHECK(of_attribute(found, 4, "change_outside").measured->value == Approx(change[4] / pixels[4]).epsilon(1e-4));
  double iou = 0, classes = 0, both_all = 0;
  for (int64_t c = 0; c < 12; ++c) {
    const double both = pairs[c][c].item<double>(), any = pairs[c].sum().item<double>() + pairs.select(1, c).sum().item<double>() - both;
    both_all += both;
    if (any > 0) iou += both / any, classes += 1;
  }
  CHECK(found.value("branch_miou") == Approx(iou / classes));
  CHECK(found.value("branch_accuracy") == Approx(both_all / (45 * 32 * 32)));
  const auto moments = [](const std::vector<at::Tensor>& rows) {
    const at::Tensor all = at::stack(rows), centered = all - all.mean(0);
    return std::pair(all.mean(0), at::matmul(centered.t(), centered) / (all.size(0) - 1));
  };
  const auto [m1, s1] = moments(real);
  const auto [m2, s2] = moments(fake);
  CHECK(found.value("frechet_colors") == Approx(frechet_distance(m1, s1, m2, s2)).epsilon(1e-4));
  CHECK(found.metric("parser_miou").measured.has_value());
  CHECK(found.metric("fid").text() == "not measured: no weights were given (--inception)");
  CHECK_THROWS_WITH(found.value("ssfid"), "ssfid was not measured: no weights were given (--swav)");
  CHECK_THROWS_WITH(found.metric("lpips"), Catch::Contains("metric 'lpips' is unknown; known: tarr, "));
  for (const Metric& metric : found.metrics) {
    if (!metric.measured || metric.key == "peak_memory") continue;
    INFO(metric.key);
    CHECK(metric.measured->low <= metric.measured->high);
    if (metric.key != "milliseconds_per_photo") CHECK(metric.measured->count <= 5);
  }
}

TEST_CASE("a reconstruction without any error has a finite PSNR, of 60 dB", "[evaluation]") {
  Bundle bundle = random_bundle();
  bundle.generator =
      make_callable_generator(bundle.generator->spec(), [](const at::Tensor& image, const at::Tensor&) { return image; }, {});
  const Evaluation found = evaluate(bundle, kFaces, few(), {.other = colors()}, {.batch = 2});
  CHECK(found.value("psnr") == 60);
  CHECK(found.value("ssim") == Approx(1));
  CHECK(found.value("l1") == 0);
}

TEST_CASE("neither metrics nor hash depend on the batch, and both repeat", "[evaluation]") {
  const Bundle bundle = random_bundle();
  EvaluationProtocol protocol = few(7);
  protocol.edits_per_photo = 3;
  protocol.kernel_subset_size = 5;
  FeatureExtractor inception = colors();  // in its place, with logits: KID's subsets and the score's splits depend on the order
  inception.has_logits = true;
  inception.extract = [](const at::Tensor& photos) {
    return Extracted{photos.to(at::kFloat).mean({2, 3}), photos.to(at::kFloat).mean({1, 3}) / 50};
  };
  const Judges judges{.inception = inception, .other = colors()};
  const Evaluation a = evaluate(bundle, kFaces, protocol, judges, {.batch = 2}),
                   b = evaluate(bundle, kFaces, protocol, judges, {.batch = 7});
  CHECK(a.metric("is").measured.has_value());
  CHECK(a.hash == b.hash);
  REQUIRE(a.metrics.size() == b.metrics.size());
  for (size_t i = 0; i < a.metrics.size(); ++i) {
    const Metric &x = a.metrics[i], &y = b.metrics[i];
    INFO(x.key);
    if (x.key == "milliseconds_per_photo" || x.key == "peak_memory" || !x.measured) continue;
    CHECK(x.measured->value == Approx(y.measured->value).epsilon(1e-6));
    CHECK(x.measured->low == Approx(y.measured->low).epsilon(1e-6));
  }
}

TEST_CASE("the hash covers what metrics depend on beside the model, and nothing else", "[evaluation]") {
  const auto hash = [](const EvaluationProtocol& protocol, const Judges& judges = {}, Bundle bundle = random_bundle(), uint64_t seed = 4) {
    return evaluate(bundle, SyntheticFaces({.count = 7, .image_size = 32, .seed = seed}), protocol, judges).hash;
  };
  const std::string plain = hash(few());
  const auto changed = [&](auto&& change) {
    EvaluationProtocol protocol = few();
    change(protocol);
    return hash(protocol);
  };
  CHECK(changed([](EvaluationProtocol& p) { p.name = "mine"; }) == plain);
  CHECK(changed([](EvaluationProtocol& p) { p.attributes = synthetic_attribute_names(); }) == plain);  // the default, written out
  CHECK(changed([](EvaluationProtocol& p) { p.strength = 2; }) != plain);
  CHECK(changed([](EvaluationProtocol& p) { p.photos = 4; }) != plain);
  CHECK(changed([](EvaluationProtocol& p) { p.conflicts = ConflictRules::kNone; }) != plain);
  CHECK(changed([](EvaluationProtocol& p) { p.seed = 2; }) != plain);
  CHECK(changed([](EvaluationProtocol& p) { p.attributes = {"Bald"}; }) != plain);
  CHECK(hash(few(), {}, random_bundle(), 5) != plain);  // other people
  CHECK(hash(few(), {.other = colors()}) != plain);
  // Another generator is what is being measured; another judge is not.
  Bundle other = random_bundle();
  other.generator->parameters()[0].data().mul_(2);
  CHECK(hash(few(), {}, other) == plain);
  other.classifier->parameters()[0].data().mul_(2);
  CHECK(hash(few(), {}, other) != plain);
}

TEST_CASE("edits that change most outside, and those furthest from real faces, are shown", "[evaluation]") {
  const Evaluation found = evaluate(random_bundle(), kFaces, few(7), {.other = colors()}, {.notable = 3});
  CHECK(found.neighbors == "colors");
  CHECK(found.outside.size() == 9 * 3);
  for (size_t i = 0; i < found.outside.size(); ++i) {
    if (i % 3 > 0) CHECK(found.outside[i].value <= found.outside[i - 1].value);
    CHECK(found.outside[i].attribute == synthetic_attribute_names()[i / 3]);
    CHECK(found.outside[i].after.sizes() == at::IntArrayRef({3, 32, 32}));
  }
  // The furthest, by a slow search: the same extractor, photo and label.
  const NotableEdit& edit = found.far_from_real.at(0);
  double nearest = 1e9;
  for (int64_t i = 0; i < 7; ++i) {
    const Sample s = kFaces.get(i);
    if ((s.labels[0].item<float>() > 0.5) != edit.adding) continue;
    nearest = std::min(nearest, (s.image.to(at::kDouble).mean({1, 2}) - edit.after.to(at::kDouble).mean({1, 2})).norm().item<double>());
  }
  CHECK(edit.value == Approx(nearest).epsilon(1e-4));
  CHECK(evaluate(random_bundle(), kFaces, few(), {}, {.notable = 0}).outside.empty());
}

TEST_CASE("what does not fit is refused in one line", "[evaluation]") {
  const Bundle bundle = random_bundle();
  CHECK_THROWS_WITH(evaluate(bundle, SyntheticFaces({.count = 2, .image_size = 64}), few(2)),
                    "the data set's side 64 is not the bundle's 32");
  CHECK_THROWS_WITH(evaluate(bundle, kFaces, few(8)), "photos 8 are more than the split has (7)");
  EvaluationProtocol protocol = few();
  protocol.min_samples = 100;
  CHECK_THROWS_WITH(evaluate(bundle, kFaces, protocol, {.other = colors()}),
                    Catch::Contains("needs at least 100 photos and edits (min_samples), found 5 and 45"));
  CHECK_NOTHROW(evaluate(bundle, kFaces, protocol));  // no distance is asked for
  protocol = few();
  protocol.attributes = {"Beard"};
  CHECK_THROWS_WITH(evaluate(bundle, kFaces, protocol), Catch::Contains("attribute 'Beard' is unknown; known: Bald"));
  Bundle renamed = bundle;
  renamed.info.attributes[0] = "Young";
  CHECK_THROWS_WITH(evaluate(renamed, kFaces, few()), Catch::Contains("the data set's attributes (Bald, "));
}

TEST_CASE("a bundle without a network leaves its metrics unmeasured, with the reason", "[evaluation]") {
  Bundle bundle = random_bundle();
  bundle.generator = bundle.mask_generator = Generator(nullptr);
  const Evaluation judge = evaluate(bundle, kFaces, few());
  CHECK(judge.metric("tarr").missing == "the bundle has no generator");
  CHECK(judge.metric("classifier_accuracy").measured.has_value());
  CHECK(judge.metric("parser_miou").measured.has_value());
  bundle = random_bundle();
  bundle.parser.reset();
  const Evaluation blind = evaluate(bundle, kFaces, few());
  CHECK(blind.metric("change_outside").missing == "the bundle has no parser");
  CHECK(blind.metric("tarr").measured.has_value());
}
