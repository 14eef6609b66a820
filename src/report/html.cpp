#include "secgan/report/html.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #1f2430; --soft: #667085; --line: #d9dde5; --ground: #ffffff; --card: #f6f7f9;
  --s0: #3454d1; --s1: #d9480f; --s2: #0b8a7d; --s3: #a23b9a; --s4: #b07d00; --s5: #6b7280; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ee; --soft: #9aa3b5; --line: #343a48; --ground: #14171e; --card: #1c2029;
  --s0: #8aa2ff; --s1: #ff8f5c; --s2: #3fd0bf; --s3: #e58adc; --s4: #f0c04a; --s5: #a8b0bf; } }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.9rem; margin: 0 0 .3rem; } h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; }
p { max-width: 46rem; } .soft { color: var(--soft); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .6rem 0; }
th, td { padding: .28rem .8rem; border-bottom: 1px solid var(--line); text-align: left; } td.n, th.n { text-align: right; white-space: nowrap; }
th { font-weight: 600; color: var(--soft); font-size: .88rem; }
figure { margin: .8rem 0; overflow-x: auto; } figcaption { color: var(--soft); font-size: .9rem; margin-top: .35rem; }
img { display: block; border-radius: 4px; max-width: 100%; height: auto; }
.swatch { display: inline-block; width: .8em; height: .8em; border: 1px solid var(--line); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1rem; }
.charts figure { background: var(--card); border-radius: 8px; padding: .8rem; margin: 0; }
svg { display: block; width: 100%; max-width: 40rem; height: auto; } svg text { fill: var(--soft); font: 11px system-ui, sans-serif; } svg .grid { stroke: var(--line); }
svg path { fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
.legend { white-space: nowrap; margin-right: .6rem; }
code { background: var(--card); padding: .1rem .3rem; border-radius: 4px; }
)";

constexpr size_t kColors = 6;  // --s0 to --s5 of the style, one set per color scheme

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? static_cast<uint8_t>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) out.push_back(k <= count ? digits[group >> (18 - 6 * k) & 63] : '=');
  }
  return out;
}

/// Numbers, with their interval or deviation: "0.97 [0.96, 0.98]", "−0.02 ± 0.01", "–" for none.
bool numeric(std::string cell) {
  for (const std::string_view sign : {"±", "−", "–"}) {
    for (size_t at = cell.find(sign); at != std::string::npos; at = cell.find(sign, at)) cell.replace(at, sign.size(), 1, '-');
  }
  return !cell.empty() && cell.find_first_not_of("0123456789.+-eE%[], ") == std::string::npos;
}

/// Round steps of 1, 2 or 5 that cut a range into four to eight.
double tick_step(double range) {
  const double power = std::pow(10, std::floor(std::log10(range / 4)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (range / (factor * power) <= 7) return factor * power;
  }
  return 10 * power;
}

/// One axis: a range of values and where it cuts.
struct Axis {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void include(double value) { low = std::min(low, value), high = std::max(high, value); }
  /// Room around what is one value, or so nearly that its ticks would read alike.
  void widen() {
    const double magnitude = std::max(std::abs(low), std::abs(high));
    if (high - low > 1e-5 * magnitude) return;
    const double room = magnitude > 0 ? 0.1 * magnitude : 1;
    low -= room, high += room;
  }
  double share(double value) const { return (value - low) / (high - low); }
  std::vector<double> ticks() const {
    const double step = tick_step(high - low);
    std::vector<double> out;
    // Counted, as adding a step to a large value may leave it where it is; the slack keeps ticks on the range's ends.
    const auto last = static_cast<int64_t>(std::floor(high / step + 1e-9));
    for (auto k = static_cast<int64_t>(std::ceil(low / step - 1e-9)); k <= last; ++k) out.push_back(static_cast<double>(k) * step);
    return out;
  }
};

}  // namespace

std::string html_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out.push_back(c);
    }
  }
  return out;
}

std::string html_text(std::string_view text) {
  std::string out;
  bool code = false;
  for (const char c : html_escape(text)) {
    if (c == '`') {
      out += code ? "</code>" : "<code>";
      code = !code;
    } else if (c == '\n') {
      out += "<br>\n";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string html_legend(const std::vector<std::string>& names, const std::vector<std::array<uint8_t, 3>>& colors) {
  if (names.size() != colors.size()) {
    throw InvalidArgument(fmt::format("a legend must have a color for each name, found {} and {}", colors.size(), names.size()));
  }
  std::string out = "<p class=\"soft\">";
  for (size_t i = 0; i < names.size(); ++i) {
    out += fmt::format("<span class=\"legend\"><span class=\"swatch\" style=\"background:rgb({})\"></span> {}</span> ",
                       fmt::join(colors[i], ","), html_escape(names[i]));
  }
  return out + "</p>\n";
}

std::string html_page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>{}</style>\n"
      "</head>\n<body>\n{}\n</body>\n</html>\n",
      html_escape(title), kStyle, body);
}

std::string html_picture(std::string_view png, std::string_view caption, int width) {
  const std::string size = width > 0 ? fmt::format(" style=\"width:{}px\"", width) : "";
  return fmt::format("<figure><img src=\"data:image/png;base64,{}\" alt=\"{}\"{}><figcaption>{}</figcaption></figure>\n", base64(png),
                     html_escape(caption), size, html_escape(caption));
}

std::string html_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::string out = "<div class=\"scroll\"><table>\n<tr>";
  for (size_t i = 0; i < header.size(); ++i) {
    const bool right = !rows.empty() && i < rows[0].size() && numeric(rows[0][i]);
    out += fmt::format("<th{}>{}</th>", right ? " class=\"n\"" : "", html_escape(header[i]));
  }
  out += "</tr>\n";
  for (const auto& row : rows) {
    out += "<tr>";
    for (const std::string& cell : row) out += fmt::format("<td{}>{}</td>", numeric(cell) ? " class=\"n\"" : "", html_escape(cell));
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

std::string html_line_chart(std::string_view title, std::string_view x_label, const std::vector<ChartSeries>& series) {
  constexpr double kWidth = 460, kHeight = 260, kLeft = 52, kRight = 20, kTop = 10, kBottom = 36;
  const auto finite = [](const ChartSeries& s, size_t i) { return std::isfinite(s.x[i]) && std::isfinite(s.y[i]); };
  Axis x_axis, y_axis;
  for (const ChartSeries& s : series) {
    if (s.x.size() != s.y.size()) {
      throw InvalidArgument(fmt::format("series '{}' must have as many y as x, found {} x and {} y", s.name, s.x.size(), s.y.size()));
    }
    for (size_t i = 0; i < s.x.size(); ++i) {
      if (finite(s, i)) x_axis.include(s.x[i]), y_axis.include(s.y[i]);
    }
  }
  if (!(x_axis.low <= x_axis.high)) return fmt::format("<figure><figcaption>{}: no values</figcaption></figure>\n", html_escape(title));
  x_axis.widen();
  y_axis.widen();
  const auto x_at = [&](double x) { return kLeft + x_axis.share(x) * (kWidth - kLeft - kRight); };
  const auto y_at = [&](double y) { return kHeight - kBottom - y_axis.share(y) * (kHeight - kTop - kBottom); };

  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", kWidth, kHeight, html_escape(title));
  for (const double y : y_axis.ticks()) {
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/><text x=\"{}\" y=\"{:.1f}\" "
        "text-anchor=\"end\">{:.7g}</text>\n",
        kLeft, kWidth - kRight, y_at(y), y_at(y), kLeft - 6, y_at(y) + 4, y);
  }
  for (const double x : x_axis.ticks()) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.7g}</text>\n", x_at(x), kHeight - kBottom + 16, x);
  }
  svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", (kLeft + kWidth - kRight) / 2, kHeight - 4,
                     html_escape(x_label));
  std::string legend;
  for (size_t s = 0; s < series.size(); ++s) {
    std::string path, dots;
    size_t drawn = 0;  // points since the last break
    for (size_t i = 0; i <= series[s].x.size(); ++i) {
      if (i < series[s].x.size() && finite(series[s], i)) {
        path += fmt::format("{}{:.1f} {:.1f}", drawn > 0 ? "L" : "M", x_at(series[s].x[i]), y_at(series[s].y[i]));
        ++drawn;
        continue;
      }
      // A line needs two points.
      if (drawn == 1)
        dots += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="2.5"/>)", x_at(series[s].x[i - 1]), y_at(series[s].y[i - 1]));
      drawn = 0;
    }
    const std::string name = html_escape(series[s].name);
    svg += fmt::format("<g style=\"stroke:var(--s{0});fill:var(--s{0})\"><title>{1}</title><path d=\"{2}\"/>{3}</g>\n", s % kColors, name,
                       path, dots);
    legend += fmt::format("<span class=\"legend\"><span style=\"color:var(--s{})\">&#9644;</span> {}</span> ", s % kColors, name);
  }
  return fmt::format("<figure><strong>{}</strong>{}</svg><figcaption>{}</figcaption></figure>\n", html_escape(title), svg, legend);
}

}  // namespace secgan
