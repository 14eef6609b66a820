#include "secgan/data/with_unlabeled.hpp"

#include <torch/torch.h>

#include <catch2/catch.hpp>

#include "secgan/core/error.hpp"
#include "secgan/data/photo_folder.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

std::shared_ptr<PhotoFolder> folder_of(const std::filesystem::path& root, const std::string& labels = {}) {
  PhotoFolderOptions options{.root = root.string(), .labels = labels, .whole = true, .image_size = 32};
  if (!labels.empty()) options.attributes = {"Glasses"};
  return std::make_shared<PhotoFolder>(options);
}

}  // namespace

TEST_CASE("photos without labels stand behind those that have some, which come as often", "[data]") {
  const TemporaryFolder folder;
  for (int i = 0; i < 7; ++i)
    write_image((folder / "photos" / (std::to_string(i) + ".png")).string(), torch::full({3, 40, 40}, 10 * i, torch::kByte));
  write_file(folder / "labels.csv", "file,Glasses\n5.png,1\n2.png,0\n");
  const auto labeled = folder_of(folder / "photos", (folder / "labels.csv").string());
  REQUIRE(labeled->size() == 2);

  // The same folder: its labeled photos are no unlabeled ones.
  const WithUnlabeled both(labeled, folder_of(folder / "photos"));
  CHECK(both.unlabeled() == 5);
  REQUIRE(both.size() == 6 + 5);
  std::multiset<int64_t> unlabeled;
  for (int64_t i = 0; i < both.size(); ++i) {
    const Sample sample = both.get(i);
    CAPTURE(i, sample.id);
    CHECK(sample.image.sizes() == at::IntArrayRef{3, 32, 32});
    CHECK(sample.id + ".png" == std::filesystem::path(both.sample_name(i)).filename());
    CHECK(at::equal(sample.labels.nan_to_num(7), both.labels(i).nan_to_num(7)));
    CHECK(sample.labels.isnan().all().item<bool>() == (i >= 6));
    if (i < 6) CHECK(sample.labels.item<float>() == (sample.id == "5" ? 1 : 0));
    if (i >= 6) unlabeled.insert(std::stoi(sample.id));
  }
  CHECK(unlabeled == std::multiset<int64_t>{0, 1, 3, 4, 6});
  CHECK(both.has_unlabeled());
  write_file(folder / "test.csv", "file,Glasses\n0.png,1\n6.png,0\n");
  const auto held_out = folder_of(folder / "photos", (folder / "test.csv").string());
  CHECK(WithUnlabeled(labeled, folder_of(folder / "photos"), {held_out}).unlabeled() == 3);
  CHECK_FALSE(labeled->has_unlabeled());

  CHECK_THROWS_WITH(WithUnlabeled(labeled, labeled), "unlabeled: it has no photo that is not among the labeled or the held-out ones");
  CHECK_THROWS_WITH(WithUnlabeled(std::make_shared<SyntheticFaces>(SyntheticFacesOptions{.count = 2, .image_size = 64}), labeled),
                    "unlabeled: its photos have 32 px, the labeled ones 64 px");
}
