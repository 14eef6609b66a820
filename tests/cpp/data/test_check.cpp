#include <catch2/catch.hpp>

#include "image/pictures.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/celebamask_hq.hpp"
#include "secgan/data/check.hpp"
#include "secgan/image/image_file.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

TEST_CASE("checking finds every unusable sample, in order, whatever is wrong with it", "[data]") {
  const TemporaryFolder folder;
  const std::string jpeg = encode_jpeg(gradient_picture(40, 40));
  const std::string mask = encode_index_png(torch::ones({40, 40}, torch::kByte), std::vector<std::array<uint8_t, 3>>(20));
  for (int64_t id = 10; id < 20; ++id) {
    folder.write("CelebA-HQ-img/" + std::to_string(id) + ".jpg", jpeg);
    folder.write("mask/" + std::to_string(id) + ".png", mask);
  }
  CelebAMaskHqOptions options;
  options.root = folder.path().string();
  options.split_by_mapping = false;
  options.image_size = 16;
  const CelebAMaskHq data(options);  // the first eight; files break after it has listed them
  CHECK(check_data(data).empty());

  folder.write("CelebA-HQ-img/10.jpg", jpeg.substr(0, jpeg.size() / 2));
  folder.write("CelebA-HQ-img/12.jpg", "");
  folder.write("CelebA-HQ-img/13.jpg", "<html>404</html>");
  std::filesystem::remove(folder / "CelebA-HQ-img/14.jpg");
  folder.write("mask/15.png", encode_index_png(torch::full({40, 40}, 19, torch::kByte), std::vector<std::array<uint8_t, 3>>(20)));
  std::filesystem::remove(folder / "mask/17.png");

  for (const int threads : {1, 3}) {
    std::vector<int64_t> seen;
    const auto problems = check_data(data, threads, [&](int64_t done) { seen.push_back(done); });
    CHECK(seen == std::vector<int64_t>{1, 2, 3, 4, 5, 6, 7, 8});
    const std::vector<std::pair<std::string, std::string>> expected{
        {"10.jpg", "10.jpg' is truncated"}, {"12.jpg", "12.jpg' is empty"},     {"13.jpg", "13.jpg' is an HTML page"},
        {"14.jpg", "14.jpg' is missing"},   {"15.jpg", "15.png': class id 19"}, {"17.jpg", "17.png' is missing"}};
    REQUIRE(problems.size() == expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      CHECK_THAT(problems[i].sample, Catch::EndsWith(expected[i].first));
      CHECK_THAT(problems[i].problem, Catch::Contains(expected[i].second));
    }
  }
}

TEST_CASE("one kind of fault is one fault", "[data]") {
  const std::vector<DataFault> faults = group_problems({{"a.jpg", "'root/a.jpg' is missing"},
                                                        {"b.jpg", "'root/b.jpg': crop center:170 leaves a photo of 89 x 109 pixels"},
                                                        {"c.jpg", "'root/c 7.jpg' is missing"},
                                                        {"d.jpg", "'root/d.jpg': crop center:170 leaves a photo of 1 x 2 pixels"},
                                                        {"e.jpg", "'e's.jpg' is empty"},
                                                        {"f.jpg", "'f.jpg' is missing"}});
  REQUIRE(faults.size() == 3);
  CHECK(faults[0].problem == "'root/a.jpg' is missing");
  CHECK(faults[0].samples == std::vector<std::string>{"a.jpg", "c.jpg", "f.jpg"});
  CHECK(faults[1].samples == std::vector<std::string>{"b.jpg", "d.jpg"});
  CHECK(faults[2].samples == std::vector<std::string>{"e.jpg"});
}
