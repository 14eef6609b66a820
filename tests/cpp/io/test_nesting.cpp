#include <catch2/catch.hpp>

#include <limits>
#include <string>

#include "io/json.hpp"
#include "io/toml.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/settings.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;
namespace sd = secgan::detail;

namespace {

struct SeededRun {
  uint64_t seed = 0;
  double rate = 1;

  static constexpr auto fields() { return std::tuple{field<&SeededRun::seed>("of the run"), field<&SeededRun::rate>("of something")}; }
};

std::string text_times(const std::string& text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

template <class Call>
std::string nesting_refusal(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string json_refusal(const std::string& text) {
  return nesting_refusal([&] { sd::parse_json(text, "x.json"); });
}

}  // namespace

TEST_CASE("JSON nests sixty-four deep and no deeper", "[io]") {
  const auto lists = [](size_t depth) { return text_times("[", depth) + text_times("]", depth); };
  CHECK(json_refusal(lists(64)) == "accepted");
  CHECK(json_refusal(lists(65)) == "x.json: nested more than 64 deep");
  CHECK(json_refusal(text_times("[", 1'000'000)) == "x.json: nested more than 64 deep");
  CHECK(json_refusal(text_times("{\"a\":", 1000)) == "x.json: nested more than 64 deep");
  // Brackets in text are text.
  CHECK(json_refusal("[\"" + text_times("[{", 100) + "\\\"[\", 1]") == "accepted");
  CHECK(json_refusal(text_times("[],", 100) + "1") == "x.json: not JSON (line 1)");
  CHECK(json_refusal("[\n1,\n2") == "x.json: not JSON (line 3)");
  CHECK(json_refusal("") == "x.json: not JSON (empty)");
  CHECK(json_refusal("1e999") == "x.json: not JSON that can be read: a number is too large");
}

TEST_CASE("a key that is asked for is there and of its kind, or the message says what is", "[io]") {
  const nlohmann::json object = {{"text", "a"}, {"number", 0.5}, {"whole", 7}, {"list", {1}}, {"table", {{"a", 1}}}, {"none", nullptr}};
  CHECK(sd::json_text(object, "text", "x") == "a");
  CHECK(sd::json_number(object, "whole", "x") == 7);
  CHECK(sd::json_integer(object, "whole", "x") == 7);
  CHECK(sd::json_array(object, "list", "x").size() == 1);
  CHECK(sd::json_object(object, "table", "x").size() == 1);
  CHECK_THROWS_WITH(sd::json_text(object, "nothing", "x"), "x: 'nothing' is missing");
  CHECK_THROWS_WITH(sd::json_text(nlohmann::json::array(), "text", "x"), "x: 'text' is missing");
  CHECK_THROWS_WITH(sd::json_text(object, "none", "x"), "x: 'none' must be text, found null");
  CHECK_THROWS_WITH(sd::json_integer(object, "number", "x"), "x: 'number' must be an integer, found 0.5");
  CHECK_THROWS_WITH(sd::json_number(object, "text", "x"), "x: 'text' must be a number, found \"a\"");
  CHECK_THROWS_WITH(sd::json_object(object, "list", "x"), "x: 'list' must be a table, found [1]");
  CHECK(sd::short_text(std::string(1000, 'a')).size() < 100);
  CHECK(sd::short_text(nlohmann::json(std::vector<int>(1000))) == "a list of 1000 values");
}

TEST_CASE("TOML nests sixty-four deep and no deeper, by brackets and by dots", "[io]") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& text) {
    const auto file = folder.write("x.toml", text);
    std::string message = nesting_refusal([&] { sd::read_toml(file.string()); });
    return message.starts_with(file.string()) ? message.substr(file.string().size()) : message;
  };
  const std::string deep = ":1: nested more than 64 deep";
  CHECK(refused("[" + text_times("a.", 60) + "a]\nb = 1\n") == "accepted");
  CHECK(refused("[" + text_times("a.", 31'000) + "a]\n") == deep);
  CHECK(refused("[[" + text_times("a.", 31'000) + "a]]\n") == deep);
  CHECK(refused(text_times("a.", 31'000) + "a = 1\n") == deep);
  CHECK(refused(text_times("a . ", 31'000) + "a = 1\n") == deep);
  CHECK(refused(text_times("\"a\".", 31'000) + "a = 1\n") == deep);
  CHECK(refused("x = " + text_times("[", 31'000)) == deep);
  CHECK(refused("x = " + text_times("{a=", 31'000)) == deep);
  CHECK(refused("x = {" + text_times("a.", 31'000) + "a = 1}") == deep);
  CHECK(refused("x = 1\n\ny = " + text_times("[", 100)) == ":3: nested more than 64 deep");
  // Dots and brackets that nest nothing.
  std::string numbers = "x = [\n";
  for (int i = 0; i < 200; ++i) numbers += "1.5, ";
  CHECK(refused(numbers + "]\n") == "accepted");
  CHECK(refused("# " + text_times("a.[", 200) + "\nx = 1\n") == "accepted");
  CHECK(refused("x = \"" + text_times("a.[\\\"", 200) + "\"\n") == "accepted");
  CHECK(refused("x = '" + text_times("a.[{", 200) + "'\n") == "accepted");
  CHECK(refused("x = \"\"\"\n" + text_times("a.[\n", 200) + "\"\"\"\n") == "accepted");
  CHECK(refused("x = '''" + text_times("a'[.\n", 200) + "'''\n") == "accepted");
  CHECK(refused("") == "accepted");
  CHECK(refused("x = \"" + text_times("[", 100)) != "accepted");  // text without an end
  CHECK(refused("#") == "accepted");
  CHECK(refused(std::string("\x89PNG\r\n\x1a\n", 8)) == ": not TOML: it is a PNG picture");
}

TEST_CASE("settings that a file cannot hold are refused before it is written", "[io]") {
  const TemporaryFolder folder;
  constexpr auto kLargest = std::numeric_limits<uint64_t>::max();
  constexpr uint64_t kSigned = std::numeric_limits<int64_t>::max();
  CHECK_THROWS_AS(save_settings(folder / "x.toml", SeededRun{.seed = kLargest}), InvalidArgument);
  CHECK_THROWS_WITH(save_settings(folder / "x.toml", SeededRun{.seed = kSigned + 1}),
                    "seed 9223372036854775808: TOML holds whole numbers up to 9223372036854775807");
  for (const auto& [name, seed] : {std::pair{"x.toml", kSigned}, {"x.json", kLargest}}) {
    save_settings(folder / name, SeededRun{.seed = seed});
    CHECK(load_settings<SeededRun>(folder / name).seed == seed);
  }
  for (const char* name : {"y.toml", "y.json"}) {
    for (const double rate : {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), std::nan("")}) {
      CHECK_THROWS_AS(save_settings(folder / name, SeededRun{.rate = rate}), InvalidArgument);
      CHECK_THROWS_WITH(save_settings(folder / name, SeededRun{.rate = rate}),
                        Catch::Contains("rate ") && Catch::Contains("is not finite"));
    }
    CHECK_FALSE(std::filesystem::exists(folder / name));
  }
}
