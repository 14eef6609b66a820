#pragma once
/// A progress bar for people: share, ETA, photos per second and one value; plain lines where nobody watches.

#include <cstdint>
#include <deque>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>

#include "secgan/core/export.hpp"

namespace secgan {

class SECGAN_API Progress {
 public:
  using Clock = std::function<double()>;  ///< seconds from any beginning

  /// @param first  steps done before this call (a resumed run)
  /// On a terminal one line is drawn again up to ten times a second, as wide as the window is then; elsewhere a line is
  /// printed every 10 % and at least every half minute.
  Progress(std::string title, int64_t first, int64_t total, std::ostream& out);
  /// @param width  in columns; 0: asked of the terminal each time
  Progress(std::string title, int64_t first, int64_t total, std::ostream& out, bool interactive, int width, Clock clock);
  /// An exception's message then stands on a line of its own.
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// @param photos  worked off per step; 0: the steps are of something else, and no speed is told
  void update(int64_t done, int64_t photos, std::string_view note);
  /// A line above the bar.
  void message(std::string_view text);
  /// Ends the bar's line.
  void finish();

 private:
  std::string line(int64_t done, int64_t photos, std::string_view note) const;
  double steps_per_second() const;

  std::string title_;
  int64_t first_, total_;
  std::ostream& out_;
  bool interactive_;
  int width_;
  Clock clock_;
  double begin_;
  double drawn_;  // when a line was last written; a bar's first is due at once
  int64_t printed_tenth_;
  std::string last_;
  std::deque<std::pair<double, int64_t>> window_;  // the last 20 s, for the rate
};

}  // namespace secgan
