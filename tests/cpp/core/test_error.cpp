#include <catch2/catch.hpp>

#include "secgan/core/error.hpp"

using secgan::printable;

TEST_CASE("messages are one line of UTF-8, whatever a file held", "[error]") {
  CHECK(printable("plain, ä, 頬, 😀\t") == "plain, ä, 頬, 😀\t");
  CHECK(printable("a\r\nb\x7f") == "a\\x0d\\nb\\x7f");
  CHECK(printable("\xc2\x9b!\xc2\xa0") == "\\xc2\\x9b!\xc2\xa0");  // a control sequence's eight-bit beginning; a space
  // A line's end, right to left; a dash and an invisible number sign.
  CHECK(printable("\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6") == "\\xe2\\x80\\xa8\\xe2\\x80\\xae\\xe2\\x81\\xa6");
  CHECK(printable("\xe2\x80\x93\xe2\x81\xaa") == "\xe2\x80\x93\xe2\x81\xaa");
  // Marks of direction by themselves: left to right, right to left, Arabic letter.
  CHECK(printable("\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c") == "\\xe2\\x80\\x8e\\xe2\\x80\\x8f\\xd8\\x9c");
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

TEST_CASE("a message that quotes a megabyte is cut, and says so") {
  const std::string what = secgan::Error(std::string(1'000'000, '1')).what();
  CHECK(what.size() < 10'100);
  CHECK(what.ends_with("1... (1000000 bytes in all)"));
  CHECK(std::string(secgan::InvalidArgument(std::string(10'000, '1')).what()) == std::string(10'000, '1'));
}
