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
  with_list("", "is empty");
  with_list("000001.jpg -1 1 1\n000002.jpg -1 1 1\n", "not an attribute list");
  folder.write("list_attr_celeba.txt", kAttributes);

  const auto with_partition = [&](const std::string& list, const std::string& message) {
    folder.write("list_eval_partition.txt", list);
    CHECK_THROWS_AS(CelebA(options), Error);
    CHECK_THROWS_WITH(CelebA(options), Catch::Contains("list_eval_partition.txt") && Catch::Contains(message));
  };
  with_partition("000001.jpg 0\n000002.jpg 3\n", ":2: partition 3");
  with_partition("000001.jpg 0\n000002.jpg\n", ":2: ");
  with_partition("000001.jpg train\n", ":1: 'train'");
  with_partition("000001.jpg 0\n", "'000002.jpg' is missing, and 3 more photos");
  with_partition("000001.jpg 0\n000001.jpg 1\n", ":2: '000001.jpg' has another partition above, 0");
  with_partition("000001.jpg 0\n../000002.jpg 1\n", ":2: '../000002.jpg' leads out");
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

TEST_CASE("CelebA's packages give the same samples", "[data]") {
  std::vector<at::Tensor> official;
  const auto samples = [&](const TemporaryFolder& folder) {
    CelebAOptions options = options_for(folder);
    options.split.reset();
    const CelebA data(options);
    CHECK(data.missing().empty());
    std::vector<std::string> seen;
    for (int64_t i = 0; i < data.size(); ++i) {
      const Sample sample = data.get(i);
      CHECK(at::equal(sample.labels, data.labels(i)));
      if (official.size() < 5) official.push_back(sample.image);
      // The PNG files hold what the JPEG files were made from.
      CHECK((sample.image.to(at::kInt) - official[static_cast<size_t>(i)].to(at::kInt)).abs().max().item<int>() <= 4);
      seen.push_back(sample.id + (sample.labels[0].item<bool>() ? " young" : "") + (sample.labels[1].item<bool>() ? " bald" : ""));
    }
    return seen;
  };
  const std::vector<std::string> expected{"000001 young", "000002 young bald", "000003 bald", "000004 young", "000005"};
  const auto move_photos = [](const TemporaryFolder& folder, const std::string& place) {
    std::filesystem::rename(folder / "img_align_celeba", folder / "photos");
    std::filesystem::create_directories((folder / place).parent_path());
    std::filesystem::rename(folder / "photos", folder / place);
  };
  for (const std::string place :
       {"img_align_celeba", "Img/img_align_celeba", "img_align_celeba/img_align_celeba", "img_align_celeba_png"}) {
    const TemporaryFolder folder;
    write_celeba(folder);
    move_photos(folder, place);
    INFO(place);
    CHECK(samples(folder) == expected);
  }
  SECTION("Kaggle's lists") {
    const TemporaryFolder folder;
    write_celeba(folder);
    folder.write("list_attr_celeba.csv",
                 "image_id,Bald,Smiling,Young\r\n000001.jpg,-1,1,1\r\n000002.jpg,1,-1,1\r\n000003.jpg,1,1,-1\r\n000004.jpg,-1,-1,1\r\n"
                 "000005.jpg,-1,1,-1");
    folder.write("list_eval_partition.csv",
                 "image_id,partition\r\n000001.jpg,0\r\n000002.jpg,1\r\n000003.jpg,0\r\n000004.jpg,2\r\n000005.jpg,0");
    for (const std::string list : {"list_attr_celeba.txt", "list_eval_partition.txt"}) std::filesystem::remove(folder / list);
    CHECK(samples(folder) == expected);
    CHECK(CelebA(options_for(folder)).size() == 3);
    folder.write("list_eval_partition.csv",
                 ",image_id,partition\n0,000001.jpg,0\n1,000002.jpg,1\n2,000003.jpg,0\n3,000004.jpg,2\n4,000005.jpg,0\n");
    CHECK(CelebA(options_for(folder)).size() == 3);
  }
  SECTION("PNG, under names of any case, in a folder beside an empty one") {
    const TemporaryFolder folder;
    write_celeba(folder);
    std::filesystem::create_directories(folder / "img_align_celeba_png");
    for (int64_t i = 1; i <= 5; ++i) {
      const std::string stem = "00000" + std::to_string(i);
      std::filesystem::remove(folder / ("img_align_celeba/" + stem + ".jpg"));
      folder.write("img_align_celeba_png/" + stem + (i % 2 == 0 ? ".png" : ".PNG"), encode_png(gradient_picture(218, 178) + i));
    }
    CHECK(samples(folder) == expected);
    const CelebA data(options_for(folder));
    CHECK_THAT(data.sample_name(0), Catch::EndsWith("img_align_celeba_png/000001.PNG"));
  }
}

TEST_CASE("what CelebA's lists and folders say of each other is counted", "[data]") {
  const TemporaryFolder folder;
  write_celeba(folder);
  CelebAOptions options = options_for(folder);
  options.split.reset();
  const auto notes = [&] {
    std::string text;
    for (const DataNote& note : CelebA(options).notes()) text += (note.wrong ? "wrong: " : "") + note.text + "\n";
    return text;
  };
  CHECK(notes() == "train 3, validation 1, test 1\n");
  folder.write("list_attr_celeba.txt", "9\nBald Smiling Young\n000001.jpg -1 1 1\n000004.jpg -1 1 1\n");
  CHECK_THAT(notes(), Catch::Contains("wrong: '") && Catch::Contains("announces 9 photos, it has rows for 2") &&
                          Catch::Contains("3 photos of") && Catch::Contains("have no labels, as '000002.jpg', '000003.jpg', '000005.jpg'"));

  folder.write("list_attr_celeba.txt", kAttributes);
  for (const std::string name : {"000001", "000002", "000004", "000005"})
    std::filesystem::remove(folder / ("img_align_celeba/" + name + ".jpg"));
  CHECK(CelebA(options).missing().size() == 4);
  options.split = Split::kTrain;
  CHECK(CelebA(options).missing() ==
        std::vector<std::string>{folder / "img_align_celeba/000001.jpg", folder / "img_align_celeba/000005.jpg"});
  options.count = 2;
  CHECK(CelebA(options).missing().size() == 1);
  std::filesystem::remove(folder / "img_align_celeba/000003.jpg");
  CHECK_THROWS_WITH(CelebA(options), Catch::Contains("img_align_celeba' holds none of the data set's pictures"));
  // The wrong folder, one too high.
  std::filesystem::remove_all(folder / "img_align_celeba");
  folder.write("img_align_celeba/000001.jpg", encode_jpeg(gradient_picture(218, 178)));
  options.root = (folder / "img_align_celeba").string();
  CHECK_THROWS_WITH(CelebA(options), Catch::Contains("has no list_attr_celeba.txt") &&
                                         Catch::Contains(folder.path().string() + "/' has: give that as root"));
}

TEST_CASE("two rows for one photo are refused", "[data]") {
  const TemporaryFolder folder;
  write_celeba(folder);
  folder.write("list_attr_celeba.txt", "2\nBald Smiling Young\n000001.jpg -1 1 1\n000001.png 1 1 1\n");
  folder.write("list_eval_partition.txt", "000001.jpg 0\n000001.png 0\n");
  CHECK_THROWS_WITH(CelebA(options_for(folder)), Catch::Contains("'000001.jpg' and '000001.png' are one file"));
}
