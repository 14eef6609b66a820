#pragma once
/// Bundles: trained networks with all that is needed to use them. A folder with config.json and model.safetensors, and a README.md for
/// people; nothing in it can run code.

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "secgan/core/device.hpp"
#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/models/classifier.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/parsing/face_parser.hpp"

namespace secgan {

/// The format that this version writes; it reads no other.
inline constexpr int64_t kBundleFormat = 1;

/// What a generator takes as its attributes, for source labels y in {0, 1} and a difference vector d.
enum class Conditioning {
  kDifference,    ///< intensity · d: SeCGAN, STGAN
  kSignedLabels,  ///< y − 1/2 + intensity · d: AttGAN-PyTorch
  kLabels,        ///< y + intensity · d: StarGAN
};
inline constexpr std::array<std::pair<std::string_view, Conditioning>, 3> kConditionings{
    {{"difference", Conditioning::kDifference}, {"signed-labels", Conditioning::kSignedLabels}, {"labels", Conditioning::kLabels}}};
template <>
struct EnumNames<Conditioning> {
  static constexpr auto& table = kConditionings;
  static constexpr std::string_view what = "conditioning";
};

/// What `trained_on` says of drawn faces.
inline constexpr std::string_view kDrawnFaces = "drawn faces";

/// What holds for all networks of a bundle.
struct BundleInfo {
  int64_t image_size = 0;
  std::string crop = "center";
  std::vector<std::string> attributes;
  double intensity = 1;
  Conditioning conditioning = Conditioning::kDifference;
  std::string license;
  std::string photo_size;
  std::string trained_on;
  std::string teacher;

  static constexpr auto fields() {
    using O = BundleInfo;
    return std::tuple{
        field<&O::image_size>("side of the photos that the networks take", rule::kExtentOrNone),
        field<&O::crop>("how a photo becomes a square: none, center, center:N or box:x,y,w,h, in pixels of photos of photo_size"),
        field<&O::attributes>("of generator and classifier; empty in a parser's bundle"),
        field<&O::intensity>("strength 1 of an edit is this much in the generator's attributes", rule::kStrength),
        field<&O::conditioning>("what a generator takes as its attributes"),
        field<&O::license>("of the weights; for people to read", {}, "licence"),
        field<&O::photo_size>("of the data set, as 178x218; empty: not known"),
        field<&O::trained_on>("what the data set's photos are, as drawn faces; empty: not known"),
        field<&O::teacher>(
            "SHA-256, rounded to float16, of the classifier that the generator learned to please, and that is no judge of it; empty: none"),
    };
  }
};

/// Networks that a bundle lacks are empty holders: `if (bundle.classifier.is_empty())`.
struct SECGAN_API Bundle {
  BundleInfo info;
  Generator generator{nullptr};
  Generator mask_generator{nullptr};
  AttributeClassifier classifier{nullptr};
  std::optional<FaceParser> parser;  ///< to the twelve classes, where SeCGAN uses it

  /// What load_bundle read, for those who tell where a result is from; empty for networks that are no file's.
  std::string name = {};    ///< of the folder
  std::string digest = {};  ///< SHA-256 of its file of weights
  std::string card = {};    ///< README.md, where somebody wrote it: saved again; empty: save_bundle writes one

  /// What the generators take for an edit.  @param labels, difference [N, A]   @return [N, A]
  at::Tensor condition(const at::Tensor& labels, const at::Tensor& difference) const;

  /// Moves the networks; their tensors stay the same objects. A parser from outside stays where it is.
  void to(const Device& device);
  /// Where the networks are; the CPU where there is none.
  Device device() const;
};

/// A parser that takes photos as they come has learned one size of faces.
/// @param bundle  where it is from, for the message
/// @throws InvalidArgument when that is not `image_size`.
SECGAN_API void require_parser_fits(const Bundle& parser, int64_t image_size, std::string_view bundle);

/// Networks come back in evaluation mode, a parser frozen.
/// @throws FileNotFound, or Error naming the file: another format version, options or tensors that do not fit, tensors that are not finite.
SECGAN_API Bundle load_bundle(const std::filesystem::path& folder);

/// Parts of a bundle that a setting asks for.
enum class BundlePart { kGenerator, kClassifier, kParser };

/// load_bundle of a folder that a setting names for one part.
/// @param setting  its name, first word of a message
/// @throws as load_bundle, and InvalidArgument for a bundle that lacks the part: "classifier: bundle X holds no classifier"
SECGAN_API Bundle load_bundle_with(BundlePart part, const std::filesystem::path& folder, std::string_view setting);

/// Without the networks.  @throws as load_bundle
SECGAN_API BundleInfo load_bundle_info(const std::filesystem::path& folder);

/// How weights are stored; they are computed with in float32.
enum class Storage {
  kFloat,
  kHalf,  ///< float16: half the size, rounded to 11 bits
};

/// Before long work: that save_bundle can write there. Free are a name that nothing has, an empty folder, and a bundle of this format with
/// no other file in it.
/// @throws Error naming what is there
SECGAN_API void require_bundle_place(const std::filesystem::path& folder);

/// Writes the folder whole or not at all; at every moment the old bundle or the new one is there.
/// @throws as require_bundle_place, and Error for a custom generator or parser, which no options could rebuild.
SECGAN_API void save_bundle(const std::filesystem::path& folder, const Bundle& bundle, Storage storage = Storage::kFloat);

}  // namespace secgan
