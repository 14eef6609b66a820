#pragma once
/// A data set of noise in memory: what a step costs does not depend on what it sees.

#include <ATen/ATen.h>

#include <string>
#include <utility>
#include <vector>

#include "core/format.hpp"
#include "secgan/core/random.hpp"
#include "secgan/data/dataset.hpp"

namespace secgan {

class RandomFaces final : public Dataset {
 public:
  RandomFaces(int64_t count, int64_t side, int64_t attributes) : side_(side), schema_(names(attributes)) {
    const at::Generator random = seeded_generator(1);
    images_ = at::randint(0, 256, {count, 3, side, side}, random, at::kByte);
    labels_ = at::randint(0, 2, {count, attributes}, random, at::kFloat);
  }

  int64_t size() const override { return images_.size(0); }
  Sample get(int64_t index) const override { return {images_[index], labels_[index], {}, std::to_string(index)}; }
  int64_t image_size() const override { return side_; }
  const AttributeSchema& attributes() const override { return schema_; }
  bool has_masks() const override { return false; }
  at::Tensor labels(int64_t index) const override { return labels_[index]; }

 private:
  static std::vector<std::string> names(int64_t attributes) {
    std::vector<std::string> out;
    for (int64_t i = 0; i < attributes; ++i) out.push_back(fmt::format("attribute {}", i));
    return out;
  }

  int64_t side_;
  AttributeSchema schema_;
  at::Tensor images_, labels_;
};

}  // namespace secgan
