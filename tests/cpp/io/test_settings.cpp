#include <catch2/catch.hpp>

#include <map>

#include "io/json.hpp"
#include "secgan/bundle/import_weights.hpp"
#include "secgan/evaluation/protocol.hpp"
#include "secgan/evaluation/settings.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/settings.hpp"
#include "secgan/models/attgan.hpp"
#include "secgan/models/stgan.hpp"
#include "secgan/training/train.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;
namespace fs = std::filesystem;

namespace {

/// Another value that the field's rule allows.
template <class Number>
Number another(Number value, const Rule& rule) {
  for (const double candidate : {static_cast<double>(value) * 0.7 + 0.0123, static_cast<double>(value) + 1, static_cast<double>(value) - 1,
                                 static_cast<double>(value) + 2, static_cast<double>(value) + static_cast<double>(rule.multiple), 0.3}) {
    const auto next = static_cast<Number>(candidate);
    if (next != value && rule.holds(static_cast<double>(next))) return next;
  }
  throw std::logic_error("no other value");
}

/// The one field whose other values its struct refuses: masks have no classifier.
bool is_fixed(std::string_view owner, std::string_view field) { return owner == "mask" && field == "generator_classifier"; }

/// Gives every other field another value than it has: choices first, since they decide which fields there are.
/// @param owner  the field that the record is
void change_every_field(const Record& record, std::string_view owner = {}) {
  for (const FieldRef& field : record.fields()) {
    if (const EnumRef* const choice = std::get_if<EnumRef>(&field.value)) {
      const auto at = std::find(choice->names.begin(), choice->names.end(), choice->get()) - choice->names.begin();
      choice->set(choice->names[static_cast<size_t>(at + 1) % choice->names.size()]);
    }
  }
  for (const FieldRef& field : record.fields()) {
    if (is_fixed(owner, field.name)) continue;
    std::visit(
        [&]<class Value>(const Value& value) {
          if constexpr (std::is_same_v<Value, Record>) {
            change_every_field(value, field.name);
          } else if constexpr (std::is_same_v<Value, bool*>) {
            *value = !*value;
          } else if constexpr (std::is_same_v<Value, int64_t*> || std::is_same_v<Value, uint64_t*> || std::is_same_v<Value, double*>) {
            *value = another(*value, field.rule);
          } else if constexpr (std::is_same_v<Value, std::optional<int64_t>*> || std::is_same_v<Value, std::optional<double>*>) {
            *value = 96;
          } else if constexpr (std::is_same_v<Value, std::string*>) {
            *value = field.name == "crop" ? "center:91" : "a \"quoted\" \\ " + std::string(field.name) + " = # [ä]\n\tof two lines";
          } else if constexpr (std::is_same_v<Value, std::vector<std::string>*>) {
            *value = {"Bald", "with, comma", "with \"quotes\""};
          } else if constexpr (std::is_same_v<Value, std::vector<int64_t>*>) {
            *value = {3, -1};
          }
        },
        field.value);
  }
}

/// Every plain value by its path.
std::map<std::string, std::string> plain_values(const nlohmann::ordered_json& json) {
  std::map<std::string, std::string> out;
  const nlohmann::ordered_json flat = json.flatten();
  for (const auto& [path, value] : flat.items()) out[path] = value.dump();
  return out;
}

/// What load_settings says of such a file; "accepted" when nothing.
template <class Settings = TrainSettings>
std::string file_refusal(const fs::path& file, const std::string& text) {
  write_file(file, text);
  try {
    load_settings<Settings>(file);
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "accepted";
}

/// Drawn faces, which need no folder.
const std::string kDrawn = "[data]\nkind = \"synthetic\"\n";

}  // namespace

TEST_CASE("settings come back from TOML and JSON with every field as it was", "[io]") {
  const TemporaryFolder folder;
  const auto check = [&]<class Settings>(const Settings& defaults) {
    Settings changed = defaults;
    change_every_field(record_of(changed));
    const auto before = plain_values(secgan::detail::to_json(defaults)), expected = plain_values(secgan::detail::to_json(changed));
    for (const auto& [path, value] : expected) {
      INFO(path);
      if (path.ends_with("/mask/generator_classifier")) continue;
      const auto found = before.find(path);
      CHECK((found == before.end() || found->second != value));
    }
    for (const char* name : {"settings.toml", "settings.json"}) {
      INFO(name);
      save_settings(folder / name, changed);
      CHECK(plain_values(secgan::detail::to_json(load_settings<Settings>(folder / name))) == expected);
    }
    CHECK(read_file(folder / "settings.toml") == settings_text(changed));
  };
  TrainSettings settings;
  check(settings);
  settings.task = small_scale_recipe("stgan", "stargan");
  check(settings);
  check(TrainParserSettings());
  check(TrainClassifierSettings());
  check(EvaluateSettings());
}

TEST_CASE("settings are read member by member", "[io]") {
  const TemporaryFolder folder;
  TrainSettings settings;
  settings.data.source.kind = DataKind::kCelebAMaskHq;
  settings.data.source.root = "faces";
  settings.data.source.mask_labels = Labels::kFaceParsing;
  settings.data.source.split_by_mapping = false;
  settings.data.attributes = {"Male"};
  settings.data.image_size = 64;
  settings.data.crop = "none";
  settings.data.count = 5;
  settings.data.cache = false;
  settings.parser = "parser";
  settings.parser_program.file = "parser.pt";
  settings.parser_program.input = {Labels::kCelebAMaskHq, PhotoNormalization::kNone, 448};
  settings.task.photo_generator = StganGeneratorOptions::official();
  settings.task.losses.mask.gradient_penalty = 3;
  settings.task.losses.real_masks = RealMasks::kHard;
  settings.task.discriminator_adam.beta2 = 0.9;
  settings.trainer.final_rate = 0.25;
  settings.threads = 3;
  for (const char* name : {"settings.toml", "settings.json"}) {
    save_settings(folder / name, settings);
    const TrainSettings read = load_settings<TrainSettings>(folder / name);
    CHECK(read.data.source.kind == DataKind::kCelebAMaskHq);
    CHECK(read.data.source.root == "faces");
    CHECK(read.data.source.mask_labels == Labels::kFaceParsing);
    CHECK_FALSE(read.data.source.split_by_mapping);
    CHECK(read.data.attributes == std::vector<std::string>{"Male"});
    CHECK(read.data.image_size == 64);
    CHECK(read.data.crop == "none");
    CHECK(read.data.count == 5);
    CHECK_FALSE(read.data.cache);
    CHECK(read.parser == "parser");
    CHECK(read.parser_program.file == "parser.pt");
    CHECK(read.parser_program.input.labels == Labels::kCelebAMaskHq);
    CHECK(read.parser_program.input.normalization == PhotoNormalization::kNone);
    CHECK(read.parser_program.input.input_size == 448);
    CHECK(read.task.photo_generator.as<StganGeneratorOptions>().inject_layers == StganGeneratorOptions::official().inject_layers);
    CHECK(read.task.photo_generator.as<StganGeneratorOptions>().stu_norm == Normalization::kNone);
    CHECK(read.task.mask_generator.backbone() == "attgan");
    CHECK(read.task.losses.mask.gradient_penalty == 3);
    CHECK(read.task.losses.photo.gradient_penalty == 10);
    CHECK(read.task.losses.real_masks == RealMasks::kHard);
    CHECK(read.task.discriminator_adam.beta2 == 0.9);
    CHECK(read.task.generator_adam.beta2 == 0.999);
    CHECK(read.trainer.final_rate == 0.25);
    CHECK(read.threads == 3);
  }
}

TEST_CASE("what a settings file lacks keeps its default, or what the caller gave", "[io]") {
  const TemporaryFolder folder;
  const fs::path file = folder.write("few.toml", kDrawn + "[trainer]\nsteps = 7\n");
  CHECK(load_settings<TrainSettings>(file).trainer.steps == 7);
  CHECK(load_settings<TrainSettings>(file).trainer.log_every == TrainerOptions{}.log_every);
  CHECK(load_settings<TrainParserSettings>(folder.write("none.toml", kDrawn)).trainer.steps == 20000);
  TrainSettings given;
  given.threads = 2;
  given.trainer.steps = 3;
  CHECK(load_settings(file, given).threads == 2);
  CHECK(load_settings(file, given).trainer.steps == 7);
}

TEST_CASE("missing values survive a settings file", "[io]") {
  const TemporaryFolder folder;
  for (const char* name : {"import.toml", "import.json"}) {
    INFO(name);
    save_settings(folder / name, ImportOptions{.image_size = 64, .license = "MIT"});
    const ImportOptions read = load_settings<ImportOptions>(folder / name);
    CHECK(read.image_size == 64);
    CHECK_FALSE(read.intensity.has_value());
    CHECK(read.license == "MIT");
  }
}

TEST_CASE("a settings file that breaks a rule is named with the key and what is wrong", "[io]") {
  const TemporaryFolder folder;
  for (const char* name : {"wrong.toml", "wrong.json"}) {
    const fs::path file = folder / name;
    const bool json = file.extension() == ".json";
    const auto refusal = [&](const std::string& table, const std::string& key, const std::string& value) {
      if (json) return file_refusal(file, R"({"data": {"kind": "synthetic"}, ")" + table + "\": {\"" + key + "\": " + value + "}}");
      return file_refusal(file, kDrawn + "[" + table + "]\n" + key + " = " + value + "\n");
    };
    CHECK(refusal("trainer", "stpes", "7") ==
          file.string() +
              ".trainer: unknown key 'stpes'; known: steps, log_every, sample_every, checkpoint_every, decay_start, final_rate, on_nan, "
              "rollbacks, process_timeout");
    CHECK(refusal("trainer", "steps", "\"many\"") == file.string() + ".trainer.steps must be an integer, found \"many\"");
    CHECK(refusal("trainer", "steps", "0") == file.string() + ": trainer.steps 0 is not positive");
    CHECK(refusal("trainer", "decay_start", "1.5") == file.string() + ": trainer.decay_start 1.5 is not in [0, 1]");
    CHECK(refusal("tainer", "steps", "7") ==
          file.string() +
              ": unknown key 'tainer'; known: data, unlabeled, parser, parser_program, classifier, task, trainer, device, threads");
    CHECK(refusal("parser_program", "labels", "\"nineteen\"") ==
          file.string() + ".parser_program.labels 'nineteen' is unknown; known: secgan-12, celebamask-hq, face-parsing");
  }
  const fs::path file = folder / "wrong.toml";
  CHECK(file_refusal(file, "trainer = 3\n") == file.string() + ".trainer must be a table, found 3");
  CHECK_THAT(file_refusal(file, "[data]\nkind = \"celeba\"\n"), Catch::StartsWith(file.string() + ": root is missing"));
  CHECK_THAT(file_refusal(file, kDrawn + "crop = \"round\"\n"), Catch::StartsWith(file.string() + ": ") && Catch::Contains("crop 'round'"));
  CHECK_THAT(file_refusal(file, kDrawn + "[task.loader]\nbatch = 1\n"), Catch::StartsWith(file.string() + ": batch 1 is below 2"));
}

TEST_CASE("a settings file that is not there, or no TOML or JSON, is told with file and line", "[io]") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(load_settings<TrainSettings>(folder / "nowhere.toml"), FileNotFound);
  CHECK_THROWS_AS(load_settings<TrainSettings>(folder / "nowhere.json"), FileNotFound);
  const fs::path toml = folder.write("broken.toml", "threads = 1\nparser = = 2\n"), json = folder.write("broken.json", "{\n  not json");
  CHECK_THROWS_WITH(load_settings<TrainSettings>(toml), Catch::StartsWith(toml.string() + ":2: "));
  CHECK_THROWS_WITH(load_settings<TrainSettings>(json), Catch::StartsWith(json.string()) && Catch::Contains("line 2"));
}

TEST_CASE("a network without options says so", "[io]") {
  const Record nothing{.type = "Plain", .fields = [] { return std::vector<FieldRef>(); }};
  CHECK_THROWS_WITH(secgan::detail::record_from_json(nothing, {{"width", 3}}, "config.json.plain"),
                    "config.json.plain: unknown key 'width': there is nothing to set here");
  CHECK_THROWS_WITH(secgan::detail::set_field(nothing, "width", "3", "plain"), "plain: unknown key 'width': there is nothing to set here");
}

TEST_CASE("a settings file that ends in the middle is refused in one line", "[io]") {
  const TemporaryFolder folder;
  for (const char* text : {"[.",     "[",         "[[",    "[[.",    "[a.",    "[a]\n[a.", "[a..b]", "a.",     "a.=1",   "''.",
                           ".",      "=",         "a =",   "a = [.", "a = {.", "a = {b.",  "a = +",  "a = -.", "a = 1_", "a = 1e",
                           "a = 0x", "a = 1979-", "a = t", "a = \"", "[\"",    "a = '''",  "{",      "]",      "\\"}) {
    INFO(text);
    const fs::path file = folder.write("wrong.toml", text);
    CHECK_THROWS_WITH(load_settings<TrainSettings>(file), Catch::StartsWith(file.string() + ":") && !Catch::Contains("\n"));
  }
}

TEST_CASE("a backbone and its options are read in any order of the keys", "[io]") {
  const TemporaryFolder folder;
  const std::string choice = "[task.photo_generator]\nbackbone = \"stgan\"\n",
                    options = "[task.photo_generator.stgan]\nconv_dim = 12\nuse_stu = false\n";
  for (const std::string& text : {choice + options, options + choice}) {
    const TrainSettings read = load_settings<TrainSettings>(folder.write("stgan.toml", kDrawn + text));
    CHECK(read.task.photo_generator.backbone() == "stgan");
    CHECK(read.task.photo_generator.as<StganGeneratorOptions>().conv_dim == 12);
    CHECK_FALSE(read.task.photo_generator.as<StganGeneratorOptions>().use_stu);
    CHECK(read.task.photo_generator.as<StganGeneratorOptions>().n_layers == StganGeneratorOptions{}.n_layers);
    CHECK(read.task.mask_generator.backbone() == "attgan");
  }
  // The options' table stands before "backbone" in the alphabet too.
  const fs::path file = folder.write("attgan.json", R"({"data": {"kind": "synthetic"},
      "task": {"photo_generator": {"attgan": {"enc_dim": 12}, "backbone": "attgan"}}})");
  TrainSettings given;
  given.task.photo_generator = "stgan";
  CHECK(load_settings(file, given).task.photo_generator.as<AttGanGeneratorOptions>().enc_dim == 12);

  const fs::path wrong = folder / "wrong.toml";
  CHECK(file_refusal(wrong, kDrawn + choice + "[task.photo_generator.attgan]\nenc_dim = 12\n") ==
        wrong.string() + ".task.photo_generator: unknown key 'attgan'; known: backbone, stgan");
  CHECK_THAT(file_refusal(wrong, kDrawn + "[task.photo_generator]\nbackbone = \"vgg\"\n"),
             Catch::StartsWith(wrong.string() + ".task.photo_generator.backbone 'vgg' is unknown; known: attgan, stgan, stargan"));
  CHECK(file_refusal(wrong, kDrawn + choice + "[task.photo_generator.stgan]\nconv_dim = 0\n") ==
        wrong.string() + ": task.photo_generator.stgan.conv_dim 0 is not positive");
}
