#include <catch2/catch.hpp>

#include <limits>
#include <regex>

#include "secgan/core/error.hpp"
#include "secgan/report/html.hpp"

using namespace secgan;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

/// The path data of a chart's lines, in order.
std::vector<std::string> paths(const std::string& chart) {
  std::vector<std::string> found;
  const std::regex path("<path d=\"([^\"]*)\"");
  for (std::sregex_iterator at(chart.begin(), chart.end(), path), end; at != end; ++at) found.push_back((*at)[1]);
  return found;
}

int64_t count(const std::string& text, const std::string& part) {
  int64_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

/// Labels of the ticks: anchored at their end on the y axis, in the middle below the x axis.
std::vector<std::string> ticks(const std::string& chart, const std::string& anchor) {
  std::vector<std::string> found;
  const std::regex label("text-anchor=\"" + anchor + "\">([^<]*)<");
  for (std::sregex_iterator at(chart.begin(), chart.end(), label), end; at != end; ++at) found.push_back((*at)[1]);
  return found;
}

}  // namespace

TEST_CASE("text cannot become markup, wherever it stands", "[record]") {
  CHECK(html_escape("<b a=\"1\">&'") == "&lt;b a=&quot;1&quot;&gt;&amp;&#39;");
  const std::string evil = "<script>\"&";
  for (const std::string& html : {html_page(evil, ""), html_picture("P", evil), html_table({evil}, {{evil}}),
                                  html_line_chart(evil, evil, {{evil, {0, 1}, {0, 1}}}), html_line_chart(evil, "", {})}) {
    CHECK(html.find("<script>") == std::string::npos);
    CHECK(html.find("&lt;script&gt;&quot;&amp;") != std::string::npos);
  }
}

TEST_CASE("pictures are base64 as RFC 4648 says, padded, with high bytes", "[record]") {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe\xfd", "//79"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK_THAT(html_picture(bytes, "x"), Catch::Contains("src=\"data:image/png;base64," + text + "\""));
  }
}

TEST_CASE("code in running text is set as code, and colors get their names", "[record]") {
  CHECK(html_text("use `a < b`\nnow") == "use <code>a &lt; b</code><br>\nnow");
  const std::string legend = html_legend({"skin", "<hair>"}, {{{1, 2, 3}, {4, 5, 6}}});
  CHECK_THAT(legend, Catch::Contains("background:rgb(1,2,3)\"></span> skin<") && Catch::Contains("rgb(4,5,6)\"></span> &lt;hair&gt;<"));
  CHECK_THROWS_WITH(html_legend({"skin"}, {}), Catch::Contains("found 0 and 1"));
}

TEST_CASE("numbers with intervals and deviations stand in one line, to the right", "[record]") {
  const std::string table = html_table({"v"}, {{"0.97 [0.96, 0.98]"}, {"−0.021 ± 0.004"}, {"–"}, {"0.9 or so"}});
  CHECK(count(table, "<td class=\"n\">") == 3);
  CHECK_THAT(table, Catch::Contains("<td>0.9 or so</td>"));
}

TEST_CASE("tables set numbers to the right and scroll by themselves where they are too wide", "[record]") {
  const std::string table = html_table({"name", "value"}, {{"a", "-1.5e+03"}, {"b", "n/a"}, {"c", "98.1 %"}});
  CHECK_THAT(table, Catch::Contains("<th>name</th><th class=\"n\">value</th>"));
  CHECK_THAT(table, Catch::Contains("<td>a</td><td class=\"n\">-1.5e+03</td>"));
  CHECK_THAT(table, Catch::Contains("<td>b</td><td>n/a</td>"));
  CHECK_THAT(table, Catch::Contains("<td class=\"n\">98.1 %</td>"));
  CHECK_THAT(table, Catch::StartsWith("<div class=\"scroll\">"));
}

TEST_CASE("a chart maps the smallest and largest values to its corners", "[record]") {
  const std::string chart = html_line_chart("loss", "step", {{"a", {0, 10}, {2, 4}}});
  REQUIRE(paths(chart).size() == 1);
  CHECK(paths(chart)[0] == "M52.0 224.0L440.0 10.0");
  CHECK(ticks(chart, "end") == std::vector<std::string>{"2", "2.5", "3", "3.5", "4"});
  CHECK_THAT(chart, Catch::Contains(">step</text>"));
}

TEST_CASE("points that are not finite break a line, and a point alone still shows", "[record]") {
  const std::string chart = html_line_chart("t", "x", {{"a", {0, 1, 2, 3, kInf, 5}, {0, 1, kNan, 3, 3, 5}}});
  REQUIRE(paths(chart).size() == 1);
  CHECK(count(paths(chart)[0], "M") == 3);
  CHECK(count(chart, "nan") == 0);
  CHECK(count(chart, "inf") == 0);
  CHECK(count(chart, "<circle ") == 2);  // the points at 3 and at 5
  CHECK_THAT(chart, Catch::Contains("<circle cx=\"440.0\" cy=\"10.0\""));
  CHECK_THAT(html_line_chart("t", "x", {{"a", {0, 1}, {kNan, kInf}}}), Catch::Contains("no values"));
}

TEST_CASE("ticks end and differ, for constant, huge and nearly equal values", "[record]") {
  for (const std::vector<double>& y : std::vector<std::vector<double>>{{1e20, 1e20},
                                                                       {1e20, 1.0000000000000002e20},
                                                                       {-3, -3},
                                                                       {0, 0},
                                                                       {1e-12, 2e-12},
                                                                       {12345.1, 12345.6},
                                                                       {0.6931, 0.6935},
                                                                       {-1e300, 1e300}}) {
    const std::string chart = html_line_chart("t", "x", {{"a", {0, 1}, y}});
    INFO(y[0] << " to " << y[1]);
    CHECK(count(chart, "nan") == 0);
    const std::vector<std::string> labels = ticks(chart, "end");
    CHECK(labels.size() >= 2);
    CHECK(labels.size() <= 9);
    for (size_t i = 1; i < labels.size(); ++i) CHECK(labels[i] != labels[i - 1]);
  }
}

TEST_CASE("a series with fewer values than places is refused by name", "[record]") {
  CHECK_THROWS_WITH(html_line_chart("t", "x", {{"loss", {0, 1}, {0}}}),
                    Catch::Contains("loss") && Catch::Contains("2") && Catch::Contains("1"));
  CHECK_THROWS_AS(html_line_chart("t", "x", {{"loss", {0, 1}, {0}}}), InvalidArgument);
}
