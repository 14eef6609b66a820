#include <catch2/catch.hpp>

#include "image/pictures.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/celeba.hpp"
#include "secgan/image/image_file.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

constexpr const char* kAttributes =
    "5\r\n"
    "Bald Smiling Young \r\n"
    "000001.jpg -1  1  1\r\n"
    "000002.jpg  1 -1  1\r\n"
    "000003.jpg  1  1 -1\r\n"
    "000004.jpg -1 -1  1\r\n"
    "000005.jpg -1  1 -1\r\n";
constexpr const char* kPartition = "000001.jpg 0\n000002.jpg 1\n000003.jpg 0\n000004.jpg 2\n000005.jpg 0\n";

/// @param official  the folders of the official download instead of everything in the root
void write_celeba(const TemporaryFolder& folder, bool official = false) {
  folder.write(official ? "Anno/list_attr_celeba.txt" : "list_attr_celeba.txt", kAttributes);
  folder.write(official ? "Eval/list_eval_partition.txt" : "list_eval_partition.txt", kPartition);
  const std::string photos = official ? "Img/img_align_celeba/" : "img_align_celeba/";
  for (int64_t i = 1; i <= 5; ++i) {
    folder.write(photos + "00000" + std::to_string(i) + ".jpg", encode_jpeg(gradient_picture(218, 178) + i));
  }
}

CelebAOptions options_for(const TemporaryFolder& folder) {
  return {.root = folder.path().string(), .attributes = {"Young", "Bald"}, .image_size = 32};
}

}  // namespace

TEST_CASE("CelebA gives the split's photos with the asked-for labels in the asked-for order", "[data]") {
  for (const bool official : {false, true}) {
    const TemporaryFolder folder;
    write_celeba(folder, official);
    const CelebA data(options_for(folder));
    REQUIRE(data.size() == 3);
    CHECK(data.attributes().names() == std::vector<std::string>{"Young", "Bald"});
    CHECK_FALSE(data.has_masks());
    const Sample second = data.get(1);
    CHECK(second.id == "000003");
    CHECK(at::equal(second.labels, torch::tensor({0.0f, 1.0f})));
    CHECK(at::equal(data.get(0).labels, torch::tensor({1.0f, 0.0f})));
    CHECK_FALSE(second.mask.defined());
    // AttGAN's crop by default: the central 170 of 178 x 218.
    const at::Tensor photo = read_image(data.sample_name(1));
    CHECK(at::equal(second.image, resize_image(crop_image(photo, {4, 24, 170, 170}), 32, 32)));
  }
}

TEST_CASE("the other splits, the first few, and no attributes", "[data]") {
  const TemporaryFolder folder;
  write_celeba(folder);
  CelebAOptions options = options_for(folder);
  options.split = Split::kValidation;
  CHECK(CelebA(options).get(0).id == "000002");
  options.split = Split::kTest;
  CHECK(CelebA(options).get(0).id == "000004");
  options.split = Split::kTrain;
  options.count = 2;
  CHECK(CelebA(options).size() == 2);
  options.attributes.clear();
  const CelebA plain(options);
  CHECK(plain.attributes().size() == 0);
  CHECK_FALSE(plain.get(0).labels.defined());
}

TEST_CASE("CelebA's mistakes name the file and the line", "[data]") {
  const TemporaryFolder folder;
  write_celeba(folder);
  CelebAOptions options = options_for(folder);

  options.attributes = {"Smilling"};
  CHECK_THROWS_AS(CelebA(options), InvalidArgument);
  CHECK_THROWS_WITH(CelebA(options), Catch::Contains("'Smilling'") && Catch::Contains("Bald, Smiling, Young"));
  options = options_for(folder);

  const auto with_list = [&](const std::string& list, const std::string& message) {
    folder.write("list_attr_celeba.txt", list);
    CHECK_THROWS_AS(CelebA(options), Error);
    CHECK_THROWS_WITH(CelebA(options), Catch::Contains("list_attr_celeba.txt") && Catch::Contains(message));
  };
  with_list("1\nBald Smiling Young\n000001.jpg -1 1\n", ":3: ");
  with_list("1\n\nBald Smiling Young\n000001.jpg -1 x 1\n000002.jpg -1 1 yes\n", ":5: label 'yes'");
  with_list("", "not an attribute list");
  with_list("Bald Smiling Young\n000001.jpg -1 1 1\n", "not an attribute list");
  folder.write("list_attr_celeba.txt", kAttributes);

  const auto with_partition = [&](const std::string& list, const std::string& message) {
    folder.write("list_eval_partition.txt", list);
    CHECK_THROWS_AS(CelebA(options), Error);
    CHECK_THROWS_WITH(CelebA(options), Catch::Contains("list_eval_partition.txt") && Catch::Contains(message));
  };
  with_partition("000001.jpg 0\n000002.jpg 3\n", ":2: partition 3");
  with_partition("000001.jpg 0\n000002.jpg\n", ":2: ");
  with_partition("000001.jpg train\n", ":1: 'train'");
  with_partition("000001.jpg 0\n", "'000002.jpg' is missing");
  with_partition("000001.jpg 1\n000002.jpg 1\n000003.jpg 1\n000004.jpg 1\n000005.jpg 1\n", "the train split is empty");
}

TEST_CASE("CelebA's missing files and unfit photos are told by name", "[data]") {
  const TemporaryFolder folder;
  write_celeba(folder);
  CelebAOptions options = options_for(folder);
  std::filesystem::remove(folder / "img_align_celeba/000003.jpg");
  CHECK_THROWS_AS(CelebA(options).get(1), FileNotFound);
  CHECK_THROWS_WITH(CelebA(options).get(1), Catch::Contains("000003.jpg"));
  // Half-size files and the crop of the full size.
  folder.write("img_align_celeba/000003.jpg", encode_jpeg(gradient_picture(109, 89)));
  CHECK_THROWS_WITH(CelebA(options).get(1), Catch::Contains("000003.jpg") && Catch::Contains("center:170") && Catch::Contains("89 x 109"));
  options.crop = parse_crop("center:85");
  CHECK(CelebA(options).get(1).image.sizes() == at::IntArrayRef({3, 32, 32}));

  std::filesystem::remove(folder / "list_eval_partition.txt");
  CHECK_THROWS_AS(CelebA(options), FileNotFound);
  CHECK_THROWS_WITH(CelebA(options), Catch::Contains("list_eval_partition.txt or Eval/list_eval_partition.txt"));
  options.root = (folder / "none").string();
  CHECK_THROWS_AS(CelebA(options), FileNotFound);
}
