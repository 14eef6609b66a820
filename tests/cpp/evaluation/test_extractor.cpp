#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "evaluation/noise.hpp"
#include "golden.hpp"
#include "numeric.hpp"
#include "secgan/bundle/load_weights.hpp"
#include "secgan/core/error.hpp"
#include "secgan/evaluation/extractor.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/io/digest.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/nn/autocast.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

AttributeClassifier small_classifier() {
  torch::manual_seed(2);
  AttributeClassifier classifier = make_classifier({.attributes = 3, .image_size = 32, .options = {.dim = 4, .max_dim = 8}});
  fill_golden(*classifier);
  return classifier;
}

}  // namespace

TEST_CASE("the classifier's features are its last map, averaged, of photos as it is trained on them", "[evaluation]") {
  AttributeClassifier classifier = small_classifier();  // in training mode
  const FeatureExtractor extractor = classifier_extractor(classifier, "drawn-faces");
  CHECK(extractor.name == "drawn-faces");
  CHECK(extractor.dims == 8);
  CHECK_FALSE(extractor.has_logits);
  CHECK(extractor.fingerprint == sha256_tensors(module_state(*classifier)));
  CHECK(extractor.input == "32 x 32, antialiased bilinear on 8 bits, [-1, 1]");

  const at::Tensor photos = noise_photos({3, 3, 48, 40});
  const Extracted extracted = extractor(photos);
  CHECK_FALSE(extracted.logits.defined());
  CHECK_FALSE(extracted.features.requires_grad());
  torch::NoGradGuard no_grad;
  for (int64_t n = 0; n < 3; ++n) {
    const at::Tensor map = classifier->features(to_float(resize_image(photos[n], 32, 32)).unsqueeze(0));
    CHECK(map.sizes() == at::IntArrayRef({1, 8, 4, 4}));
    CHECK(max_difference(extracted.features[n], map.mean({2, 3})[0]) < 1e-5);
  }
}

TEST_CASE("features do not depend on how photos are batched, nor on a bfloat16 region around", "[evaluation]") {
  const FeatureExtractor extractor = classifier_extractor(small_classifier(), "drawn-faces");
  const at::Tensor photos = noise_photos({5, 3, 32, 32});
  const at::Tensor whole = extractor(photos).features;
  CHECK(max_difference(whole[0], whole[1]) > 1e-3);
  for (const int64_t chunk : {1, 2, 5, 100}) {
    CAPTURE(chunk);
    CHECK(max_difference(extractor(photos, chunk).features, whole) < 1e-5);
  }
  const AutocastGuard bfloat16(true);
  CHECK(max_difference(extractor(photos).features, whole) < 1e-5);
}

TEST_CASE("an extractor of one's own is chunked, joined and checked", "[evaluation]") {
  std::vector<int64_t> sizes;
  FeatureExtractor own{.name = "mean-color", .dims = 3, .has_logits = true, .extract = [&](const at::Tensor& photos) {
                         sizes.push_back(photos.size(0));
                         const at::Tensor color = photos.to(at::kDouble).mean({2, 3});
                         return Extracted{color, color.narrow(1, 0, 2)};
                       }};
  const at::Tensor photos = noise_photos({5, 3, 4, 6});
  const Extracted extracted = own(photos, 2);
  CHECK(sizes == std::vector<int64_t>{2, 2, 1});
  CHECK(extracted.features.scalar_type() == at::kFloat);
  CHECK(max_difference(extracted.features, photos.to(at::kDouble).mean({2, 3})) < 1e-4);
  CHECK(extracted.logits.sizes() == at::IntArrayRef({5, 2}));
  CHECK(own(photos.narrow(0, 0, 0)).features.sizes() == at::IntArrayRef({0, 3}));
  CHECK_THROWS_WITH(own(photos, 0), Catch::Contains("chunk 0 is not positive"));
  CHECK_THROWS_WITH(own(photos[0]), Catch::Contains("photos must be [N, 3, H, W]"));
  own.dims = 4;
  CHECK_THROWS_WITH(own(photos), Catch::Contains("mean-color"));
}

TEST_CASE("missing weights are named with where they come from", "[evaluation]") {
  CHECK_THROWS_AS(inception_extractor("nowhere.pth"), FileNotFound);
  CHECK_THROWS_WITH(inception_extractor("nowhere.pth"), Catch::Contains("'nowhere.pth' is missing") &&
                                                            Catch::Contains("nothing is downloaded") &&
                                                            Catch::Contains("pt_inception-2015-12-05-6726825d.pth"));
  CHECK_THROWS_WITH(swav_extractor("nowhere.pth"), Catch::Contains("swav_800ep_pretrain.pth.tar"));
  CHECK_THROWS_WITH(inception_extractor("nowhere.pth", 100), Catch::Contains("dims 100"));
  CHECK_THROWS_AS(program_extractor({.file = "nowhere.pt"}), FileNotFound);
  CHECK_THROWS_WITH(program_extractor({}), Catch::Contains("file is missing"));
  CHECK_THROWS_WITH(program_extractor({.file = "nowhere.pt", .input_size = 0}), Catch::Contains("input_size 0"));
}

TEST_CASE("a network's own file makes the extractor of the same numbers", "[evaluation]") {
  torch::NoGradGuard no_grad;
  const TemporaryFolder folder;
  const at::Tensor photos = noise_photos({2, 3, 60, 50});
  ResNet network(kSwavResNet50);
  fill_golden(*network);
  network->eval();
  NamedTensors state = module_state(*network);
  state.emplace_back("prototypes.weight", at::zeros({3, 4}));
  const auto file = folder.write("swav.safetensors", encode_safetensors(state));

  const FeatureExtractor extractor = swav_extractor(file);
  CHECK(extractor.name == "swav-resnet50");
  CHECK(extractor.dims == 2048);
  CHECK(extractor.fingerprint == sha256_file(file));
  const at::Tensor features = extractor(photos, 1).features;
  CHECK(max_difference(features, network->features(kSwavInput(photos))) < 1e-4);

  // The heads are passed over for what they are, anything else is not.
  state.back().first = "fc.weight";
  CHECK_THROWS_WITH(swav_extractor(folder.write("supervised.safetensors", encode_safetensors(state))),
                    Catch::Contains("'fc.weight' belongs to no layer") && Catch::Contains("'resnet-50' of 3 classes"));
  CHECK_THROWS_WITH(inception_extractor(file),
                    Catch::Contains("'Conv2d_1a_3x3.conv.weight' is missing") && Catch::Contains("'resnet-50' without a classifier"));
  const std::string before = sha256_tensors(module_state(*network));
  state[3].second = at::zeros({7});
  CHECK_THROWS_WITH(load_weights(network, folder.write("damaged.safetensors", encode_safetensors(state))),
                    Catch::Contains("'bn1.running_mean' has shape [7]"));
  CHECK(sha256_tensors(module_state(*network)) == before);
}
