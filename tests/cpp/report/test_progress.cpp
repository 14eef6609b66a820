#include <catch2/catch.hpp>

#include <algorithm>
#include <sstream>

#include "secgan/report/progress.hpp"

using namespace secgan;

TEST_CASE("the progress bar shows share, rate and time left, and never wraps", "[record]") {
  double now = 0;
  std::ostringstream out;
  Progress progress("train", 0, 100, out, /*interactive=*/true, /*width=*/70, [&] { return now; });
  now = 10;
  progress.update(20, 16, "loss 0.5");
  // 20 steps in 10 s: 2 steps/s, 32 photos/s, 80 steps left.
  CHECK_THAT(out.str(), Catch::Contains("train  20%") && Catch::Contains("20/100  0:40 left  32 photos/s  loss 0.5"));
  now = 10.05;
  out.str("");
  progress.update(21, 16, "");
  CHECK(out.str().empty());  // not more often than ten times a second
  now = 11;
  progress.update(22, 16, std::string(300, 'x'));
  const std::string line = out.str().substr(out.str().rfind("\x1b[K") + 3);
  CHECK(line.size() < 70);
  progress.message("warning: look");
  CHECK_THAT(out.str(), Catch::Contains("\r\x1b[Kwarning: look\n"));
}

TEST_CASE("steps of something else than photos have no speed in photos", "[record]") {
  std::ostringstream out;
  Progress progress("repeats", 0, 1, out, /*interactive=*/false, 80, [] { return 0.0; });
  progress.update(1, 0, "note");
  CHECK(out.str() == "repeats 100% 1/1  0:00  note\n");
}

TEST_CASE("where nobody watches, a line is printed every tenth, also after a resume", "[record]") {
  double now = 0;
  std::ostringstream out;
  Progress progress("train", 50, 100, out, /*interactive=*/false, 80, [&] { return now; });
  for (int step = 51; step <= 100; ++step) {
    now += 1;
    progress.update(step, 1, "");
  }
  progress.finish();
  const std::string text = out.str();
  CHECK(std::count(text.begin(), text.end(), '\n') == 5);
  CHECK_THAT(text, Catch::Contains("train  60% 60/100  0:40 left"));
  CHECK(text.find('\r') == std::string::npos);
}

TEST_CASE("where nobody watches, slow steps give a line every half minute", "[record]") {
  double now = 0;
  std::ostringstream out;
  Progress progress("train", 0, 1000, out, /*interactive=*/false, 80, [&] { return now; });
  for (int step = 1; step <= 20; ++step) {
    now += 10;
    progress.update(step, 1, "");
  }
  const std::string text = out.str();
  CHECK(std::count(text.begin(), text.end(), '\n') == 6);  // at 30, 60, … 180 s
  CHECK_THAT(text, Catch::StartsWith("train   0% 3/1000"));
}

TEST_CASE("a bar left by an exception ends its line, and only once", "[record]") {
  double now = 0;
  std::ostringstream out;
  {
    Progress progress("train", 0, 10, out, true, 80, [&] { return now; });
    progress.update(1, 1, "");
  }
  CHECK_THAT(out.str(), Catch::EndsWith("\n"));
  out.str("");
  {
    Progress progress("train", 0, 10, out, true, 80, [&] { return now; });
    progress.update(1, 1, "");
    progress.finish();
  }
  const std::string text = out.str();
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
}

TEST_CASE("more steps than announced fill the bar and no more", "[record]") {
  double now = 0;
  std::ostringstream out;
  Progress progress("train", 0, 10, out, true, 60, [&] { return now; });
  now = 1;
  progress.update(25, 1, "");
  CHECK_THAT(out.str(), Catch::Contains("100% [") && !Catch::Contains("."));
}
