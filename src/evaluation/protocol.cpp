#include "secgan/evaluation/protocol.hpp"

#include <filesystem>

#include "core/format.hpp"
#include "core/rules.hpp"
#include "io/json.hpp"
#include "io/toml.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {
namespace {

/// STGAN's evaluation as its authors' scripts run it: official test photos, CelebA's attribute list of AttGAN, their
/// crop, and the strength that the paper's figures need (`--test_int 2`, a difference of 1.5).
EvaluationProtocol stgan_paper() {
  EvaluationProtocol protocol;
  protocol.name = "stgan-paper";
  protocol.crop = "box:3,26,170,170";
  protocol.attributes = {"Bald",           "Bangs",      "Black_Hair", "Blond_Hair",          "Brown_Hair",
                         "Bushy_Eyebrows", "Eyeglasses", "Male",       "Mouth_Slightly_Open", "Mustache",
                         "No_Beard",       "Pale_Skin",  "Young"};
  protocol.conflicts = ConflictRules::kStgan;
  protocol.strength = 1.5;
  return protocol;
}

}  // namespace

void EvaluationProtocol::validate() const {
  require_not_negative("photos", photos);
  if (!crop.empty()) parse_crop(crop);
  if (!(strength > 0)) throw InvalidArgument(fmt::format("strength {} is not positive", strength));
  if (!attributes.empty()) AttributeSchema{attributes};
  require_not_negative("region_margin", region_margin);
  require_not_negative("edits_per_photo", edits_per_photo);
  if (min_samples < 2) throw InvalidArgument(fmt::format("min_samples {} is below 2, which a covariance needs", min_samples));
  require_positive("kernel_subsets", kernel_subsets);
  if (kernel_subset_size < 2) throw InvalidArgument(fmt::format("kernel_subset_size {} is below 2", kernel_subset_size));
  require_positive("score_splits", score_splits);
  if (!(level > 0 && level < 1)) throw InvalidArgument(fmt::format("level {} is not in (0, 1)", level));
  require_positive("resamples", resamples);
  require_positive("distribution_resamples", distribution_resamples);
}

const std::vector<std::string>& protocol_names() {
  static const std::vector<std::string> names{"secgan", "stgan-paper"};
  return names;
}

EvaluationProtocol open_protocol(const std::string& name_or_file) {
  if (name_or_file == "secgan") return {};
  if (name_or_file == "stgan-paper") return stgan_paper();
  if (!std::filesystem::exists(name_or_file)) {
    throw InvalidArgument(
        fmt::format("protocol '{}' is unknown, and there is no such file; known: {}", name_or_file, fmt::join(protocol_names(), ", ")));
  }
  EvaluationProtocol protocol;
  try {
    from_json_strict(protocol, read_toml(name_or_file), name_or_file);
    protocol.validate();
  } catch (const InvalidArgument& error) {
    const std::string message = error.what();
    throw Error(message.starts_with(name_or_file) ? message : name_or_file + ": " + message);
  }
  return protocol;
}

}  // namespace secgan
