#include <catch2/catch.hpp>

#include "secgan/core/error.hpp"
#include "secgan/evaluation/protocol.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/settings.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

TEST_CASE("protocols by name and from a file", "[evaluation]") {
  CHECK(open_protocol("secgan").strength == 1);
  const EvaluationProtocol stgan = open_protocol("stgan-paper");
  CHECK(stgan.strength == 1.5);
  CHECK(stgan.attributes.size() == 13);
  CHECK(stgan.conflicts == ConflictRules::kStgan);
  for (const std::string& name : protocol_names()) CHECK_NOTHROW(validate(open_protocol(name)));

  const TemporaryFolder folder;
  const auto file = folder.path() / "mine.toml";
  save_settings(file, stgan);
  CHECK(settings_text(open_protocol(file.string())) == settings_text(stgan));
}

TEST_CASE("a wrong protocol is named with its rule", "[evaluation]") {
  CHECK_THROWS_WITH(open_protocol("fid-paper"), "protocol 'fid-paper' is unknown, and there is no such file; known: secgan, stgan-paper");
  const TemporaryFolder folder;
  const auto file = folder.path() / "mine.toml";
  const auto refused = [&](const std::string& text, const std::string& message) {
    write_file(file, text);
    CHECK_THROWS_WITH(open_protocol(file.string()), Catch::Contains("mine.toml") && Catch::Contains(message));
  };
  refused("strenght = 1.0\n", "unknown key 'strenght'; known: name, split");
  refused("strength = -1.0\n", "strength -1 is not positive");
  refused("split = \"dev\"\n", "'dev' is unknown; known: train, validation, test");
  refused("level = 1.0\n", "level 1 is not in (0, 1)");
  refused("min_samples = 1\n", "min_samples 1 is below 2");
  refused("crop = \"round\"\n", "crop");
  refused("attributes = [\"Bald\", \"Bald\"]\n", "'Bald' is given twice");
  refused("strength = \n", "mine.toml:1");
}
