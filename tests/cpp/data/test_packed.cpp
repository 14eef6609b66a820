#include "secgan/data/packed.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "image/pictures.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/source.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// Twelve photos in three splits, labeled, with masks.
DataSettings folder_of_photos(const TemporaryFolder& folder) {
  std::string list = "image,Bangs,Male,split\n";
  for (int i = 0; i < 12; ++i) {
    const std::string name = "photos/p" + std::to_string(i) + ".png";
    at::Tensor picture = gradient_picture(40, 50);
    picture[0].fill_(20 * i);
    folder.write(name, encode_png(picture));
    write_index_mask(folder / ("masks/p" + std::to_string(i) + ".png"), at::full({40, 50}, i % 12, at::kByte), Labels::kSecgan12);
    list += "p" + std::to_string(i) + ".png," + std::to_string(i % 2) + "," + std::to_string(i % 3 == 0 ? 1 : 0) + "," +
            std::to_string(i < 7   ? 0
                           : i < 9 ? 1
                                   : 2) +
            "\n";
  }
  return {.source = {.kind = DataKind::kFolder,
                     .root = (folder / "photos").string(),
                     .mask_labels = Labels::kSecgan12,
                     .labels = folder.write("list.csv", list).string(),
                     .mask_folder = (folder / "masks").string()},
          .attributes = {"Bangs", "Male"},
          .image_size = 32};
}

DataSettings packed(const std::filesystem::path& file, const DataSettings& from) {
  return {.source = {.kind = DataKind::kPacked, .root = file.string()}, .attributes = from.attributes, .image_size = from.image_size};
}

}  // namespace

TEST_CASE("a packed data set is the one that it was made of", "[data]") {
  const TemporaryFolder folder;
  const DataSettings settings = folder_of_photos(folder);
  const auto file = folder / "new/faces.safetensors";
  int64_t told = 0;
  CHECK(pack_dataset(settings, true, true, file, [&](int64_t done, int64_t all) {
          told = done;
          CHECK(all == 12);
        }).count == 12);
  CHECK(told == 12);
  for (const auto& [name, split] : kSplits) {
    CAPTURE(name);
    const auto expected = open_dataset(settings, split, true, true), found = open_dataset(packed(file, settings), split, true, true);
    REQUIRE(found->size() == expected->size());
    CHECK(found->attributes().names() == expected->attributes().names());
    for (int64_t i = 0; i < found->size(); ++i) {
      const Sample one = expected->get(i), other = found->get(i);
      CHECK(at::equal(one.image, other.image));
      CHECK(at::equal(one.labels, other.labels));
      CHECK(at::equal(found->labels(i), one.labels));
      CHECK(at::equal(one.mask, other.mask));
      CHECK(one.id == other.id);
      CHECK(expected->sample_name(i) == found->sample_name(i));
    }
  }
  // What is given away may be written to.
  const auto data = open_dataset(packed(file, settings), Split::kTrain, true, false);
  CHECK_FALSE(data->has_masks());
  data->get(0).image.zero_();
  CHECK(data->get(0).image.sum().item<int64_t>() > 0);
  const PhotoOrigin origin = data->origin().value();
  CHECK(origin.title == "a folder of photos");
  CHECK(origin.crop == "center");
  CHECK(origin.photo_size == "50x40");
  // Attributes in another order, or none; the first few; packed once more.
  DataSettings some = packed(file, settings);
  some.attributes = {"Male"};
  some.count = 3;
  CHECK(open_dataset(some, Split::kTrain, true, false)->size() == 3);
  CHECK(at::equal(open_dataset(some, Split::kTrain, true, false)->get(0).labels, at::ones({1})));
  CHECK_FALSE(open_dataset(packed(file, settings), Split::kTrain, false, false)->get(0).labels.defined());
  CHECK(pack_dataset(packed(file, settings), true, false, folder / "again.safetensors").count == 12);
  CHECK(open_dataset(packed(folder / "again.safetensors", settings), Split::kTest, true, false)->origin()->photo_size == "50x40");
}

TEST_CASE("what a data set says of itself is told when it is packed", "[data]") {
  const TemporaryFolder folder;
  DataSettings settings = folder_of_photos(folder);
  CHECK(pack_dataset(settings, true, false, folder / "whole.safetensors").notes.empty());
  write_image(folder / "photos/unlisted.png", gradient_picture(40, 50));
  const PackedSamples packed = pack_dataset(settings, true, false, folder / "part.safetensors");
  CHECK(packed.count == 12);
  REQUIRE(packed.notes.size() == 1);
  CHECK(packed.notes[0].line().starts_with("note: "));
  CHECK(packed.notes[0].text.find("unlisted.png") != std::string::npos);
}

TEST_CASE("a packed data set says what it has not, and costs nobody a file", "[data]") {
  const TemporaryFolder folder;
  DataSettings settings = folder_of_photos(folder);
  const auto file = folder / "faces.safetensors";
  pack_dataset(settings, true, false, file);
  const auto refused = [&](DataSettings read, bool masks, const std::string& reason) {
    CHECK_THROWS_WITH(open_dataset(read, Split::kTrain, true, masks), Catch::Contains(reason));
  };
  DataSettings read = packed(file, settings);
  refused(read, true, "was packed without masks");
  read.attributes = {"Beard"};
  refused(read, false, "attribute 'Beard' is unknown; " + file.string() + " has: Bangs, Male");
  read = packed(file, settings);
  read.image_size = 64;
  refused(read, false, "was packed at 32 px: pack it again at that size, or train at its own (--image-size 32)");
  read.image_size = 32;
  read.crop = "center:20";
  refused(read, false, "crop is for data celeba, celebamask-hq and folder, not for packed");
  CHECK_THROWS_AS(open_dataset(packed(folder / "none", settings), Split::kTrain, true, false), FileNotFound);
  CHECK_THROWS_WITH(open_dataset(packed(folder.path(), settings), Split::kTrain, true, false), Catch::Contains("is a folder, not a file"));
  // Damaged ones.
  const std::string whole = read_file(file);
  for (const size_t size : {size_t{0}, size_t{7}, size_t{100}, whole.size() - 1}) {
    CAPTURE(size);
    CHECK_THROWS_AS(open_dataset(packed(folder.write("cut", whole.substr(0, size)), settings), Split::kTrain, true, false), Error);
  }
  const auto with = [&](const std::string& name, const at::Tensor& tensor) {
    Safetensors parts = load_safetensors(file);
    for (auto& [key, value] : parts.tensors) {
      if (key == name) value = tensor;
    }
    return packed(folder.write("odd", encode_safetensors(parts.tensors, parts.metadata)), settings);
  };
  const auto saying = [&](const std::string& key, const std::string& text) {
    Safetensors parts = load_safetensors(file);
    parts.metadata[key] = text;
    return packed(folder.write("odd", encode_safetensors(parts.tensors, parts.metadata)), settings);
  };
  refused(saying("crop", "evil"), false, (folder / "odd").string() + ": not a packed data set: crop 'evil' is none of");
  refused(saying("photo_size", "-1x9"), false, (folder / "odd").string() + ": not a packed data set: photo_size");
  pack_dataset(settings, false, false, folder / "bare");
  refused(packed(folder / "bare", settings), false, (folder / "bare").string() + " was packed without attributes");
  refused(with("splits", at::full({12}, 3, at::kByte)), false, "there is no split 3");
  refused(with("splits", at::zeros({11}, at::kByte)), false, "'splits' is not [12]");
  refused(with("labels", at::full({12, 2}, 2, at::kByte)), false, "a label is neither 0 nor 1");
  refused(with("labels", at::zeros({12, 2})), false, "'labels' is not uint8");
  refused(with("names", at::zeros({5}, at::kByte)), false, "5 names for 12 photos");
  refused(with("photos", at::zeros({12, 3, 32, 16}, at::kByte)), false, "'photos' is not [N, 3, S, S]");
  Safetensors masked = load_safetensors(file);
  masked.tensors.emplace_back("masks", at::full({12, 32, 32}, 12, at::kByte));
  masked.metadata["labels"] = "secgan-12";
  const auto odd = folder.write("masked", encode_safetensors(masked.tensors, masked.metadata));
  CHECK_THROWS_WITH(open_dataset(packed(odd, settings), Split::kTrain, true, true)->get(0),
                    Catch::Contains("has a class 12, and there are 12"));
  // Somebody's file stays.
  const auto theirs = folder.write("theirs.safetensors", encode_safetensors({{"weight", at::zeros({3})}}));
  CHECK_THROWS_WITH(pack_dataset(settings, true, false, theirs), Catch::Contains("is there and is no packed data set"));
  CHECK(load_safetensors(theirs).tensors.size() == 1);
  // One photo of twelve would take all their places.
  DataSettings itself = packed(file, settings);
  itself.count = 1;
  CHECK_THROWS_WITH(pack_dataset(itself, true, false, file),
                    Catch::Contains("is what is packed: it would be replaced by a part of itself"));
  // Nothing half-written stays.
  folder.write("photos/p11.png", "no picture");
  CHECK_THROWS_WITH(pack_dataset(settings, true, false, folder / "half.safetensors"), Catch::Contains("p11.png"));
  CHECK_FALSE(std::filesystem::exists(folder / "half.safetensors"));
}
