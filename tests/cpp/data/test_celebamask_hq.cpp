#include <catch2/catch.hpp>

#include "image/pictures.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/celebamask_hq.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// Photos of 40 x 40 with the ids given; what else a test needs it adds.
void write_photos(const TemporaryFolder& folder, const std::vector<int64_t>& ids) {
  for (const int64_t id : ids) folder.write("CelebA-HQ-img/" + std::to_string(id) + ".jpg", encode_jpeg(gradient_picture(40, 40)));
}

void write_mask(const TemporaryFolder& folder, int64_t id, const at::Tensor& ids, Labels labels) {
  std::filesystem::create_directories(folder / "mask");
  write_index_mask(folder / ("mask/" + std::to_string(id) + ".png"), ids, labels);
}

/// A part as CelebAMask-HQ stores it: white in a black RGB picture.
void write_part(const TemporaryFolder& folder, const std::string& name, const at::Tensor& covered) {
  folder.write("CelebAMask-HQ-mask-anno/" + name, encode_png((covered.to(torch::kByte) * 255).expand({3, -1, -1})));
}

CelebAMaskHqOptions hq_options_for(const TemporaryFolder& folder) {
  CelebAMaskHqOptions options;
  options.root = folder.path().string();
  options.masks = false;
  options.split_by_mapping = false;
  options.image_size = 16;
  return options;
}

}  // namespace

TEST_CASE("the official split follows CelebA's through the mapping, at its borders", "[data]") {
  const TemporaryFolder folder;
  write_photos(folder, {0, 1, 2, 3, 10});
  folder.write("CelebA-HQ-to-CelebA-mapping.txt",
               "idx     orig_idx   orig_file\n"
               "0       162770     162771.jpg\n"
               "1       162771     162772.jpg\n"
               "2       182637     182638.jpg\n"
               "3       182638     182639.jpg\n"
               "10      5          000006.jpg\n"
               "11      6          000007.jpg\n");
  const auto ids = [&](Split split) {
    CelebAMaskHqOptions options = hq_options_for(folder);
    options.split_by_mapping = true;
    options.split = split;
    const CelebAMaskHq data(options);
    std::vector<std::string> out;
    for (int64_t i = 0; i < data.size(); ++i) out.push_back(data.get(i).id);
    return out;
  };
  CHECK(ids(Split::kTrain) == std::vector<std::string>{"0", "10"});
  CHECK(ids(Split::kValidation) == std::vector<std::string>{"1", "2"});
  CHECK(ids(Split::kTest) == std::vector<std::string>{"3"});

  folder.write("CelebA-HQ-to-CelebA-mapping.txt", "idx orig_idx orig_file\n0 1 a\n1 x b\n");
  CHECK_THROWS_WITH(ids(Split::kTrain), Catch::Contains("mapping.txt:3: 'x'"));
  folder.write("CelebA-HQ-to-CelebA-mapping.txt", "idx orig_idx orig_file\n0 1 a\n");
  CHECK_THROWS_WITH(ids(Split::kTrain), Catch::Contains("photo 1 is missing"));
  std::filesystem::remove(folder / "CelebA-HQ-to-CelebA-mapping.txt");
  CHECK_THROWS_WITH(ids(Split::kTrain),
                    Catch::Contains("CelebA-HQ-to-CelebA-mapping.txt' is missing") && Catch::Contains("split_by_mapping"));
}

TEST_CASE("without the mapping the split is 80/10/10 by number, not by spelling", "[data]") {
  const TemporaryFolder folder;
  write_photos(folder, {2, 3, 4, 5, 6, 7, 8, 9, 10, 100});
  std::vector<std::string> all;
  for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
    CelebAMaskHqOptions options = hq_options_for(folder);
    options.split = split;
    const CelebAMaskHq data(options);
    CHECK(data.size() == (split == Split::kTrain ? 8 : 1));
    for (int64_t i = 0; i < data.size(); ++i) all.push_back(data.get(i).id);
  }
  CHECK(all == std::vector<std::string>{"2", "3", "4", "5", "6", "7", "8", "9", "10", "100"});
  CelebAMaskHqOptions options = hq_options_for(folder);
  options.count = 3;
  CHECK(CelebAMaskHq(options).size() == 3);
}

TEST_CASE("attributes are found by photo, whatever the order of the list", "[data]") {
  const TemporaryFolder folder;
  write_photos(folder, {0, 1});
  folder.write("CelebAMask-HQ-attribute-anno.txt", "2\nBald Smiling\n1.jpg  1 -1\n0.jpg -1  1\n");
  CelebAMaskHqOptions options = hq_options_for(folder);
  options.attributes = {"Smiling", "Bald"};
  const CelebAMaskHq data(options);
  CHECK(at::equal(data.get(0).labels, torch::tensor({1.0f, 0.0f})));
  folder.write("CelebAMask-HQ-attribute-anno.txt", "1\nBald Smiling\n1.jpg  1 -1\n");
  CHECK_THROWS_WITH(CelebAMaskHq(options), Catch::Contains("'0.jpg' is missing"));
  options.attributes = {"Hat"};
  CHECK_THROWS_WITH(CelebAMaskHq(options), Catch::Contains("'Hat'") && Catch::Contains("Bald, Smiling"));
  // Not asked for, the list need not be there.
  std::filesystem::remove(folder / "CelebAMask-HQ-attribute-anno.txt");
  options.attributes.clear();
  CHECK_FALSE(CelebAMaskHq(options).get(0).labels.defined());
}

TEST_CASE("part folders are merged in the official order, later classes on top", "[data]") {
  const TemporaryFolder folder;
  write_photos(folder, {12, 2003});
  const auto columns = [](int64_t from, int64_t to) {
    at::Tensor covered = torch::zeros({32, 32});
    covered.narrow(1, from, to - from).fill_(1);
    return covered;
  };
  write_part(folder, "0/00012_skin.png", columns(0, 24));
  write_part(folder, "0/00012_hair.png", columns(4, 12));
  write_part(folder, "0/00012_nose.png", columns(8, 16));    // before hair: under it
  write_part(folder, "0/00012_cloth.png", columns(10, 12));  // last
  write_part(folder, "1/02003_skin.png", columns(0, 32));
  CelebAMaskHqOptions options = hq_options_for(folder);
  options.masks = true;
  options.image_size = 32;
  options.mask_labels = Labels::kFaceParsing;  // index PNGs' order: does not touch part folders
  options.count = 2;
  options.split = Split::kTrain;
  const CelebAMaskHq data(options);
  CHECK(data.has_masks());
  CHECK(data.label_set() == Labels::kCelebAMaskHq);
  const at::Tensor mask = data.get(0).mask;
  CHECK(mask.sizes() == at::IntArrayRef({32, 32}));
  std::vector<int64_t> expected(32, 0);
  for (size_t x = 0; x < 24; ++x) expected[x] = x < 4 ? 1 : x < 10 ? 13 : x < 12 ? 18 : x < 16 ? 2 : 1;
  CHECK(at::equal(mask[7], torch::tensor(expected).to(torch::kByte)));
  CHECK(data.get(1).mask.eq(1).all().item<bool>());

  write_part(folder, "0/00012_neck.png", torch::ones({16, 16}));
  CHECK_THROWS_WITH(CelebAMaskHq(options).get(0), Catch::Contains("00012_neck.png") && Catch::Contains("16 x 16"));
  std::filesystem::remove_all(folder / "CelebAMask-HQ-mask-anno/1");
  CHECK_THROWS_AS(data.get(1), FileNotFound);
  CHECK(CelebAMaskHq(options).missing() == std::vector<std::string>{folder / "CelebAMask-HQ-mask-anno/02003_<part>.png"});
  CHECK_THROWS_AS(CelebAMaskHq(options).get(1), FileNotFound);
  write_part(folder, "1/00012_hair.png", torch::ones({32, 32}));
  CHECK_THROWS_WITH(CelebAMaskHq(options), Catch::Contains("0/00012_hair.png") && Catch::Contains("1/00012_hair.png"));
}

TEST_CASE("index masks keep their ids in both 19-class orders", "[data]") {
  const at::Tensor hair = torch::full({40, 40}, 17, torch::kByte);
  for (const Labels labels : {Labels::kCelebAMaskHq, Labels::kFaceParsing}) {
    const TemporaryFolder folder;
    write_photos(folder, {7});
    write_mask(folder, 7, hair, labels);
    CelebAMaskHqOptions options = hq_options_for(folder);
    options.masks = true;
    options.mask_labels = labels;
    const CelebAMaskHq data(options);
    CHECK(data.label_set() == labels);
    const at::Tensor mask = data.get(0).mask;
    CHECK(mask.eq(17).all().item<bool>());
    // Id 17 is the neck in CelebAMask-HQ's order, hair in the parsers'.
    CHECK(ClassMerge(data.label_set()).ids(mask)[0][0].item<int>() == (labels == Labels::kFaceParsing ? 10 : 9));
  }
}

TEST_CASE("a mask of another size is cropped to the same part of the face", "[data]") {
  const TemporaryFolder folder;
  // A wide photo of 80 x 40 whose center is bright, and a mask of half its size.
  at::Tensor photo = torch::zeros({3, 40, 80}, torch::kByte);
  photo.narrow(2, 40, 20).fill_(255);
  at::Tensor mask = torch::zeros({20, 40}, torch::kByte);
  mask.narrow(1, 20, 10).fill_(1);
  folder.write("CelebA-HQ-img/7.jpg", encode_jpeg(photo));
  write_mask(folder, 7, mask, Labels::kCelebAMaskHq);
  for (const std::string crop : {"center", "none", "box:20,8,60,32", "box:40,0,40,40"}) {
    CelebAMaskHqOptions options = hq_options_for(folder);
    options.masks = true;
    options.crop = parse_crop(crop);
    const Sample sample = CelebAMaskHq(options).get(0);
    // Where the photo is clearly bright or dark, the mask says the same.
    const at::Tensor level = sample.image[0].to(torch::kInt);
    INFO(crop);
    CHECK(at::equal(sample.mask.eq(1).logical_and(level < 60), torch::zeros({16, 16}, torch::kBool)));
    CHECK(at::equal(sample.mask.eq(0).logical_and(level > 195), torch::zeros({16, 16}, torch::kBool)));
    CHECK(sample.mask.eq(1).any().item<bool>());
  }
}

TEST_CASE("masks that cannot be right name the file", "[data]") {
  const TemporaryFolder folder;
  write_photos(folder, {7});
  CelebAMaskHqOptions options = hq_options_for(folder);
  options.masks = true;
  CHECK_THROWS_WITH(CelebAMaskHq(options), Catch::Contains("has no mask or ") && Catch::Contains("or CelebAMask-HQ-mask-anno"));

  at::Tensor ids = torch::zeros({40, 40}, torch::kByte);
  ids[39][39] = 19;
  const std::vector<std::array<uint8_t, 3>> palette(20);
  folder.write("mask/7.png", encode_index_png(ids, palette));
  CHECK_THROWS_AS(CelebAMaskHq(options).get(0), Error);
  CHECK_THROWS_WITH(CelebAMaskHq(options).get(0),
                    Catch::Contains("7.png") && Catch::Contains("class id 19") && Catch::Contains("celebamask-hq"));
  folder.write("mask/7.png", encode_png(torch::zeros({3, 40, 40}, torch::kByte)));
  CHECK_THROWS_WITH(CelebAMaskHq(options).get(0), Catch::Contains("7.png' is not a mask"));
  std::filesystem::remove(folder / "mask/7.png");
  CHECK_THROWS_AS(CelebAMaskHq(options).get(0), FileNotFound);
}

TEST_CASE("photos and masks are found under the names that packages give them", "[data]") {
  const auto samples = [](const TemporaryFolder& folder) {
    CelebAMaskHqOptions options = hq_options_for(folder);
    options.masks = true;
    options.attributes = {"Bald"};
    options.split.reset();
    const CelebAMaskHq data(options);
    CHECK(data.missing().empty());
    std::vector<std::string> seen;
    for (int64_t i = 0; i < data.size(); ++i) {
      const Sample sample = data.get(i);
      const int64_t mask = sample.mask[0][0].item<int64_t>();
      CHECK(sample.mask.eq(mask).all().item<bool>());
      seen.push_back(sample.id + (sample.labels[0].item<bool>() ? " bald " : " ") + std::to_string(mask));
    }
    return seen;
  };
  const auto write_list = [](const TemporaryFolder& folder) {
    folder.write("CelebAMask-HQ-attribute-anno.txt", "3\nBald\n0.jpg -1\n7.jpg 1\n2003.jpg -1\n");
  };
  const auto ids = [](int64_t id) { return torch::full({40, 40}, id, torch::kByte); };
  const std::vector<std::array<uint8_t, 3>> palette(19);
  const std::string photo = encode_jpeg(gradient_picture(40, 40));

  SECTION("index masks in each folder, zero-padded or not") {
    for (const std::string place : {"mask", "CelebAMask-HQ-mask", "CelebAMaskHQ-mask", "label", "mask/mask"}) {
      for (const std::string zeros : {"", "0000"}) {
        const TemporaryFolder folder;
        write_photos(folder, {0, 7, 2003});
        write_list(folder);
        for (const int64_t id : {0, 7, 2003})
          folder.write(place + "/" + zeros + std::to_string(id) + ".png", encode_index_png(ids(id % 19), palette));
        INFO(place);
        CHECK(samples(folder) == std::vector<std::string>{"0 0", "7 bald 7", "2003 8"});
      }
    }
  }
  SECTION("photos of every package") {
    for (const std::string place : {"CelebA-HQ-img/", "CelebA-HQ-img-1024/", "CelebA-HQ-img/CelebA-HQ-img/", "celeba_hq_256/"}) {
      for (const std::string ending : {".jpg", ".png", ".JPG", ".jpeg"}) {
        const TemporaryFolder folder;
        write_list(folder);
        for (const std::string name : {"00000", "00007", "02003"}) folder.write(place + name + ending, photo);
        for (const int64_t id : {0, 7, 2003}) folder.write("mask/" + std::to_string(id) + ".png", encode_index_png(ids(id % 19), palette));
        INFO(place << ending);
        CHECK(samples(folder) == std::vector<std::string>{"00000 0", "00007 bald 7", "02003 8"});
      }
    }
  }
  SECTION("parts by thousands, in one folder, a folder deeper; beside an empty folder and a half-copied one") {
    for (const bool half : {false, true}) {
      for (const std::string place : {"0/", "", "CelebAMask-HQ-mask-anno/0/"}) {
        const TemporaryFolder folder;
        write_photos(folder, {0, 7, 2003});
        write_list(folder);
        for (const std::string id : {"00000", "00007", "02003"}) write_part(folder, place + id + "_skin.png", torch::ones({40, 40}));
        write_part(folder, place + "00007_hair.png", torch::ones({40, 40}));
        std::filesystem::create_directories(folder / "mask");
        if (half) folder.write("mask/7.png", encode_index_png(ids(5), palette));
        INFO(place);
        CHECK(samples(folder) == std::vector<std::string>{"0 1", "7 bald 13", "2003 1"});
      }
    }
  }
  SECTION("two spellings of one number are not chosen from, unless one is the official") {
    const TemporaryFolder folder;
    write_photos(folder, {0, 7, 2003});
    folder.write("CelebA-HQ-img/00007.jpg", encode_jpeg(gradient_picture(8, 8)));
    CelebAMaskHqOptions options = hq_options_for(folder);
    options.split.reset();
    CHECK(CelebAMaskHq(options).size() == 3);
    CHECK_THAT(CelebAMaskHq(options).sample_name(1), Catch::EndsWith("/7.jpg"));
    CHECK_THAT(CelebAMaskHq(options).notes()[0].text, Catch::Contains("1 photo is there twice"));
    std::filesystem::remove(folder / "CelebA-HQ-img/7.jpg");
    folder.write("CelebA-HQ-img/007.jpg", photo);
    CHECK_THROWS_WITH(CelebAMaskHq(options), Catch::Contains("'00007.jpg' and '007.jpg' are both photo 7"));
  }
}
