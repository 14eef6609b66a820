#include "secgan/io/html.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/format.hpp"

namespace secgan {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #1f2430; --soft: #667085; --line: #d9dde5; --ground: #ffffff; --card: #f6f7f9; --accent: #3454d1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ee; --soft: #9aa3b5; --line: #343a48; --ground: #14171e; --card: #1c2029; --accent: #8aa2ff; } }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.9rem; margin: 0 0 .3rem; } h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; }
p { max-width: 46rem; } .soft { color: var(--soft); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .6rem 0; }
th, td { padding: .28rem .8rem; border-bottom: 1px solid var(--line); text-align: left; } td.n, th.n { text-align: right; }
th { font-weight: 600; color: var(--soft); font-size: .88rem; }
figure { margin: .8rem 0; overflow-x: auto; } figcaption { color: var(--soft); font-size: .9rem; margin-top: .35rem; }
img { image-rendering: pixelated; display: block; border-radius: 4px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; }
.charts figure { background: var(--card); border-radius: 8px; padding: .8rem; margin: 0; }
svg { width: 100%; height: auto; } svg text { fill: var(--soft); font: 11px system-ui, sans-serif; } svg .grid { stroke: var(--line); }
code { background: var(--card); padding: .1rem .3rem; border-radius: 4px; }
)";

constexpr std::array<std::string_view, 6> kColours = {"#3454d1", "#e4572e", "#17a398", "#a23b9a", "#d99a00", "#6b7280"};

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

bool numeric(const std::string& cell) {
  return !cell.empty() && cell.find_first_not_of("0123456789.+-eE% ") == std::string::npos;
}

/// Round steps of 1, 2 or 5 that cut a range into four to eight.
double tick_step(double range) {
  const double power = std::pow(10, std::floor(std::log10(range / 4)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (range / (factor * power) <= 7) return factor * power;
  }
  return 10 * power;
}

}  // namespace

std::string html_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out.push_back(c);
    }
  }
  return out;
}

std::string html_page(std::string_view title, std::string_view body) {
  return fmt::format("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
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
  std::string out = "<table>\n<tr>";
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
  return out + "</table>\n";
}

std::string html_line_chart(std::string_view title, std::string_view x_label, const std::vector<ChartSeries>& series) {
  constexpr double kWidth = 460, kHeight = 260, kLeft = 52, kRight = 12, kTop = 10, kBottom = 36;
  double low_x = std::numeric_limits<double>::infinity(), high_x = -low_x, low_y = low_x, high_y = -low_x;
  for (const ChartSeries& s : series) {
    for (size_t i = 0; i < s.x.size(); ++i) {
      if (!std::isfinite(s.y[i])) continue;
      low_x = std::min(low_x, s.x[i]), high_x = std::max(high_x, s.x[i]);
      low_y = std::min(low_y, s.y[i]), high_y = std::max(high_y, s.y[i]);
    }
  }
  if (!(low_x <= high_x)) return fmt::format("<figure><figcaption>{}: no figures</figcaption></figure>\n", html_escape(title));
  if (high_x == low_x) high_x = low_x + 1;
  if (high_y == low_y) high_y = low_y + 1;
  const auto x_at = [&](double x) { return kLeft + (x - low_x) / (high_x - low_x) * (kWidth - kLeft - kRight); };
  const auto y_at = [&](double y) { return kHeight - kBottom - (y - low_y) / (high_y - low_y) * (kHeight - kTop - kBottom); };

  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", kWidth, kHeight, html_escape(title));
  const double step_y = tick_step(high_y - low_y), step_x = tick_step(high_x - low_x);
  for (double y = std::ceil(low_y / step_y) * step_y; y <= high_y; y += step_y) {
    svg += fmt::format("<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/><text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.4g}</text>\n",
                       kLeft, kWidth - kRight, y_at(y), y_at(y), kLeft - 6, y_at(y) + 4, std::abs(y) < step_y * 1e-6 ? 0.0 : y);
  }
  for (double x = std::ceil(low_x / step_x) * step_x; x <= high_x; x += step_x) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.6g}</text>\n", x_at(x), kHeight - kBottom + 16, x);
  }
  svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", (kLeft + kWidth - kRight) / 2, kHeight - 4, html_escape(x_label));
  for (size_t s = 0; s < series.size(); ++s) {
    std::string path;
    bool down = false;
    for (size_t i = 0; i < series[s].x.size(); ++i) {
      if (!std::isfinite(series[s].y[i])) {
        down = false;
        continue;
      }
      path += fmt::format("{}{:.1f} {:.1f}", down ? "L" : "M", x_at(series[s].x[i]), y_at(series[s].y[i]));
      down = true;
    }
    svg += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\" stroke-linejoin=\"round\"><title>{}</title></path>\n", path,
                       kColours[s % kColours.size()], html_escape(series[s].name));
  }
  svg += "</svg>";
  std::string legend;
  for (size_t s = 0; s < series.size(); ++s) {
    legend += fmt::format(" <span style=\"color:{}\">&#9644;</span> {}", kColours[s % kColours.size()], html_escape(series[s].name));
  }
  return fmt::format("<figure><strong>{}</strong>{}<figcaption>{}</figcaption></figure>\n", html_escape(title), svg, legend);
}

}  // namespace secgan
