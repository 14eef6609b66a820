#include "bundle/model_card.hpp"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "secgan/bundle/recognize.hpp"

namespace secgan {
namespace {

/// Text as YAML takes it in double quotes.
std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

/// Text in a cell of a table, or in a line.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text)
    out += c == '\n' || c == '\r' ? std::string(" ") : c == '|' || c == '<' || c == '`' ? std::string("\\") + c : std::string(1, c);
  return out;
}

/// The Hub knows licenses by identifiers; a text that is none is "other", with the text as its name.
std::string license_lines(const std::string& license) {
  if (license.empty()) return "";
  std::string id = license;
  std::ranges::transform(id, id.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  static const std::vector<std::string> known{"mit",          "apache-2.0",   "bsd-2-clause",    "bsd-3-clause", "cc0-1.0", "cc-by-4.0",
                                              "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "gpl-3.0",      "lgpl-3.0"};
  if (std::ranges::find(known, id) != known.end()) return fmt::format("license: {}\n", id);
  return fmt::format("license: other\nlicense_name: {}\n", quoted(license));
}

std::vector<std::string> networks_of(const Bundle& bundle) {
  std::vector<std::string> out;
  if (!bundle.generator.is_empty()) out.push_back(describe(bundle.generator->config()));
  if (!bundle.mask_generator.is_empty()) out.push_back("of masks: " + describe(bundle.mask_generator->config()));
  if (!bundle.classifier.is_empty()) out.emplace_back("attribute classifier");
  if (bundle.parser) out.push_back(fmt::format("face parser of {} classes", bundle.parser->classes()));
  return out;
}

std::string use_of(const Bundle& bundle) {
  const std::vector<std::string>& attributes = bundle.info.attributes;
  if (bundle.generator.is_empty() || attributes.empty())
    return "```sh\nsecgan train --parser FOLDER …    # networks that a training of SeCGAN uses\n```\n";
  const bool given = bundle.classifier.is_empty() && attributes.size() > 1;
  const std::string source = given ? fmt::format(" --source {}", attributes.back()) : "";
  const std::string python = given ? fmt::format(", source=[{}]", quoted(attributes.back())) : "";
  return fmt::format(
      "```sh\nsecgan edit FOLDER photo.jpg --set {0}=+1{1} --out edited\n```\n\n"
      "```python\nimport secgan\n\neditor = secgan.Editor.from_pretrained(\"FOLDER\")    # or the repository's name on the Hub\n"
      "editor.edit(\"photo.jpg\", {{\"{0}\": 1}}{2}).save(\"edited.jpg\")\n```\n",
      attributes.front(), source, python);
}

}  // namespace

std::string model_card(const Bundle& bundle) {
  const BundleInfo& info = bundle.info;
  const bool edits = !bundle.generator.is_empty();
  std::string out = fmt::format("---\nlibrary_name: secgan\n{}{}tags:\n- secgan\n", edits ? "pipeline_tag: image-to-image\n" : "",
                                license_lines(info.license));
  if (edits) out += fmt::format("- face-attribute-editing\n- {}\n", bundle.generator->config().options.backbone());
  out += fmt::format("---\n\n{}\n\n# A bundle of secgan\n\n", kOwnCard);
  out += edits ? fmt::format("Edits {} of {}: {}.\n\n", counted(std::ssize(info.attributes), "attribute"),
                             info.trained_on == kDrawnFaces ? "drawn faces" : "face photos",
                             cell(fmt::format("{}", fmt::join(info.attributes, ", "))))
               : "Networks that trainings and evaluations of face editing use.\n\n";
  out += fmt::format(
      "| | |\n|---|---|\n| networks | {} |\n| side | {} px |\n| crop | {}{} |\n| trained on | {} |\n| license of the weights | {} |\n\n",
      fmt::join(networks_of(bundle), "; "), info.image_size, info.crop, info.photo_size.empty() ? "" : ", of photos of " + info.photo_size,
      info.trained_on.empty() ? "not said" : cell(info.trained_on), info.license.empty() ? "not said" : cell(info.license));
  out += "## Use\n\n" + use_of(bundle);
  const std::string judge = info.teacher.empty() ? "" : " --classifier ANOTHER";
  out +=
      "\n## What it is for, and what not\n\n"
      "Pictures of people who agree to it, and research. Not for telling who somebody is, or what: attributes are what annotators of the "
      "data set saw, and carry\n"
      "their habits. Edits are right for photos like those of the training, and weaker for people whom those show seldom. What is made "
      "says so: every edited file\n"
      "names software, weights and edits, and that a trained model had a part in it (`secgan inspect`); leave that in.\n\n"
      "## How good it is\n\n";
  out += fmt::format(
      "`secgan evaluate FOLDER --data …{} --json report.json` measures it on photos that it was not trained on; put the figures here, and "
      "delete the comment above.\n{}",
      judge,
      judge.empty() ? ""
                    : "The generator learned to please the classifier that is in the bundle, which is therefore no judge of it: another "
                      "one, of another seed, is.\n");
  return out;
}

}  // namespace secgan
