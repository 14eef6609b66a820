#include <catch2/catch.hpp>

#include "core/format.hpp"
#include "image/pictures.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/cached.hpp"
#include "secgan/data/photo_folder.hpp"
#include "secgan/data/source.hpp"
#include "secgan/image/image_file.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

void write_pictures(const TemporaryFolder& folder, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const at::Tensor picture = gradient_picture(40, 50);
    folder.write(name, name.ends_with("png") || name.ends_with("PNG") ? encode_png(picture) : encode_jpeg(picture));
  }
}

PhotoFolderOptions folder_options(const TemporaryFolder& folder) {
  PhotoFolderOptions options;
  options.root = folder.path().string();
  options.image_size = 16;
  options.split.reset();
  return options;
}

std::vector<std::string> names_of(const Dataset& data, const TemporaryFolder& folder) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < data.size(); ++i) names.push_back(data.sample_name(i).substr(folder.path().string().size() + 1));
  return names;
}

std::string notes_of(const Dataset& data) {
  std::string text;
  for (const DataNote& note : data.notes()) text += note.text + "\n";
  return text;
}

}  // namespace

TEST_CASE("a folder's pictures are its photos, sorted by name, subfolders and links included", "[data]") {
  const TemporaryFolder folder;
  write_pictures(folder, {"b.JPG", "a.png", "x/c.jpeg", "x/y/d.PNG", "x/.hidden.jpg", ".git/e.jpg", "__MACOSX/f.jpg"});
  folder.write("notes.txt", "no photo");
  std::filesystem::create_directory_symlink("..", folder / "x/up");    // a loop
  std::filesystem::create_directory_symlink("loop", folder / "loop");  // one that leads nowhere
  std::filesystem::create_directories(folder / "folder.jpg");
  for (const std::string name : {"z.webp", "z2.TIFF", "z3.Bmp", "z4.gif"}) folder.write(name, "");  // what read_image reads, by name
  CHECK(names_of(PhotoFolder(folder_options(folder)), folder).size() == 7);
  for (const std::string name : {"z.webp", "z2.TIFF", "z3.Bmp"}) std::filesystem::remove(folder / name);
  const PhotoFolder data(folder_options(folder));
  CHECK(names_of(data, folder) == std::vector<std::string>{"a.png", "b.JPG", "x/c.jpeg", "x/y/d.PNG"});
  const Sample sample = data.get(2);
  CHECK(sample.id == "c");
  CHECK(sample.image.sizes() == at::IntArrayRef({3, 16, 16}));
  CHECK_FALSE(sample.labels.defined());
  CHECK_FALSE(sample.mask.defined());
  CHECK_FALSE(data.has_masks());

  const TemporaryFolder empty;
  CHECK_THROWS_AS(PhotoFolder(folder_options(empty)), FileNotFound);
  CHECK_THROWS_WITH(PhotoFolder(folder_options(empty)), Catch::Contains("holds no photo"));
  PhotoFolderOptions options = folder_options(empty);
  options.root = (folder / "notes.txt").string();
  CHECK_THROWS_WITH(PhotoFolder(options), Catch::Contains("is a file, not the data set's folder"));
}

TEST_CASE("a folder is split by its subfolders, else every tenth photo", "[data]") {
  const auto count = [](const TemporaryFolder& folder, Split split, bool whole = false) {
    PhotoFolderOptions options = folder_options(folder);
    options.split = split;
    options.whole = whole;
    return names_of(PhotoFolder(options), folder);
  };
  const TemporaryFolder flat;
  for (int i = 0; i < 20; ++i) write_pictures(flat, {std::to_string(100 + i) + ".jpg"});
  CHECK(count(flat, Split::kTrain).size() == 16);
  CHECK(count(flat, Split::kValidation) == std::vector<std::string>{"108.jpg", "118.jpg"});
  CHECK(count(flat, Split::kTest) == std::vector<std::string>{"109.jpg", "119.jpg"});
  CHECK(count(flat, Split::kTest, /*whole=*/true).size() == 20);

  const TemporaryFolder sorted;
  write_pictures(sorted, {"train/a.jpg", "train/x/b.jpg", "val/c.jpg", "test/a.jpg"});
  CHECK(count(sorted, Split::kTrain) == std::vector<std::string>{"train/a.jpg", "train/x/b.jpg"});
  CHECK(count(sorted, Split::kValidation) == std::vector<std::string>{"val/c.jpg"});
  CHECK(count(sorted, Split::kTest) == std::vector<std::string>{"test/a.jpg"});
  CHECK(notes_of(PhotoFolder(folder_options(sorted))) == "train 2, validation 1, test 1\n");
  write_pictures(sorted, {"other/d.jpg"});
  CHECK_THROWS_WITH(count(sorted, Split::kTrain), Catch::Contains("'other/d.jpg' outside") && Catch::Contains("whole_folder"));
  CHECK(count(sorted, Split::kTrain, /*whole=*/true).size() == 5);

  const TemporaryFolder few;
  write_pictures(few, {"a.jpg", "b.jpg"});
  CHECK_THROWS_WITH(count(few, Split::kTest), Catch::Contains("the test split is empty (train 2, validation 0, test 0)"));
}

TEST_CASE("a list's column may split a folder, with or without labels", "[data]") {
  const TemporaryFolder folder;
  write_pictures(folder, {"train/a.png", "train/b.png", "c.png", "d.png"});
  PhotoFolderOptions options = folder_options(folder);
  options.labels = folder.write("list.csv", "image,Bangs,Split\ntrain/a.png,1,test\ntrain/b.png,0,train\nc.png,1,val\n").string();
  const auto of = [&](Split split, std::vector<std::string> attributes) {
    options.split = split;
    options.attributes = std::move(attributes);
    return names_of(PhotoFolder(options), folder);
  };
  for (const std::vector<std::string>& attributes : {std::vector<std::string>{}, std::vector<std::string>{"Bangs"}}) {
    CHECK(of(Split::kTest, attributes) == std::vector<std::string>{"train/a.png"});
    CHECK(of(Split::kTrain, attributes) == std::vector<std::string>{"train/b.png"});
    CHECK(of(Split::kValidation, attributes) == std::vector<std::string>{"c.png"});
    CHECK(PhotoFolder(options).get(0).labels.defined() != attributes.empty());
  }
  options.whole = true;
  CHECK(of(Split::kTrain, {"Bangs"}).size() == 3);
  options.whole = false;
  options.labels = folder.write("folds.csv", "image,Bangs,split\nc.png,1,1\nd.png,0,fold 3\n").string();
  CHECK_THROWS_WITH(of(Split::kTrain, {}), Catch::Contains("folds.csv:3: split 'fold 3' is none of"));
  // Without that column, and without labels, the list says nothing; one that is missing is said to be.
  options.whole = false;
  std::filesystem::remove_all(folder / "train");
  options.labels = folder.write("list.csv", "image,Bangs\nc.png,1\n").string();
  CHECK(of(Split::kTrain, {}).size() == 2);
  options.labels = (folder / "none.csv").string();
  CHECK_THROWS_AS(of(Split::kTrain, {}), FileNotFound);
}

TEST_CASE("a folder's labels come from a list, by name", "[data]") {
  const TemporaryFolder folder, lists;
  write_pictures(folder, {"a.jpg", "x/b.png", "c.jpg"});
  PhotoFolderOptions options = folder_options(folder);
  options.attributes = {"Smiling", "Bald"};
  const auto with_list = [&](const std::string& list) {
    options.labels = lists.write("list.csv", list).string();
    return PhotoFolder(options);
  };
  const PhotoFolder data = with_list("file,Bald,Smiling\nb.jpg,1,0\nc.jpg,0,0\na.jpg,0,1\n");
  REQUIRE(names_of(data, folder) == std::vector<std::string>{"a.jpg", "c.jpg", "x/b.png"});
  CHECK(at::equal(data.get(0).labels, torch::tensor({1.0f, 0.0f})));
  CHECK(at::equal(data.get(1).labels, torch::tensor({0.0f, 0.0f})));
  CHECK(at::equal(data.labels(2), torch::tensor({0.0f, 1.0f})));
  CHECK(notes_of(data) == "train 3, validation 0, test 0\n");

  // Folders in front that are the photo's own are no other ones.
  const std::string own = folder.path().lexically_normal().filename().string();
  CHECK(notes_of(with_list(fmt::format("file,Bald,Smiling\n{0}/a.jpg,1,0\n./c.jpg,1,0\n{0}/x/b.png,0,1\n", own))) ==
        "train 3, validation 0, test 0\n");
  const std::vector<DataNote> elsewhere = with_list("file,Bald,Smiling\ntrain/a.jpg,1,0\ny/x/b.png,1,0\nc.jpg,0,0\n").notes();
  REQUIRE(elsewhere.size() == 2);
  CHECK_THAT(elsewhere[0].text, Catch::Contains("2 of 3 photos are in another folder, as 'train/a.jpg', 'y/x/b.png': taken for"));
  CHECK(elsewhere[0].wrong);

  const PhotoFolder partly = with_list("3\nBald Smiling\nx/b.png 1 -1\nz.jpg 1 1\n");
  CHECK(names_of(partly, folder) == std::vector<std::string>{"x/b.png"});
  CHECK_THAT(notes_of(partly), Catch::Contains("announces 3 photos, it has rows for 2") && Catch::Contains("1 of 2 photos is not in") &&
                                   Catch::Contains("'z.jpg'") && Catch::Contains("2 of 3 photos have no labels") &&
                                   Catch::Contains("left out, as 'a.jpg', 'c.jpg'"));
  CHECK_THROWS_WITH(with_list("file,Bald,Smiling\nz.jpg,1,0\n"), Catch::Contains("names none of the photos"));
  CHECK_THROWS_WITH(with_list("file,Bald,Smiling\nb.png,1,0\nx/b.png,1,0\n"), Catch::Contains("'b.png' and 'x/b.png' are one photo"));
  CHECK_THROWS_AS(with_list("file,Bald\na.jpg,1\n"), InvalidArgument);
  write_pictures(folder, {"x/e\u0301.jpg"});
  CHECK_THAT(notes_of(with_list("file,Bald,Smiling\na.jpg,1,0\n\u00e9.png,1,0\n")),
             Catch::Contains("; 'x/e\u0301.jpg' is there, which seems to be '\u00e9.png' with its accents in Unicode's other form"));
  write_pictures(folder, {"y/b.png"});
  CHECK_THROWS_WITH(with_list("file,Bald,Smiling\nb.png,1,0\n"), Catch::Contains("list.csv': 'b.png' may be '"));
}

TEST_CASE("a folder's masks have its photos' names, as they are or as `secgan parse` ends them", "[data]") {
  const std::vector<std::array<uint8_t, 3>> palette(12);
  const auto mask = [&](int64_t id) { return encode_index_png(torch::full({20, 25}, id, torch::kByte), palette); };
  for (const std::string place : {"masks/", ""}) {
    const TemporaryFolder folder;
    write_pictures(folder, {"a.jpg", "x/b.png"});
    folder.write(place + (place.empty() ? "a_mask.png" : "a.png"), mask(3));
    folder.write(place + "x/b_mask.png", mask(10));
    PhotoFolderOptions options = folder_options(folder);
    options.mask_folder = (folder / place).string();
    options.mask_labels = Labels::kSecgan12;
    CHECK(PhotoFolder(options).size() == 2);  // masks are no photos, read or not
    CHECK_FALSE(PhotoFolder(options).has_masks());
    options.masks = true;
    const PhotoFolder data(options);
    INFO(place);
    REQUIRE(names_of(data, folder) == std::vector<std::string>{"a.jpg", "x/b.png"});
    CHECK(data.has_masks());
    CHECK(data.label_set() == Labels::kSecgan12);
    CHECK(data.get(0).mask.eq(3).all().item<bool>());
    CHECK(data.get(1).mask.eq(10).all().item<bool>());
    CHECK(data.missing().empty());
    // Half its size is the same shape; lying is another.
    folder.write(place + "x/b_mask.png", encode_index_png(torch::full({10, 12}, 10, torch::kByte), palette));
    CHECK(PhotoFolder(options).get(1).mask.eq(10).all().item<bool>());
    folder.write(place + "x/b_mask.png", encode_index_png(torch::full({25, 20}, 10, torch::kByte), palette));
    CHECK_THROWS_WITH(PhotoFolder(options).get(1),
                      Catch::Contains("b.png") && Catch::Contains("its mask has 20 x 25 pixels") && Catch::Contains("the photo's 50 x 40"));
    std::filesystem::remove(folder / (place + "x/b_mask.png"));
    CHECK(PhotoFolder(options).missing().size() == 1);
  }
}

TEST_CASE("a data source refuses in one line what it cannot give", "[data]") {
  const TemporaryFolder folder;
  write_pictures(folder, {"a.jpg", "b.jpg"});
  DataSettings settings{.source = {.kind = DataKind::kFolder, .root = folder.path().string()}, .image_size = 32};
  CHECK(open_dataset(settings, Split::kTrain, false, false)->size() == 2);
  settings.attributes = {"Bald"};
  CHECK_THROWS_AS(open_dataset(settings, Split::kTrain, true, false), InvalidArgument);
  CHECK_THROWS_WITH(open_dataset(settings, Split::kTrain, true, false),
                    Catch::Contains("labels is missing") && Catch::Contains("--labels"));
  CHECK_THROWS_WITH(open_dataset(settings, Split::kTrain, false, true), Catch::Contains("mask_folder is missing"));
  const TemporaryFolder masks;
  settings.source.mask_folder = masks.path().string();
  CHECK_THROWS_AS(open_dataset(settings, Split::kTrain, false, true), FileNotFound);
  CHECK_THROWS_WITH(open_dataset(settings, Split::kTrain, false, true), Catch::Contains("2 files of 2 samples are missing: '"));
  CHECK(open_to_check(settings, std::nullopt, false, true)->missing().size() == 2);
  settings.source.kind = DataKind::kCelebA;
  CHECK_THROWS_WITH(open_dataset(settings, Split::kTrain, true, false), Catch::Contains("mask_folder is for data folder, not for celeba"));
}
