#include <torch/torch.h>
#include <catch2/catch.hpp>

#include "io/normal_form.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;
using secgan::detail::hint_of_other_form;
using secgan::detail::may_be_other_form;

TEST_CASE("two names that may be one in Unicode's two forms are told", "[io]") {
  CHECK(may_be_other_form("caf\u00e9.jpg", "cafe\u0301.jpg"));
  CHECK(may_be_other_form("cafe\u0301.jpg", "caf\u00e9.jpg"));
  CHECK(may_be_other_form("Vi\u1ec7t", "Vie\u0323\u0302t"));  // two accents
  CHECK(may_be_other_form("\ud55c\uae00.png", "\u1112\u1161\u11ab\u1100\u1173\u11af.png"));
  CHECK(may_be_other_form("\u304c", "\u304b\u3099"));
  for (const auto& [name, other] : {std::pair("cafe.jpg", "cafe.jpg"),
                                    {"cafe.jpg", "cafe\u0301.jpg"},
                                    {"caf\u00e9.jpg", "caf\u00e9.jpg"},
                                    {"caf\u00e9.jpg", "caf\u00f6.jpg"},
                                    {"caf\u00e9.jpg", "cafe\u0301.png"},
                                    {"\u00e9a", "ae\u0301"}}) {
    CHECK_FALSE(may_be_other_form(name, other));
  }
  // Bytes that are no UTF-8 are characters like others.
  CHECK_FALSE(may_be_other_form("\xff\xc3", "\xe2\x82"));
  CHECK(hint_of_other_form({"a.jpg", "\u00fc.jpg"}, {"b.jpg", "\u00e9.jpg", "u\u0308.jpg"}) ==
        "; 'u\u0308.jpg' is there, which seems to be '\u00fc.jpg' with its accents in Unicode's other form (NFC, NFD): give both the same "
        "name");
  CHECK(hint_of_other_form({"\u00fc.jpg"}, {"x/u\u0308.png"}).find("'x/u\u0308.png' is there") != std::string::npos);
  CHECK(hint_of_other_form({"a.jpg", "\u00fc.jpg"}, {"a.jpg", "\u00fc.jpg"}).empty());
}

TEST_CASE("a file that is missing by its name's form is told", "[io]") {
  const TemporaryFolder folder;
  folder.write("cafe\u0301.jpg", "x");
  CHECK_THROWS_WITH(read_file(folder / "caf\u00e9.jpg"),
                    Catch::Contains("caf\u00e9.jpg' is missing; 'cafe\u0301.jpg' is there, which seems to be 'caf\u00e9.jpg'"));
  CHECK_THROWS_WITH(read_file(folder / "cafe.jpg"), Catch::EndsWith("cafe.jpg' is missing"));
}
