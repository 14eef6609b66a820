#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include "alignment/markers.hpp"
#include "random_bundle.hpp"
#include "secgan/core/error.hpp"
#include "secgan/editing/editor.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// Of networks that were trained on CelebA's aligned photos, as far as its description goes.
Bundle aligned_bundle() {
  Bundle bundle = random_bundle();
  bundle.info.crop = "center:170";
  bundle.info.photo_size = "178x218";
  return bundle;
}

/// Finds these, whatever the first photo shows, and nothing in photos of another size.
FaceDetector finder(std::vector<Face> faces) {
  return [faces = std::move(faces), height = int64_t{0}](const at::Tensor& photo) mutable {
    if (height == 0) height = photo.size(1);
    return photo.size(1) == height ? faces : std::vector<Face>();
  };
}

FaceDetector never() {
  return [](const at::Tensor&) -> std::vector<Face> { throw std::logic_error("nobody should search"); };
}

EditOptions searching(FaceDetector detector, FaceChoice choice = {}, bool unless_aligned = false) {
  return {.source = NamedLabels{},
          .faces = FaceSearch{.choice = choice, .detector = std::move(detector), .unless_aligned = unless_aligned}};
}

/// Whether pixel centers lie within the quad of any of the faces, or on its edge to a thousandth; [H, W] bool.
at::Tensor in_quads(const std::vector<EditedFace>& faces, const at::Tensor& photo) {
  const at::Tensor x = at::arange(photo.size(2), at::kDouble).unsqueeze(0), y = at::arange(photo.size(1), at::kDouble).unsqueeze(1);
  at::Tensor out = at::zeros({photo.size(1), photo.size(2)}, at::kBool);
  for (const EditedFace& face : faces) {
    at::Tensor in = at::ones_like(out);
    const auto corners = quad(face.place);
    for (size_t i = 0; i < 4; ++i) {
      const PhotoPoint from = corners.at(i), to = corners.at((i + 1) % 4);
      in = in.logical_and((to.x - from.x) * (y - from.y) - (to.y - from.y) * (x - from.x) > -1e-3);
    }
    out = out.logical_or(in);
  }
  return out;
}

at::Tensor changed(const EditedPhoto& edited, const at::Tensor& photo) { return (edited.photo != photo).any(0); }

/// How many notes say this; random networks rebuild nothing, which another note says.
int64_t told(const EditedPhoto& edited, std::string_view text) {
  return std::ranges::count_if(edited.notes, [&](const std::string& note) { return note.find(text) != std::string::npos; });
}

const std::vector<AttributeEdit> kEdit{{"Eyeglasses", 1}};

}  // namespace

TEST_CASE("a face of a photo is edited in its place, and the rest keeps every bit", "[editing][alignment]") {
  const Editor editor(aligned_bundle());
  const at::Tensor photo = drawn_photo(300, 400);
  const Face face = face_at(from_celeba(20, 0.8, 180, 140));
  const EditedPhoto edited = editor.edit(photo, kEdit, searching(finder({face})));
  REQUIRE(edited.faces.size() == 1);
  CHECK(edited.faces_found == 1);
  CHECK(edited.photo.sizes() == photo.sizes());
  CHECK(at::equal(edited.crop, photo));
  CHECK(edited.place == Rect{0, 0, 400, 300});
  CHECK(at::equal(whole_photo(photo, edited), edited.photo));
  const at::Tensor outside = in_quads(edited.faces, photo).logical_not();
  CHECK_FALSE(changed(edited, photo).logical_and(outside).any().item<bool>());
  CHECK(changed(edited, photo).sum().item<int64_t>() > 2000);
  CHECK(edited.faces[0].place.width == std::llround(170 * 0.8));
  // What was edited is what the editor makes of the aligned face.
  CHECK(at::equal(edited.faces[0].photo, editor.edit(edited.faces[0].crop, kEdit, {.source = NamedLabels{}, .crop = Crop{}}).photo));
  CHECK(edited.provenance == editor.edit(photo, kEdit, {.source = NamedLabels{}}).provenance);
}

TEST_CASE("a face that no edit changes is the photo's to the bit", "[editing][alignment]") {
  const Editor editor(aligned_bundle());
  const at::Tensor photo = drawn_photo(260, 240);
  EditOptions options = searching(finder({face_at(from_celeba(-35, 0.7, 120, 130))}));
  options.upscaling = Upscaling::kDetail;
  CHECK(at::equal(editor.edit(photo, {{"Male", 0}}, options).photo, photo));
  // An exact edit neither, where free ones lay the network's picture over the face.
  options.upscaling = Upscaling::kResize;
  CHECK_FALSE(at::equal(editor.edit(photo, {{"Male", 0}}, options).photo, photo));
  options.region = EditRegion::kExact;
  CHECK(at::equal(editor.edit(photo, {{"Male", 0}}, options).photo, photo));
  const at::Tensor some = changed(editor.edit(photo, kEdit, options), photo);
  CHECK(some.any().item<bool>());
  options.region = EditRegion::kFree;
  CHECK(some.sum().item<int64_t>() < changed(editor.edit(photo, kEdit, options), photo).sum().item<int64_t>());
}

TEST_CASE("an edit ends without a seam", "[editing][alignment]") {
  Bundle bundle = aligned_bundle();
  const bool with_parser = GENERATE(true, false);
  if (!with_parser) bundle.parser.reset();
  const Editor editor(bundle);
  // A flat photo shows every step of an edit; random networks change it all over.
  const at::Tensor photo = at::full({3, 300, 300}, 128, at::kByte);
  EditOptions options = searching(finder({face_at(from_celeba(12, 1, 150, 150))}));
  options.upscaling = Upscaling::kResize;
  const EditedPhoto edited = editor.edit(photo, kEdit, options);
  const at::Tensor change = edited.photo.to(at::kInt) - 128;
  REQUIRE(change.abs().max().item<int64_t>() > 20);
  const at::Tensor in = in_quads(edited.faces, photo);
  // Within a pixel and a half of the quad's edge.
  const at::Tensor out = in.logical_not().to(at::kFloat).unsqueeze(0);
  const at::Tensor rim = at::max_pool2d(out, {3, 3}, {1, 1}, {1, 1})[0].gt(0).logical_and(in);
  REQUIRE(rim.any().item<bool>());
  CHECK(change.abs().masked_select(rim).max().item<int64_t>() <= 1);
}

TEST_CASE("of several faces the largest, all or one by its number is edited", "[editing][alignment]") {
  const Editor editor(aligned_bundle());
  const at::Tensor photo = drawn_photo(300, 500);
  const Face small = face_at(from_celeba(0, 0.5, 400, 150)), large = face_at(from_celeba(5, 0.9, 150, 150));
  const FaceDetector detector = finder({small, large});
  const EditedPhoto first = editor.edit(photo, kEdit, searching(detector));
  REQUIRE(first.faces.size() == 1);
  CHECK(first.faces_found == 2);
  CHECK(first.faces[0].face == large);
  const EditedPhoto second = editor.edit(photo, kEdit, searching(detector, parse_face_choice("2")));
  CHECK(second.faces[0].face == small);
  const EditedPhoto both = editor.edit(photo, kEdit, searching(detector, parse_face_choice("all")));
  REQUIRE(both.faces.size() == 2);
  // Far from each other, each is what it is alone.
  CHECK(at::equal(both.photo.narrow(2, 0, 250), first.photo.narrow(2, 0, 250)));
  CHECK(at::equal(both.photo.narrow(2, 320, 180), second.photo.narrow(2, 320, 180)));
  CHECK_THROWS_AS(editor.edit(photo, kEdit, searching(detector, parse_face_choice("3"))), NoFaceFound);
  CHECK_THROWS_WITH(editor.edit(photo, kEdit, searching(detector, parse_face_choice("3"))),
                    "face 3 was asked for, and 2 faces were found in 500 x 300 pixels");
}

TEST_CASE("a photo without a face is refused, whatever the detector is unsure of", "[editing][alignment]") {
  const Editor editor(aligned_bundle());
  const at::Tensor photo = drawn_photo(300, 400);
  CHECK_THROWS_WITH(editor.edit(photo, kEdit, searching(finder({}))), "no face was found in 400 x 300 pixels");
  Face unsure = face_at(from_celeba(0, 1, 200, 150));
  unsure.score = 0.5;
  CHECK_THROWS_AS(editor.edit(photo, kEdit, searching(finder({unsure}))), NoFaceFound);
  Face nowhere = unsure;
  nowhere.score = 1;
  nowhere.points.fill({10, 10});
  CHECK_THROWS_AS(editor.edit(photo, kEdit, searching(finder({nowhere}))), NoFaceFound);
}

TEST_CASE("a face on its side or upside down is found and edited as it lies", "[editing][alignment]") {
  const Editor editor(aligned_bundle());
  at::Tensor upright = drawn_photo(300, 360);
  mark(upright, celeba_points(from_celeba(4, 1, 170, 150)));
  const EditedPhoto straight = editor.edit(upright, kEdit, searching(find_marked));
  CHECK(told(straight, "turned by") == 0);
  for (const int64_t turns : {1, 2, 3}) {
    CAPTURE(turns);
    const at::Tensor photo = at::rot90(upright, turns, {1, 2}).contiguous();
    const EditedPhoto edited = editor.edit(photo, kEdit, searching(find_marked));
    CHECK(told(edited, turns == 2 ? "turned by 180 degrees" : "turned by 90 degrees") == 1);
    const at::Tensor back = at::rot90(edited.photo, -turns, {1, 2});
    CHECK((back.to(at::kInt) - straight.photo.to(at::kInt)).abs().max().item<int64_t>() <= 2);
  }
}

TEST_CASE("a face at the edge is edited as far as it is there, which is said", "[editing][alignment]") {
  const Editor editor(aligned_bundle());
  const at::Tensor photo = drawn_photo(200, 240);
  const EditedPhoto edited = editor.edit(photo, kEdit, searching(finder({face_at(from_celeba(0, 0.8, 15, 110))})));
  CHECK_FALSE(changed(edited, photo).logical_and(in_quads(edited.faces, photo).logical_not()).any().item<bool>());
  CHECK(changed(edited, photo).narrow(1, 0, 20).any().item<bool>());
  CHECK(told(edited, "% of what the networks see around the face lies outside of the photo") == 1);
}

TEST_CASE("a face of 30 pixels is edited, and said to be small", "[editing][alignment]") {
  Bundle bundle = aligned_bundle();
  const Editor editor(bundle);
  const at::Tensor photo = drawn_photo(200, 240);
  const EditedPhoto edited = editor.edit(photo, kEdit, searching(finder({face_at(from_celeba(0, 15.0 / 170, 120, 110))})));
  CHECK(edited.faces[0].place.width == 15);
  CHECK(changed(edited, photo).any().item<bool>());
  CHECK(told(edited, "15 x 15 pixels, they take 32 x 32") == 1);
}

TEST_CASE("a photo of 12 megapixels is edited at its own size", "[editing][alignment]") {
  const Editor editor(aligned_bundle());
  const at::Tensor photo = drawn_photo(3000, 4000);
  const EditedPhoto edited = editor.edit(photo, kEdit, searching(finder({face_at(from_celeba(-8, 9, 2100, 1400))})));
  CHECK(edited.photo.sizes() == photo.sizes());
  CHECK(edited.faces[0].place.width == 1530);
  CHECK_FALSE(changed(edited, photo).logical_and(in_quads(edited.faces, photo).logical_not()).any().item<bool>());
  CHECK(changed(edited, photo).any().item<bool>());
}

TEST_CASE("photos that are aligned already are cropped, by their size or by where their face lies", "[editing][alignment]") {
  const Editor editor(aligned_bundle());
  for (const auto& [height, width] : {std::pair{218, 178}, {109, 89}, {436, 356}}) {
    const at::Tensor photo = drawn_photo(height, width);
    const EditedPhoto edited = editor.edit(photo, kEdit, searching(never(), {}, true));
    CHECK(edited.faces.empty());
    CHECK(at::equal(edited.photo, editor.edit(photo, kEdit, {.source = NamedLabels{}}).photo));
    REQUIRE_FALSE(edited.notes.empty());
    CHECK_THAT(edited.notes[0], Catch::Contains("the size of the bundle's own: taken as aligned"));
  }
  // CelebA's crop at another size, with its face where CelebA has it, give or take.
  const at::Tensor photo = drawn_photo(436, 357);
  const FaceDetector near = finder({face_at(from_celeba(2, 2.04, 181, 221))}), far = finder({face_at(from_celeba(2, 1.6, 181, 221))});
  const EditedPhoto edited = editor.edit(photo, kEdit, searching(near, {}, true));
  CHECK(edited.faces.empty());
  CHECK_THAT(edited.notes.at(0), Catch::Contains("the face where the bundle's have it: taken as aligned"));
  CHECK(editor.edit(photo, kEdit, searching(far, {}, true)).faces.size() == 1);
  // Asked for, a face is searched all the same.
  CHECK(editor.edit(photo, kEdit, searching(near)).faces.size() == 1);
}

TEST_CASE("many photos and many ways are as one", "[editing][alignment]") {
  const Editor editor(aligned_bundle());
  const at::Tensor photo = drawn_photo(200, 260);
  const EditOptions options =
      searching(finder({face_at(from_celeba(0, 0.6, 120, 100)), face_at(from_celeba(9, 0.5, 210, 100))}), parse_face_choice("all"));
  const std::vector<std::vector<AttributeEdit>> ways{{{"Male", 1}}, {{"Bangs", 1}}, {{"Male", 0.5}}};
  const std::vector<EditedPhoto> swept = editor.edit_each(photo, ways, options);
  REQUIRE(swept.size() == 3);
  for (size_t i = 0; i < ways.size(); ++i) {
    const EditedPhoto alone = editor.edit(photo, ways[i], options);
    CHECK((swept[i].photo.to(at::kInt) - alone.photo.to(at::kInt)).abs().max().item<int64_t>() <= 1);
    CHECK(swept[i].difference == alone.difference);
  }
  const std::vector<EditedPhoto> many = editor.edit(std::vector{photo, photo.flip(2).contiguous()}, ways[0], options);
  CHECK(at::equal(many[0].photo, editor.edit(photo, ways[0], options).photo));
  const at::Tensor mask = editor.parse_edited(many[0]);
  CHECK(mask.sizes() == at::IntArrayRef({200, 260}));
  CHECK(mask.masked_select(in_quads(many[0].faces, photo).logical_not()).eq(11).all().item<bool>());
}

TEST_CASE("which bundles know where faces lie", "[editing][alignment]") {
  BundleInfo info{.image_size = 128, .crop = "center:170", .photo_size = "178x218", .trained_on = "CelebA"};
  REQUIRE(face_layout(info));
  CHECK(face_layout(info)->points == celeba_layout().points);
  info.photo_size = "89x109";
  CHECK(face_layout(info)->points == celeba_layout({89, 109}).points);
  info.photo_size = "";
  CHECK(face_layout(info)->points == celeba_layout().points);
  info.crop = "center";
  CHECK_FALSE(face_layout(info));
  info = {.crop = "none", .photo_size = "256x256", .trained_on = "CelebAMask-HQ"};
  REQUIRE(face_layout(info));
  CHECK(face_layout(info)->points == celeba_hq_layout(256).points);
  info.trained_on = "a folder of photos";
  CHECK_FALSE(face_layout(info));
  info = {.crop = "center:170", .photo_size = "178x218", .trained_on = std::string(kDrawnFaces)};
  CHECK_FALSE(face_layout(info));
  Bundle drawn = aligned_bundle();
  drawn.info.trained_on = std::string(kDrawnFaces);
  CHECK_THROWS_WITH(Editor(drawn).edit(drawn_photo(100, 100), kEdit, searching(never())), Catch::Contains("was trained on drawn faces"));
  EditOptions both = searching(never());
  both.crop = Crop{};
  CHECK_THROWS_WITH(Editor(aligned_bundle()).edit(drawn_photo(100, 100), kEdit, both), Catch::Contains("choose one"));
}

TEST_CASE("each face is edited in its own way, from one look", "[editing][alignment]") {
  const Editor editor(aligned_bundle());
  const at::Tensor photo = drawn_photo(300, 500);
  const std::vector<Face> faces{face_at(from_celeba(0, 1.1, 140, 150)), face_at(from_celeba(15, 0.8, 250, 150))};
  EditOptions options = searching(finder(faces), {FaceChoice::Kind::kAll}, true);
  const SeenPhoto seen = editor.look(photo, options);
  REQUIRE((seen.faces == faces));
  CHECK(seen.place == Rect{0, 0, 500, 300});
  const auto same = [&](const EditedPhoto& one, const EditedPhoto& other) {
    return at::equal(one.photo, other.photo) && one.source == other.source && one.difference == other.difference &&
           one.notes == other.notes && one.provenance == other.provenance && one.faces.size() == other.faces.size();
  };
  const auto region = GENERATE(EditRegion::kFree, EditRegion::kExact);
  options.region = region;
  // All in one way are what `edit` makes of all, one is what it makes of that one.
  const NamedLabels none;
  CHECK(same(editor.edit_each_face(photo, seen, {{0, kEdit, none}, {1, kEdit, none}}, region), editor.edit(photo, kEdit, options)));
  options.faces->choice = {FaceChoice::Kind::kNumber, 2};
  CHECK(same(editor.edit_each_face(photo, seen, {{1, kEdit, none}}, region), editor.edit(photo, kEdit, options)));
  // The quads overlap: what one becomes does not depend on the other's edit, which lies where it lay alone.
  const EditedPhoto both = editor.edit_each_face(photo, seen, {{0, {{"Male", 1}}, none}, {1, kEdit, none}}, region);
  CHECK(at::equal(both.faces[1].photo, editor.edit(photo, kEdit, options).faces[0].photo));
  CHECK(both.provenance.edits == std::vector<std::string>{"Male=1", "Eyeglasses=1"});
  CHECK(both.faces_found == 2);
  CHECK_THROWS_WITH(editor.edit_each_face(photo, seen, {}), Catch::Contains("found none"));
  CHECK_THROWS_WITH(editor.edit_each_face(photo, seen, {{2, kEdit, none}}), Catch::Contains("2 must be below 2"));
  CHECK_THROWS_WITH(editor.edit_each_face(photo, seen, {{1, kEdit, none}, {1, kEdit, none}}), Catch::Contains("1 is named twice"));
}

TEST_CASE("a look at a photo that is cropped is the crop's", "[editing][alignment]") {
  const Editor editor(aligned_bundle());
  for (const at::Tensor& photo : {drawn_photo(218, 178), drawn_photo(300, 400)}) {
    const bool aligned = photo.size(1) == 218;
    const EditOptions options = aligned ? searching(never(), {}, true) : EditOptions{.source = NamedLabels{}};
    const SeenPhoto seen = editor.look(photo, options);
    CHECK(seen.faces.empty());
    CHECK(seen.notes.size() == (aligned ? 1 : 0));
    const EditedPhoto found = editor.edit_each_face(photo, seen, {{0, kEdit, NamedLabels{}}});
    const EditedPhoto expected = editor.edit(photo, kEdit, {.source = NamedLabels{}});
    CHECK(at::equal(found.photo, expected.photo));
    CHECK(found.place == expected.place);
  }
}

TEST_CASE("the mask branch's view lies where the faces are", "[editing][alignment]") {
  const Editor editor(aligned_bundle());
  const at::Tensor photo = drawn_photo(300, 400);
  const SeenPhoto seen = editor.look(photo, searching(finder({face_at(from_celeba(20, 0.8, 180, 140))})));
  const std::vector<FaceEdit> faces{{0, kEdit, NamedLabels{}}};
  const EditedMasks masks = editor.edit_masks(photo, seen, faces);
  const EditedPhoto edited = editor.edit_each_face(photo, seen, faces);
  const at::Tensor around = in_quads(edited.faces, photo).logical_not();
  for (const at::Tensor& ids : {masks.before, masks.after}) {
    CHECK(at::equal(ids == EditedMasks::kAround, around));
    CHECK(ids.max().item<int64_t>() == EditedMasks::kAround);
  }
  CHECK_FALSE(at::equal(masks.before, masks.after));
  // Of a crop the parse is the parser's, at the networks' side, and enlarged as it is.
  const SeenPhoto cropped = editor.look(photo);
  const EditedMasks whole = editor.edit_masks(photo, cropped, faces);
  CHECK(whole.before.sizes() == at::IntArrayRef{cropped.place.height, cropped.place.width});
  CHECK(whole.before.max().item<int64_t>() < EditedMasks::kAround);
  const at::Tensor small = resize_image(editor.crop(photo), 32, 32);
  CHECK(at::equal(whole.before, resize_mask(editor.parse_cropped(small), cropped.place.height, cropped.place.width)));
  Bundle bundle = aligned_bundle();
  bundle.mask_generator = nullptr;
  CHECK_THROWS_WITH(Editor(bundle).edit_masks(photo, cropped, faces), Catch::Contains("no mask generator"));
}
