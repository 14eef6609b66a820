#include "secgan/data/packed.hpp"

#include <ATen/ATen.h>

#include "secgan/core/labels.hpp"
#include "targets.hpp"

namespace secgan::fuzz {

/// A packed data set, as trainings of every kind open it: its photos alone, with what they show, with masks. Every sample is one of 32 x 32
/// pixels whose labels and classes are ones that there are.
void packed(std::string_view bytes) {
  const std::string file = file_of("packed.safetensors", bytes).string();
  const auto read = [&](const std::vector<std::string>& attributes, bool masks) {
    const PackedDataset data({.file = file, .attributes = attributes, .masks = masks, .split = std::nullopt, .image_size = 32});
    for (int64_t i = 0; i < data.size(); ++i) {
      const Sample sample = data.get(i);
      require(sample.image.sizes() == at::IntArrayRef({3, 32, 32}) && sample.image.scalar_type() == at::kByte, "another photo");
      require(!masks || sample.mask.max().item<int64_t>() < std::ssize(class_names(data.label_set())), "a class that there is not");
      if (!attributes.empty()) {
        const at::Tensor labels = data.labels(i);
        require(labels.numel() == std::ssize(attributes) && at::logical_or(labels == 0, labels == 1).all().item<bool>(), "another label");
      }
      data.sample_name(i);
    }
  };
  read({}, false);
  read({"Bangs", "Male"}, false);
  read({}, true);
}

}  // namespace secgan::fuzz
