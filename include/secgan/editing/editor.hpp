#pragma once
/// Photo in, edited photo out.

#include <ATen/core/Tensor.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/alignment/faces.hpp"
#include "secgan/alignment/layout.hpp"
#include "secgan/alignment/warp.hpp"
#include "secgan/bundle/bundle.hpp"
#include "secgan/core/attributes.hpp"
#include "secgan/core/device.hpp"
#include "secgan/core/export.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/core/named_values.hpp"
#include "secgan/image/provenance.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/nn/engine.hpp"

namespace secgan {

/// How an edit of `image_size` becomes a picture of the crop's own size.
enum class Upscaling {
  kResize,  ///< the network's picture, resized: softer than the photo, true to the network
  kDetail,  ///< the photo plus the resized change (edit - reconstruction): keeps the photo's fine detail
  kAuto,    ///< kDetail where the crop is larger than the network's side, kResize elsewhere
};
inline constexpr std::array<std::pair<std::string_view, Upscaling>, 3> kUpscalings{
    {{"resize", Upscaling::kResize}, {"detail", Upscaling::kDetail}, {"auto", Upscaling::kAuto}}};
template <>
struct EnumNames<Upscaling> {
  static constexpr auto& table = kUpscalings;
  static constexpr std::string_view what = "upscaling";
};

/// Which pixels an edit may change.
enum class EditRegion {
  kFree,   ///< all
  kExact,  ///< those of the classes that the attribute shows in (attribute_region), in the parse and in the mask branch's edit, grown by a
           ///< margin as evaluation does; every other pixel stays as it was, to the bit. Needs parser and mask generator.
};
inline constexpr std::array<std::pair<std::string_view, EditRegion>, 2> kEditRegions{
    {{"free", EditRegion::kFree}, {"exact", EditRegion::kExact}}};
template <>
struct EnumNames<EditRegion> {
  static constexpr auto& table = kEditRegions;
  static constexpr std::string_view what = "region";
};

/// @param what  wants it, for the message
/// @throws InvalidArgument naming what EditRegion::kExact needs and the bundle lacks.
SECGAN_API void require_exact_regions(const Bundle& bundle, std::string_view what);

/// When an editor compiles its generator, which gives other last bits. Engine::kOpenvino always does.
enum class Compiling {
  kWhenItPays,  ///< after some eight photos: the plain modules edit the first ones
  kAtOnce,
  kNever,  ///< whatever was edited before, an edit comes out the same to the bit, as the first one of another editor
};

/// Where and by what an editor's networks run.
struct EditorOptions {
  Device device = at::kCPU;
  Engine engine = Engine::kAuto;              ///< of the generator
  Precision precision = Precision::kFloat32;  ///< of the generator's convolutions
  Compiling compiling = Compiling::kWhenItPays;
};

class GeneratorEngine;

/// Faces of a photo as it comes: who finds them, and which are edited.
struct FaceSearch {
  FaceChoice choice = {};
  FaceDetector detector = {};                   ///< empty: the installed one (installed_detector)
  std::optional<std::vector<Face>> known = {};  ///< the photo's faces, the largest first, where nobody has to find them
  bool unless_aligned = true;  ///< photos that have the size of the bundle's, or their face where the bundle's have it, are cropped instead
};

struct EditOptions {
  std::optional<NamedLabels> source = {};  ///< attributes that the photo has; unnamed ones it has not; nullopt: predicted
  Upscaling upscaling = Upscaling::kAuto;
  std::optional<Crop> crop = {};         ///< in pixels of this photo; nullopt: the bundle's, as a share of the photo (crop_rect_of_any)
  std::optional<FaceSearch> faces = {};  ///< nullopt: nothing is searched, the crop is edited
  EditRegion region = EditRegion::kFree;
};

/// A face that was found in a photo, aligned as the bundle's photos are, edited, and put back.
struct EditedFace {
  Face face;           ///< in the photo
  AlignedPlace place;  ///< how it was cut out
  at::Tensor photo;    ///< [3, h, w] uint8: the aligned face, edited
  at::Tensor crop;     ///< [3, h, w] uint8: as it was
  NamedLabels source;  ///< as EditedPhoto has them, of this face
  NamedValues difference;
};

struct EditedPhoto {
  at::Tensor photo;                ///< [3, h, w] uint8: the crop of the original, edited, at its own size
  at::Tensor crop;                 ///< [3, h, w] uint8: the same part of the original
  NamedLabels source;              ///< what the photo showed, as given or predicted; every attribute, in the bundle's order
  NamedValues difference;          ///< what the generator was asked for, before the bundle's intensity; every attribute
  Rect place;                      ///< where the crop lies in the photo
  std::vector<std::string> notes;  ///< what a person should know, a line each: strengths far from training's, edits that change nothing,
                                   ///< a tiny photo, a photo unlike those of the training
  Provenance provenance;           ///< what its file should say: write_image(file, edited.photo, edited.provenance)
  std::vector<EditedFace> faces = {};  ///< where faces were searched: those that were edited, the largest first. `photo` is then the whole
                                       ///< photo, equal to the original outside of their quads, and `source` is the first one's
  size_t faces_found = 0;              ///< those that were not edited, too
};

/// What there is to edit in a photo, found once for many edits of it (Editor::look).
struct SeenPhoto {
  Rect place;                           ///< what is edited: the crop's part, or, where there are faces, the whole photo
  std::vector<Face> faces = {};         ///< the largest first; empty: the crop is edited
  std::vector<std::string> notes = {};  ///< what a person should know of it, a line each
};

/// What one face of a photo becomes.
struct FaceEdit {
  size_t face = 0;  ///< its place in SeenPhoto::faces; 0 where the crop is edited
  std::vector<AttributeEdit> edits = {};
  std::optional<NamedLabels> source = {};  ///< as EditOptions::source, of this face
};

/// The mask branch's view of an edit, in ids of the twelve classes.
struct EditedMasks {
  at::Tensor before, after;                           ///< [h, w] uint8
  static constexpr int64_t kAround = kSecganClasses;  ///< the id of what belongs to none of the faces
};

/// The photo with its edit put in; where the crop ends inside the photo, the two are blended over a sixteenth of its side.
/// @param photo [3, H, W] uint8, that `edited` was made of   @return [3, H, W] uint8
SECGAN_API at::Tensor whole_photo(const at::Tensor& photo, const EditedPhoto& edited);

/// Where faces lie in the photos that a bundle's networks were trained on; nullopt where the bundle does not say so, as for drawn faces
/// (docs/decisions/0041).
SECGAN_API std::optional<FaceLayout> face_layout(const BundleInfo& info);

/// Photos are [3, H, W] uint8 RGB on the CPU, of any size; they are cropped as the bundle or the caller says, or their faces are searched.
/// Results are on the CPU.
class SECGAN_API Editor {
 public:
  /// @throws Error when the bundle has neither generator nor parser.
  explicit Editor(Bundle bundle, const EditorOptions& options = {});
  /// @throws as load_bundle; InvalidArgument for an engine that is not there, with those that are
  static Editor from_pretrained(const std::filesystem::path& folder, const EditorOptions& options = {});
  static Editor from_pretrained(const std::filesystem::path& folder, const Device& device) {
    return from_pretrained(folder, EditorOptions{.device = device});
  }
  void save_pretrained(const std::filesystem::path& folder) const;

  const AttributeSchema& attributes() const { return attributes_; }
  const Bundle& bundle() const { return bundle_; }
  /// The bundle in a line: "generator 'attgan' of 9 attributes, classifier, parser; 64 px, crop center".
  std::string summary() const;

  /// What was asked for; the device is where the networks are now.
  EditorOptions options() const { return {bundle_.device(), asked_.engine, asked_.precision, asked_.compiling}; }
  /// The engine that made the last edit, or will make the first, with its version: "libtorch 2.13.0", "openvino 2026.4.1".
  std::string engine() const;

  /// Moves the networks. The tensors stay the same objects.
  void to(const Device& device);

  /// As face_layout(bundle().info): faces can be searched where it is known.
  const std::optional<FaceLayout>& layout() const { return layout_; }

  /// Where the networks look for the face unless it is searched: the crop's part of the photo.
  /// @param crop  as EditOptions::crop   @throws InvalidArgument for another type of photo, or a crop that leaves it.
  Rect place(const at::Tensor& photo, const std::optional<Crop>& crop = {}) const;
  /// That part, a view.
  at::Tensor crop(const at::Tensor& photo, const std::optional<Crop>& crop = {}) const;

  /// What the classifier sees: a probability per attribute.
  /// @throws InvalidArgument when the bundle has no classifier.
  NamedValues predict(const at::Tensor& photo, const std::optional<Crop>& crop = {}) const;

  /// @throws InvalidArgument for an unknown attribute, contradictory edits (AttributeSchema::difference), another type of photo, or an
  ///         exact region of a bundle without what that needs; Error when the bundle has no generator, or for an edit that comes out with
  ///         values that are not finite; where faces are searched, NoFaceFound, and FileNotFound where no detector is installed.
  EditedPhoto edit(const at::Tensor& photo, const std::vector<AttributeEdit>& edits, const EditOptions& options = {}) const;
  /// Many photos of any sizes, the same edits and options for all; the networks see several at once.
  std::vector<EditedPhoto> edit(const std::vector<at::Tensor>& photos, const std::vector<AttributeEdit>& edits,
                                const EditOptions& options = {}) const;
  /// One photo in several ways, as by several strengths of an attribute; the networks see several at once.
  /// @return an edit for each of `ways`   @throws as edit
  std::vector<EditedPhoto> edit_each(const at::Tensor& photo, const std::vector<std::vector<AttributeEdit>>& ways,
                                     const EditOptions& options = {}) const;

  /// What edits with these options would be of: faces are searched as `edit` searches them.
  /// @throws as edit
  SeenPhoto look(const at::Tensor& photo, const EditOptions& options = {}) const;
  /// Each face in its own way, as sliders for each of them ask for it. What one face becomes depends on no other's edit.
  /// @param faces  at least one, each face at most once; of a crop the one   @throws as edit
  EditedPhoto edit_each_face(const at::Tensor& photo, const SeenPhoto& seen, const std::vector<FaceEdit>& faces,
                             EditRegion region = EditRegion::kFree) const;
  /// Parse and mask branch's edit of the same, at the size of edit_each_face's photo.
  /// @throws InvalidArgument as edit_each_face, and for a bundle without parser or mask generator.
  EditedMasks edit_masks(const at::Tensor& photo, const SeenPhoto& seen, const std::vector<FaceEdit>& faces) const;

  /// The parser's classes at the crop's own size.
  /// @return [h, w] uint8 ids of the twelve classes   @throws Error when the bundle has no parser.
  at::Tensor parse(const at::Tensor& photo, const std::optional<Crop>& crop = {}) const;

  /// The same of a picture that is cropped already, as edits are.
  at::Tensor parse_cropped(const at::Tensor& crop) const;

  /// The same of an edit, at its photo's size: outside of faces that were searched lies the last class, others.
  at::Tensor parse_edited(const EditedPhoto& edited) const;

 private:
  /// What the networks are shown of a photo.
  struct View {
    at::Tensor crop;
    Rect place;
  };

  /// Crops as the networks take them: [N, 3, S, S] in [-1, 1], on the CPU.
  at::Tensor network_input(const std::vector<at::Tensor>& crops) const;
  /// [N, A] probabilities.
  at::Tensor classify(const at::Tensor& input) const;
  /// [N, K, S, S] probabilities of the parser's classes.
  at::Tensor parsed(const at::Tensor& input) const;
  /// Whether an edit is the photo plus the network's change, not the network's picture.
  bool keeps_detail(const Rect& place, const EditOptions& options) const;
  /// @param ways  edits, as many as views, or of one view
  std::vector<EditedPhoto> edit_views(const std::vector<View>& views, const std::vector<std::vector<AttributeEdit>>& ways,
                                      const EditOptions& options) const;
  /// Where an edit in each way may change what the networks see.
  /// @param source, difference [N, A]   @return [N, S, S] bool
  at::Tensor regions(const at::Tensor& input, const at::Tensor& source, const at::Tensor& difference) const;
  /// The crop's part of each photo, which is checked.
  View crop_view(const at::Tensor& photo, const EditOptions& options) const;
  /// Faces of a photo, and those that were asked for.
  struct Search {
    FoundFaces found;
    std::vector<size_t> chosen;
    std::string aligned;  ///< why the crop is edited instead; empty where it is not
  };
  Search search(const at::Tensor& photo, const View& cropped, const EditOptions& options) const;
  /// One photo, whose faces are searched.
  std::vector<EditedPhoto> edit_faces(const at::Tensor& photo, const std::vector<std::vector<AttributeEdit>>& ways,
                                      const EditOptions& options) const;
  /// A face as the networks see it, unedited.
  EditedFace cut_face(const at::Tensor& photo, const Face& face) const;
  /// @param edit  of the face's cut   @param picture  the photo, or what other faces' edits made of it; written into
  void put_face(const at::Tensor& picture, EditedFace& face, const EditedPhoto& edit, const std::vector<Face>& all,
                const EditOptions& options) const;
  /// What the photo shows, as given or as the classifier sees it.  @return [1, A]
  at::Tensor source_of(const at::Tensor& input, const std::optional<NamedLabels>& given) const;
  /// The parse, and the mask branch's edit of it.
  /// @param source, difference [N, A]   @return ids, [N, S, S]
  std::pair<at::Tensor, at::Tensor> mask_edit(const at::Tensor& input, const at::Tensor& source, const at::Tensor& difference) const;
  /// How much of a face's edit is seen where.  @return [h, w]
  at::Tensor blending(const EditedFace& face, const std::vector<Face>& all) const;
  /// @param ways  edits, as many as photos, or of one photo
  std::vector<EditedPhoto> edit_batch(const std::vector<at::Tensor>& photos, const std::vector<std::vector<AttributeEdit>>& ways,
                                      const EditOptions& options) const;

  Bundle bundle_;
  Crop crop_;
  PhotoSize photo_size_;
  std::optional<FaceLayout> layout_;
  AttributeSchema attributes_;
  std::shared_ptr<GeneratorEngine> engine_;  ///< copies share it, as they share the weights
  EditorOptions asked_;
};

}  // namespace secgan
