#include "secgan/data/celeba.hpp"

#include "targets.hpp"

namespace secgan::fuzz {

/// CelebA's lists beside two photos: the attributes, and behind a zero byte the partition; without one, both photos are of the first split.
void attribute_list(std::string_view bytes) {
  const size_t end = bytes.find('\0');
  const std::string_view partition =
      end == std::string_view::npos ? std::string_view("000001.jpg 0\n000002.jpg 0\n") : bytes.substr(end + 1);
  for (const char* photo : {"celeba/img_align_celeba/000001.jpg", "celeba/img_align_celeba/000002.jpg"}) file_of(photo, {});
  file_of("celeba/list_eval_partition.txt", partition);
  const std::filesystem::path root = file_of("celeba/list_attr_celeba.txt", bytes.substr(0, end)).parent_path();
  const CelebA faces({.root = root.string(), .attributes = {"Bangs", "Male"}, .image_size = 32});
  for (int64_t i = 0; i < faces.size(); ++i) require(!faces.sample_name(i).empty(), "a photo without a name");
}

}  // namespace secgan::fuzz
