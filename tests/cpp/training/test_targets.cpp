#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "secgan/core/random.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/training/secgan_task.hpp"
#include "secgan/training/targets.hpp"
#include "secgan/training/train.hpp"

using namespace secgan;

namespace {

constexpr int64_t kPhotos = 6000;
const AttributeSchema kSchema({"Bald", "Bangs", "Black_Hair", "Blond_Hair", "Eyeglasses"});

/// Bangs in half of them, black or blond hair in two of three, Eyeglasses in one of twenty, nobody bald.
at::Tensor labels_of_photos() {
  const at::Tensor i = at::arange(kPhotos);
  const at::Tensor color = i.remainder(3);
  return at::stack({at::zeros({kPhotos}), i.remainder(2), color == 0, color == 1, i.remainder(20) == 7}, 1).to(at::kFloat);
}

at::Tensor targets(double single_edits) { return draw_targets(kSchema, labels_of_photos(), single_edits, seeded_generator(11)); }

/// [N] bool: labels that no real photo has.
at::Tensor invalid(const at::Tensor& labels) {
  return (labels.select(1, 2) + labels.select(1, 3) + labels.select(1, 0) > 1).logical_or(labels.select(1, 0) + labels.select(1, 1) > 1);
}

/// Keeps the differences that it is asked for, and edits nothing.
class AskedGenerator final : public GeneratorImpl {
 public:
  AskedGenerator(const NetworkSpec& spec, std::vector<at::Tensor>& asked) : GeneratorImpl(spec), asked_(asked) {
    add_feature(spec.image_channels, spec.image_size);
    offset_ = register_parameter("offset", at::zeros({1}));
  }

 private:
  std::vector<at::Tensor> encode_image(const at::Tensor& image) override { return {image}; }
  at::Tensor decode_features(const std::vector<at::Tensor>& features, const at::Tensor& attributes) override {
    asked_.push_back(attributes.detach().clone());
    return features.front() + offset_;
  }

  std::vector<at::Tensor>& asked_;
  at::Tensor offset_;
};

}  // namespace

TEST_CASE("targets are the batch's labels in another order", "[training]") {
  const at::Tensor drawn = targets(0), labels = labels_of_photos();
  CHECK(at::equal(drawn.sum(0), labels.sum(0)));
  CHECK_FALSE(at::equal(drawn, labels));
  CHECK(at::equal(drawn, labels.index_select(0, at::randperm(kPhotos, seeded_generator(11), at::kLong))));
}

TEST_CASE("balanced targets flip one attribute, each equally often, and stay valid", "[training]") {
  const at::Tensor labels = labels_of_photos(), drawn = targets(1), change = drawn - labels;
  CHECK_FALSE(invalid(labels).any().item<bool>());
  CHECK_FALSE(invalid(drawn).any().item<bool>());
  // What is added is one attribute or none; what goes beside an addition is what it excludes.
  const at::Tensor added = (change > 0).sum(1), removed = (change < 0).sum(1);
  CHECK(added.max().item<int64_t>() == 1);
  CHECK(((added == 1).logical_or(removed == 1)).all().item<bool>());
  // 1200 each, give or take 31: Bald is nobody's, and is always added.
  CHECK((change.select(1, 0) > 0).sum().item<double>() == Approx(1200).margin(130));
  CHECK((change.select(1, 4) != 0).sum().item<double>() == Approx(1200).margin(130));
  for (int64_t other : {1, 2, 3}) {
    const at::Tensor alone = (change.select(1, other) > 0).logical_or((change.select(1, other) < 0).logical_and(added == 0));
    CHECK(alone.sum().item<double>() == Approx(1200).margin(130));
  }
}

TEST_CASE("a share of the targets is balanced", "[training]") {
  // Bald is in no photo, so a permutation never asks for it.
  CHECK(targets(0).select(1, 0).sum().item<double>() == 0);
  CHECK(targets(0.5).select(1, 0).sum().item<double>() == Approx(600).margin(100));
}

TEST_CASE("a run asks for single edits in the share that its options name", "[training]") {
  const auto edits = [](double share) {
    std::vector<at::Tensor> asked;
    SecganTaskOptions options = small_scale_recipe();
    options.mask_branch = false;
    options.discriminator_lead = 0;
    options.discriminator_updates = 1;
    options.loader.batch = 32;
    options.losses.bfloat16 = false;
    options.losses.photo.gradient_penalty = 0;
    options.single_edits = share;
    const auto faces = std::make_shared<SyntheticFaces>(SyntheticFacesOptions{.count = 32, .image_size = 32});
    SecganTask task(faces, options, {}, {.photo_generator = [&](const NetworkSpec& spec) {
                      return Generator(std::static_pointer_cast<GeneratorImpl>(std::make_shared<AskedGenerator>(spec, asked)));
                    }});
    task.step(0, 1);
    const at::Tensor all = at::cat(asked);
    return all.index_select(0, (all != 0).any(1).nonzero().squeeze(1));  // without those of reconstructions
  };
  const at::Tensor single = edits(1), permuted = edits(0);
  CHECK(single.size(0) == 64);  // of the discriminator's batch and of the generator's
  CHECK((single > 0).sum(1).max().item<int64_t>() == 1);
  CHECK((permuted > 0).sum(1).max().item<int64_t>() > 1);
}
