#include <catch2/catch.hpp>

#include "secgan/core/error.hpp"

using secgan::printable;

TEST_CASE("messages are UTF-8, whatever a file held", "[error]") {
  CHECK(printable("plain, ä, 頬, 😀\n") == "plain, ä, 頬, 😀\n");
  CHECK(printable("a\x89z") == "a\\x89z");
  CHECK(printable(std::string_view("\0\x1b[2J", 5)) == "\\x00\\x1b[2J");
  CHECK(printable("\xc3") == "\\xc3");           // cut short
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");  // overlong
  CHECK(printable("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond Unicode
  CHECK(std::string(secgan::Error("entry '\xff'").what()) == "entry '\\xff'");
  CHECK(std::string(secgan::InvalidArgument("\x01").what()) == "\\x01");
}
