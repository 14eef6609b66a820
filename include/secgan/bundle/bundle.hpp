#pragma once
/// Bundles: trained networks with all that is needed to use them. A folder with config.json and model.safetensors;
/// nothing in it can run code.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/labels.hpp"
#include "secgan/models/classifier.hpp"
#include "secgan/models/generator.hpp"
#include "secgan/parsing/face_parser.hpp"
#include "secgan/parsing/parser.hpp"

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

/// What holds for all networks of a bundle.
struct BundleInfo {
  int64_t image_size = 0;               ///< side of the photos that the networks take
  std::string crop = "center";          ///< how a photo becomes a square: see secgan/image/transforms.hpp
  std::vector<std::string> attributes;  ///< of generator and classifier; empty in a parser's bundle
  double intensity = 1;                 ///< strength 1 of an edit is this much in the generator's attributes
  Conditioning conditioning = Conditioning::kDifference;
  Labels parser_labels = Labels::kSecgan12;  ///< what the parser's classes are
  PhotoNormalization parser_normalization = PhotoNormalization::kNone;
  int64_t parser_input_size = 0;  ///< side to which photos are resized for the parser; 0: as they come
  std::string license;            ///< of the weights; for people to read

  static void visit(auto& self, auto&& visit) {
    visit("image_size", self.image_size);
    visit("crop", self.crop);
    visit("attributes", self.attributes);
    visit("intensity", self.intensity);
    visit("conditioning", self.conditioning);
    visit("parser_labels", self.parser_labels);
    visit("parser_normalization", self.parser_normalization);
    visit("parser_input_size", self.parser_input_size);
    visit("license", self.license);
  }
};

/// Networks that a bundle lacks are empty holders: `if (bundle.classifier.is_empty())`.
struct Bundle {
  BundleInfo info;
  Generator generator{nullptr};
  Generator mask_generator{nullptr};
  AttributeClassifier classifier{nullptr};
  Parser parser{nullptr};
  /// A parser of one's own, used instead of `parser`. Neither it nor networks of one's own are saved.
  std::optional<FaceParser> own_parser;

  /// The frozen parser as SeCGAN uses it: photo in [-1, 1] to the twelve classes.
  /// @throws Error when the bundle has none.
  FaceParser face_parser() const;
  bool has_parser() const { return own_parser.has_value() || !parser.is_empty(); }

  /// What the generators take for an edit.  @param labels, difference [N, A]   @return [N, A]
  at::Tensor condition(const at::Tensor& labels, const at::Tensor& difference) const;
};

/// A parser that takes photos as they come has learned one size of faces.
/// @param bundle  where it is from, for the message
/// @throws InvalidArgument when that is not `image_size`.
void require_parser_fits(const BundleInfo& info, int64_t image_size, std::string_view bundle);

/// Networks come back in evaluation mode.
/// @throws FileNotFound, or Error naming the file: another format version, options or tensors that do not fit.
Bundle load_bundle(const std::filesystem::path& folder);

/// Without the networks.  @throws as load_bundle
BundleInfo load_bundle_info(const std::filesystem::path& folder);

/// How weights are stored; they are computed with in float32.
enum class Storage {
  kFloat,
  kHalf,  ///< float16: half the size, rounded to 11 bits
};

/// Writes the folder whole or not at all; replaces an existing one.
/// @throws Error for a generator of one's own (secgan/models/callable.hpp), which no options could rebuild.
void save_bundle(const std::filesystem::path& folder, const Bundle& bundle, Storage storage = Storage::kFloat);

}  // namespace secgan
