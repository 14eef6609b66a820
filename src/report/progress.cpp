#include "secgan/report/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <limits>

#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kWindowSeconds = 20;
constexpr double kLineSeconds = 30;  // between plain lines, where steps are slow

std::string duration(double seconds) {
  const auto s = std::llround(seconds);
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60) : fmt::format("{}:{:02}", s / 60, s % 60);
}

int terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

Progress::Progress(std::string title, int64_t first, int64_t total, std::ostream& out)
    : Progress(std::move(title), first, total, out, &out == &std::cerr && ::isatty(STDERR_FILENO) != 0, 0, &now) {}

Progress::Progress(std::string title, int64_t first, int64_t total, std::ostream& out, bool interactive, int width, Clock clock)
    : title_(std::move(title)),
      first_(first),
      total_(std::max<int64_t>(total, 1)),
      out_(out),
      interactive_(interactive),
      width_(width),
      clock_(std::move(clock)),
      begin_(clock_()),
      drawn_(interactive ? -std::numeric_limits<double>::infinity() : begin_),
      printed_tenth_(first * 10 / total_) {
  window_.emplace_back(begin_, first_);
}

double Progress::steps_per_second() const {
  const auto& [from, done_then] = window_.front();
  const auto& [until, done_now] = window_.back();
  return until > from ? static_cast<double>(done_now - done_then) / (until - from) : 0;
}

std::string Progress::line(int64_t done, int64_t photos, std::string_view note) const {
  const double rate = steps_per_second();
  const std::string eta = done >= total_ ? duration(window_.back().first - begin_)
                          : rate > 0     ? duration(static_cast<double>(total_ - done) / rate) + " left"
                                         : std::string("...");
  const std::string head = fmt::format("{} {:3}% ", title_, std::min(done, total_) * 100 / total_);
  const std::string speed = photos > 0 ? fmt::format("{:.0f} photos/s  ", rate * static_cast<double>(photos)) : "";
  const std::string tail = fmt::format(" {}/{}  {}  {}{}", done, total_, eta, speed, note);
  if (!interactive_) return head + tail.substr(1);
  // The bar takes what the numbers leave, and nothing wraps.
  const int width = width_ > 0 ? width_ : terminal_width();
  const int room = width - static_cast<int>(head.size() + tail.size()) - 3;
  std::string bar;
  if (room >= 8) {
    const int cells = std::min(room, 40);
    const int full = static_cast<int>(std::min(done, total_) * cells / total_);
    bar = fmt::format("[{:#<{}}{:.<{}}]", "", full, "", cells - full);
  }
  std::string text = head + bar + tail;
  if (static_cast<int>(text.size()) >= width) text.resize(static_cast<size_t>(std::max(width - 1, 1)));
  return text;
}

void Progress::update(int64_t done, int64_t photos, std::string_view note) {
  const double time = clock_();
  window_.emplace_back(time, done);
  while (window_.size() > 2 && window_.front().first < time - kWindowSeconds) window_.pop_front();
  if (interactive_) {
    if (done < total_ && time - drawn_ < kRedrawSeconds) return;
    drawn_ = time;
    last_ = line(done, photos, note);
    out_ << "\r\x1b[K" << last_ << std::flush;
    return;
  }
  const int64_t tenth = done * 10 / total_;
  if (tenth == printed_tenth_ && time - drawn_ < kLineSeconds) return;
  printed_tenth_ = tenth;
  drawn_ = time;
  out_ << line(done, photos, note) << '\n' << std::flush;
}

void Progress::message(std::string_view text) {
  if (interactive_) {
    out_ << "\r\x1b[K" << printable(text) << '\n' << last_ << std::flush;
  } else {
    out_ << printable(text) << '\n' << std::flush;
  }
}

void Progress::finish() {
  if (interactive_ && !last_.empty()) out_ << '\n' << std::flush;
  last_.clear();
}

}  // namespace secgan
