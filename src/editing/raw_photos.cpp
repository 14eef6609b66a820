/// Photos as they come: their faces are found, aligned as the bundle's photos are, edited and put back.

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "core/format.hpp"
#include "editing/known_faces.hpp"
#include "secgan/alignment/blend.hpp"
#include "secgan/alignment/detector_file.hpp"
#include "secgan/core/error.hpp"
#include "secgan/editing/editor.hpp"

namespace secgan {
namespace {

/// What CelebA's photos, and CelebAMask-HQ's, are called in `trained_on`.
constexpr std::string_view kCelebAMaskHqPhotos = "CelebAMask-HQ";

std::string note_on_aligned(const at::Tensor& photo, std::string_view why) {
  return fmt::format("{} x {} pixels, {}: taken as aligned, and cropped as the bundle's photos", photo.size(2), photo.size(1), why);
}

/// What a person should know of how the photo lies.
std::vector<std::string> notes_on_turns(const FoundFaces& found) {
  if (found.quarter_turns == 0) return {};
  return {fmt::format("no face stands upright: found, and edited, turned by {} degrees", found.quarter_turns == 2 ? 180 : 90)};
}

/// What a person should know of where a face was found.
std::vector<std::string> notes_on_place(const AlignedPlace& place, const at::Tensor& photo) {
  constexpr double kMost = 0.8;
  const double share = share_inside(place, photo.size(2), photo.size(1));
  if (share >= kMost) return {};
  return {
      fmt::format("{:.0f} % of what the networks see around the face lies outside of the photo, and is mirrored: expect less of the edit",
                  100 * (1 - share))};
}

void add_new(std::vector<std::string>& to, const std::vector<std::string>& notes) {
  std::ranges::copy_if(notes, std::back_inserter(to), [&](const std::string& note) { return std::ranges::find(to, note) == to.end(); });
}

void require_faces(const SeenPhoto& seen, const std::vector<FaceEdit>& faces) {
  if (faces.empty()) throw InvalidArgument("faces: at least one is edited, found none");
  require_known_faces(seen, faces);
}

}  // namespace

std::optional<FaceLayout> face_layout(const BundleInfo& info) {
  if (info.trained_on == kDrawnFaces) return std::nullopt;
  const PhotoSize size = parse_photo_size(info.photo_size);
  const Crop crop = parse_crop(info.crop);
  if (!size.known() && crop.kind == Crop::Kind::kCenter && crop.side > 0) return celeba_layout();
  if (!size.known()) return std::nullopt;
  if (is_celeba_shaped(size)) return celeba_layout(size);
  if (info.trained_on == kCelebAMaskHqPhotos && size.width == size.height) return celeba_hq_layout(size.width);
  return std::nullopt;
}

Editor::Search Editor::search(const at::Tensor& photo, const View& cropped, const EditOptions& options) const {
  if (options.crop) throw InvalidArgument("crop says where the face is, and faces that it is searched: choose one");
  if (!layout_) {
    throw InvalidArgument(
        fmt::format("faces: the bundle {}: its photos are cropped, none is searched for faces",
                    bundle_.info.trained_on == kDrawnFaces ? "was trained on drawn faces" : "does not say that its photos are aligned"));
  }
  const FaceSearch& asked = *options.faces;
  const int64_t width = photo.size(2), height = photo.size(1);
  if (asked.unless_aligned && is_own_size(*layout_, {width, height})) return {.aligned = "the size of the bundle's own"};

  Search out{.found = asked.known ? FoundFaces{.faces = *asked.known}
                                  : find_faces(asked.detector ? asked.detector : installed_detector(), photo)};
  const std::vector<Face>& faces = out.found.faces;
  try {
    out.chosen = chosen_faces(asked.choice, faces);
  } catch (const NoFaceFound& none) {
    throw NoFaceFound(fmt::format("{} in {} x {} pixels", none.what(), width, height), none.found());
  }
  const Rect crop = crop_rect_of_any(crop_, photo_size_, layout_->size.width, layout_->size.height);
  if (asked.unless_aligned && faces.size() == 1 && misalignment(align(faces[0].points, *layout_), crop, cropped.place) < kAligned)
    out.aligned = "the face where the bundle's have it";
  return out;
}

EditedFace Editor::cut_face(const at::Tensor& photo, const Face& face) const {
  const Rect crop = crop_rect_of_any(crop_, photo_size_, layout_->size.width, layout_->size.height);
  EditedFace out{.face = face, .place = aligned_place(align(face.points, *layout_), crop)};
  out.crop = cut_out(photo, out.place);
  return out;
}

void Editor::put_face(const at::Tensor& picture, EditedFace& face, const EditedPhoto& edit, const std::vector<Face>& all,
                      const EditOptions& options) const {
  face.photo = edit.photo;
  face.source = edit.source;
  face.difference = edit.difference;
  const at::Tensor weights = blending(face, all);
  // An exact edit is a change, or else the face would be sampled anew where nothing changes.
  if (keeps_detail(edit.place, options) || options.region == EditRegion::kExact) {
    put_back(picture, face.place, face.photo.to(at::kFloat) - face.crop.to(at::kFloat), weights);
  } else {
    put_over(picture, face.place, face.photo, weights);
  }
}

std::vector<EditedPhoto> Editor::edit_faces(const at::Tensor& photo, const std::vector<std::vector<AttributeEdit>>& ways,
                                            const EditOptions& options) const {
  const View cropped = crop_view(photo, options);
  const auto [found, chosen, aligned] = search(photo, cropped, options);
  if (!aligned.empty()) {
    std::vector<EditedPhoto> out = edit_views({cropped}, ways, options);
    for (EditedPhoto& one : out) one.notes.insert(one.notes.begin(), note_on_aligned(photo, aligned));
    return out;
  }
  std::vector<EditedFace> faces;
  std::vector<std::vector<EditedPhoto>> edits;  // of each face, in each way
  std::vector<std::string> notes = notes_on_turns(found);
  for (const size_t i : chosen) {
    const EditedFace& one = faces.emplace_back(cut_face(photo, found.faces[i]));
    edits.push_back(edit_views({View{one.crop, {0, 0, one.place.width, one.place.height}}}, ways, options));
    std::ranges::move(notes_on_place(one.place, photo), std::back_inserter(notes));
  }

  std::vector<EditedPhoto> out;
  for (size_t way = 0; way < ways.size(); ++way) {
    EditedPhoto& one = out.emplace_back(EditedPhoto{.photo = photo.clone(),
                                                    .crop = photo,
                                                    .source = edits.front()[way].source,
                                                    .difference = edits.front()[way].difference,
                                                    .place = {0, 0, photo.size(2), photo.size(1)},
                                                    .notes = notes,
                                                    .provenance = edits.front()[way].provenance,
                                                    .faces = faces,
                                                    .faces_found = found.faces.size()});
    for (size_t i = 0; i < faces.size(); ++i) {
      put_face(one.photo, one.faces[i], edits[i][way], found.faces, options);
      add_new(one.notes, edits[i][way].notes);
    }
  }
  return out;
}

SeenPhoto Editor::look(const at::Tensor& photo, const EditOptions& options) const {
  const View cropped = crop_view(photo, options);
  if (!options.faces) return {.place = cropped.place};
  const auto [found, chosen, aligned] = search(photo, cropped, options);
  if (!aligned.empty()) return {.place = cropped.place, .notes = {note_on_aligned(photo, aligned)}};
  return {.place = {0, 0, photo.size(2), photo.size(1)}, .faces = found.faces, .notes = notes_on_turns(found)};
}

EditedPhoto Editor::edit_each_face(const at::Tensor& photo, const SeenPhoto& seen, const std::vector<FaceEdit>& faces,
                                   EditRegion region) const {
  require_faces(seen, faces);
  const EditOptions how{.crop = Crop{.kind = Crop::Kind::kBox, .box = seen.place}, .region = region};
  const auto asked = [&](const View& view, const FaceEdit& face) {
    EditOptions own = how;
    own.source = face.source;
    return edit_views({view}, {face.edits}, own).front();
  };
  const View cropped = crop_view(photo, how);
  if (seen.faces.empty()) return asked(cropped, faces.front());

  EditedPhoto out{.photo = photo.clone(), .crop = photo, .place = seen.place, .faces_found = seen.faces.size()};
  for (const FaceEdit& face : faces) {
    EditedFace& one = out.faces.emplace_back(cut_face(photo, seen.faces[face.face]));
    const EditedPhoto edited = asked(View{one.crop, {0, 0, one.place.width, one.place.height}}, face);
    put_face(out.photo, one, edited, seen.faces, how);
    add_new(out.notes, notes_on_place(one.place, photo));
    add_new(out.notes, edited.notes);
    std::vector<std::string> made = std::move(out.provenance.edits);
    out.provenance = edited.provenance;
    add_new(made, edited.provenance.edits);
    out.provenance.edits = std::move(made);
  }
  out.source = out.faces.front().source;
  out.difference = out.faces.front().difference;
  return out;
}

EditedMasks Editor::edit_masks(const at::Tensor& photo, const SeenPhoto& seen, const std::vector<FaceEdit>& faces) const {
  require_faces(seen, faces);
  require_exact_regions(bundle_, "the mask branch's view");
  const at::NoGradGuard no_grad;
  const auto masks_of = [&](const at::Tensor& crop, const FaceEdit& face) {
    const at::Tensor input = network_input({crop}), source = source_of(input, face.source);
    const auto [before, after] = mask_edit(input, source, attributes_.difference(source, face.edits));
    const auto at_own_size = [&](const at::Tensor& ids) { return resize_mask(ids[0].to(at::kByte), crop.size(1), crop.size(2)); };
    return EditedMasks{at_own_size(before), at_own_size(after)};
  };
  const View cropped = crop_view(photo, {.crop = Crop{.kind = Crop::Kind::kBox, .box = seen.place}});
  if (seen.faces.empty()) return masks_of(cropped.crop, faces.front());
  EditedMasks out{at::full({photo.size(1), photo.size(2)}, EditedMasks::kAround, at::kByte)};
  out.after = out.before.clone();
  for (const FaceEdit& face : faces) {
    const EditedFace one = cut_face(photo, seen.faces[face.face]);
    const EditedMasks found = masks_of(one.crop, face);
    put_back_classes(out.before, one.place, found.before);
    put_back_classes(out.after, one.place, found.after);
  }
  return out;
}

at::Tensor Editor::blending(const EditedFace& face, const std::vector<Face>& all) const {
  const at::NoGradGuard no_grad;
  at::Tensor head;
  if (bundle_.parser) {
    // Of the face before and after: hair that comes and hair that goes.
    const at::Tensor others = parsed(network_input({face.crop, face.photo})).select(1, kSecganClasses - 1);
    head = head_weights(1 - others.amin(0), *layout_, face.place);
  } else {
    head = ellipse_weights(*layout_, face.place);
  }
  std::vector<FivePoints> others;
  for (const Face& other : all) {
    if (!(other == face.face)) others.push_back(other.points);
  }
  return head * edge_weights(face.place.height, face.place.width) * own_weights(face.face.points, others, face.place);
}

at::Tensor Editor::parse_edited(const EditedPhoto& edited) const {
  if (edited.faces.empty()) return parse_cropped(edited.photo);
  at::Tensor mask = at::full({edited.photo.size(1), edited.photo.size(2)}, kSecganClasses - 1, at::kByte);
  for (const EditedFace& face : edited.faces) put_back_classes(mask, face.place, parse_cropped(face.photo));
  return mask;
}

}  // namespace secgan
