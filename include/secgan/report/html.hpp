#pragma once
/// Reports as one HTML file: pictures and charts inside, nothing to download.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/core/export.hpp"

namespace secgan {

SECGAN_API std::string html_escape(std::string_view text);

/// Plain text with `code` between backticks, a line's end where it has one.
SECGAN_API std::string html_text(std::string_view text);

/// What the colors of a picture mean, in a line.
/// @param colors  RGB, as many as names   @throws InvalidArgument otherwise
SECGAN_API std::string html_legend(const std::vector<std::string>& names, const std::vector<std::array<uint8_t, 3>>& colors);

/// A whole page around a body.
SECGAN_API std::string html_page(std::string_view title, std::string_view body);

/// @param png  the file's bytes   @param width  on screen, in CSS pixels; 0: the picture's own
SECGAN_API std::string html_picture(std::string_view png, std::string_view caption, int width = 0);

/// Cells are plain text; numbers, with their intervals, are set to the right and in one line. A table wider than the window scrolls by
/// itself.
SECGAN_API std::string html_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

struct ChartSeries {
  std::string name;
  std::vector<double> x, y;  ///< as many of each; points that are not finite break the line
};
/// Lines as inline SVG with axes, ticks and legend, in the colors of html_page's style. A point between two breaks is
/// drawn as a dot.  @throws InvalidArgument naming a series whose x and y differ in number.
SECGAN_API std::string html_line_chart(std::string_view title, std::string_view x_label, const std::vector<ChartSeries>& series);

}  // namespace secgan
