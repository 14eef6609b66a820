#include <catch2/catch.hpp>

#include "io/json.hpp"
#include "io/toml.hpp"
#include "secgan/io/file.hpp"
#include "secgan/models/attgan.hpp"
#include "secgan/training/train.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;
using secgan::detail::from_json_strict;
using secgan::detail::read_toml;
using secgan::detail::to_json;
using secgan::detail::to_toml;

namespace {

struct Seeded {
  uint64_t seed = 0;
  static constexpr auto fields() { return std::tuple{field<&Seeded::seed>("of the draws")}; }
};

std::string options_refusal(const std::string& json) {
  GeneratorConfig options;
  try {
    from_json_strict(options, nlohmann::json::parse(json), "options");
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("options survive JSON and TOML, nested ones and enumerators by name", "[io]") {
  const TemporaryFolder folder;
  TrainSettings settings;
  settings.data.attributes = {"Bald", "Eyeglasses"};
  settings.data.source.root = "a \"quoted\" folder";
  settings.task = small_scale_recipe();
  settings.task.losses.consistency_target = ConsistencyTarget::kStraightThrough;
  settings.task.loader.seed = 18446744073709551615ull >> 1;
  settings.trainer.final_rate = 1e-7;
  write_file(folder.path() / "settings.toml", to_toml(to_json(settings)));
  TrainSettings read;
  from_json_strict(read, read_toml((folder.path() / "settings.toml").string()), "file");
  CHECK(to_json(read).dump() == to_json(settings).dump());
  CHECK(to_json(settings)["task"]["losses"]["consistency_target"] == "straight_through");
}

TEST_CASE("missing keys keep their defaults, wrong ones are named with what is known", "[io]") {
  GeneratorConfig options;
  from_json_strict(options, nlohmann::json::parse(R"({"attgan": {"enc_dim": 7}})"), "options");
  CHECK(options.options.as<AttGanGeneratorOptions>().enc_dim == 7);
  CHECK(options.options.as<AttGanGeneratorOptions>().dec_dim == 64);
  CHECK(options_refusal(R"({"atributes": 3})").find("options: unknown key 'atributes'; known: backbone, attributes") == 0);
  CHECK(options_refusal(R"({"attributes": "three"})") == "options.attributes must be an integer, found \"three\"");
  CHECK(options_refusal(R"({"attributes": 3.5})") == "options.attributes must be an integer, found 3.5");
  CHECK(options_refusal(R"({"output": "sigmoid"})") == "options.output 'sigmoid' is unknown; known: tanh, softmax, logits, attention");
  CHECK(options_refusal(R"({"attgan": []})") == "options.attgan must be a table, found []");
}

TEST_CASE("numbers that a field cannot hold are refused, not wrapped", "[io][record]") {
  CHECK(options_refusal(R"({"attributes": 18446744073709551615})").find("options.attributes must be an integer") == 0);
  CHECK(options_refusal(R"({"attributes": 9223372036854775807})") == "accepted");
  Seeded seeded;
  CHECK_THROWS_WITH(from_json_strict(seeded, nlohmann::json::parse(R"({"seed": -1})"), "s"),
                    "s.seed must be an integer of at least 0, found -1");
  from_json_strict(seeded, nlohmann::json::parse(R"({"seed": 18446744073709551615})"), "s");
  CHECK(seeded.seed == 18446744073709551615ull);
}

TEST_CASE("what TOML can write and settings cannot hold is told with file and line", "[io][record]") {
  const TemporaryFolder folder;
  for (const char* value : {"1979-05-27", "inf", "-nan"}) {
    const std::string file = folder.write("odd.toml", std::string("a = 1\nb = [2, ") + value + "]\n").string();
    CHECK_THROWS_WITH(read_toml(file), Catch::StartsWith(file + ":2: "));
  }
}

TEST_CASE("a TOML mistake is told with file and line", "[io]") {
  const TemporaryFolder folder;
  const std::string file = folder.write("broken.toml", "a = 1\nb = = 2\n").string();
  CHECK_THROWS_WITH(read_toml(file), Catch::Contains(file + ":2:"));
  CHECK_THROWS_WITH(read_toml((folder.path() / "none.toml").string()), Catch::Contains("is missing"));
}
