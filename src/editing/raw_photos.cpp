/// Photos as they come: their faces are found, aligned as the bundle's photos are, edited and put back.

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/format.hpp"
#include "editing/notes.hpp"
#include "secgan/alignment/blend.hpp"
#include "secgan/alignment/detector_file.hpp"
#include "secgan/core/error.hpp"
#include "secgan/editing/editor.hpp"

namespace secgan {
namespace {

/// What CelebA's photos, and CelebAMask-HQ's, are called in `trained_on`.
constexpr std::string_view kCelebAMaskHqPhotos = "CelebAMask-HQ";

/// CelebA's shape, at any size, to half a pixel.
bool celeba_shaped(const PhotoSize& size) { return std::abs(size.width * 218 - size.height * 178) <= (178 + 218) / 2; }

/// A photo of the bundle's own kind.
/// @param layout  of CelebA, whose photos are passed on at half and at double size, too, or of others
bool has_layouts_size(const FaceLayout& layout, int64_t width, int64_t height) {
  const PhotoSize size{width, height};
  if (size == layout.size) return true;
  return celeba_shaped(layout.size) && (size == PhotoSize{178, 218} || size == PhotoSize{89, 109} || size == PhotoSize{356, 436});
}

std::string note_on_aligned(const at::Tensor& photo, std::string_view why) {
  return fmt::format("{} x {} pixels, {}: taken as aligned, and cropped as the bundle's photos", photo.size(2), photo.size(1), why);
}

/// What a person should know of where a face was found.
std::vector<std::string> notes_on_faces(const FoundFaces& found, const std::vector<EditedFace>& edited, const at::Tensor& photo) {
  std::vector<std::string> out;
  if (found.quarter_turns != 0) {
    out.push_back(fmt::format("no face stands upright: found, and edited, turned by {} degrees", found.quarter_turns == 2 ? 180 : 90));
  }
  constexpr double kMost = 0.8;
  for (const EditedFace& one : edited) {
    const double share = share_inside(one.place, photo.size(2), photo.size(1));
    if (share < kMost) {
      out.push_back(fmt::format(
          "{:.0f} % of what the networks see around the face lies outside of the photo, and is mirrored: expect less of the edit",
          100 * (1 - share)));
    }
  }
  return out;
}

void add_new(std::vector<std::string>& to, const std::vector<std::string>& notes) {
  std::ranges::copy_if(notes, std::back_inserter(to), [&](const std::string& note) { return std::ranges::find(to, note) == to.end(); });
}

}  // namespace

std::optional<FaceLayout> face_layout(const BundleInfo& info) {
  if (info.trained_on == kDrawnFaces) return std::nullopt;
  const PhotoSize size = parse_photo_size(info.photo_size);
  const Crop crop = parse_crop(info.crop);
  if (!size.known() && crop.kind == Crop::Kind::kCenter && crop.side > 0) return celeba_layout();
  if (!size.known()) return std::nullopt;
  if (celeba_shaped(size)) return celeba_layout(size);
  if (info.trained_on == kCelebAMaskHqPhotos && size.width == size.height) return celeba_hq_layout(size.width);
  return std::nullopt;
}

std::vector<EditedPhoto> Editor::edit_faces(const at::Tensor& photo, const std::vector<std::vector<AttributeEdit>>& ways,
                                            const EditOptions& options) const {
  if (options.crop) throw InvalidArgument("crop says where the face is, and faces that it is searched: choose one");
  if (!layout_) {
    throw InvalidArgument(
        fmt::format("faces: the bundle {}: its photos are cropped, none is searched for faces",
                    bundle_.info.trained_on == kDrawnFaces ? "was trained on drawn faces" : "does not say that its photos are aligned"));
  }
  const FaceSearch& search = *options.faces;
  const View cropped = crop_view(photo, options);
  const int64_t width = photo.size(2), height = photo.size(1);
  const auto as_aligned = [&](const View& view, std::string_view why) {
    std::vector<EditedPhoto> out = edit_views({view}, ways, options);
    for (EditedPhoto& one : out) one.notes.insert(one.notes.begin(), note_on_aligned(photo, why));
    return out;
  };
  if (search.unless_aligned && has_layouts_size(*layout_, width, height)) return as_aligned(cropped, "the size of the bundle's own");

  const FoundFaces found =
      search.known ? FoundFaces{.faces = *search.known} : find_faces(search.detector ? search.detector : installed_detector(), photo);
  std::vector<size_t> chosen;
  try {
    chosen = chosen_faces(search.choice, found.faces);
  } catch (const NoFaceFound& none) {
    throw NoFaceFound(fmt::format("{} in {} x {} pixels", none.what(), width, height), none.found());
  }
  const Rect crop = crop_rect_of_any(crop_, photo_size_, layout_->size.width, layout_->size.height);
  std::vector<EditedFace> faces;
  std::vector<std::vector<EditedPhoto>> edits;  // of each face, in each way
  for (const size_t i : chosen) {
    const Face& face = found.faces[i];
    const Similarity to_layout = align(face.points, *layout_);
    if (search.unless_aligned && found.faces.size() == 1 && misalignment(to_layout, crop, cropped.place) < kAligned)
      return as_aligned(cropped, "the face where the bundle's have it");
    EditedFace& one = faces.emplace_back(EditedFace{.face = face, .place = aligned_place(to_layout, crop)});
    one.crop = cut_out(photo, one.place);
    edits.push_back(edit_views({{one.crop, {0, 0, one.place.width, one.place.height}}}, ways, options));
  }

  std::vector<EditedPhoto> out;
  for (size_t way = 0; way < ways.size(); ++way) {
    EditedPhoto& one = out.emplace_back(EditedPhoto{.photo = photo.clone(),
                                                    .crop = photo,
                                                    .source = edits.front()[way].source,
                                                    .difference = edits.front()[way].difference,
                                                    .place = {0, 0, width, height},
                                                    .notes = notes_on_faces(found, faces, photo),
                                                    .provenance = edits.front()[way].provenance,
                                                    .faces = faces,
                                                    .faces_found = found.faces.size()});
    for (size_t i = 0; i < faces.size(); ++i) {
      EditedFace& face = one.faces[i];
      face.photo = edits[i][way].photo;
      face.source = edits[i][way].source;
      face.difference = edits[i][way].difference;
      add_new(one.notes, edits[i][way].notes);
      const at::Tensor weights = blending(face, found.faces);
      // An exact edit is a change, or else the face would be sampled anew where nothing changes.
      if (keeps_detail(edits[i][way].place, options) || options.region == EditRegion::kExact) {
        put_back(one.photo, face.place, face.photo.to(at::kFloat) - face.crop.to(at::kFloat), weights);
      } else {
        put_over(one.photo, face.place, face.photo, weights);
      }
    }
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
