#include "serve/photos.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/format.hpp"

namespace secgan::serve {
namespace {

std::string random_id() {
  std::array<unsigned char, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::system_error(errno, std::generic_category(), "random numbers");
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

}  // namespace

std::list<Photos::Kept>::iterator Photos::place(std::string_view id) {
  return std::ranges::find_if(kept_, [&](const Kept& one) { return one.id == id; });
}

std::string Photos::add(OpenedPhoto photo, Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  pixels_ += photo.pixels();
  kept_.push_front({random_id(), std::make_shared<const OpenedPhoto>(std::move(photo)), now});
  while (kept_.size() > 1 && (kept_.size() > limits_.photos || pixels_ > limits_.pixels)) {
    pixels_ -= kept_.back().photo->pixels();
    kept_.pop_back();
  }
  return kept_.front().id;
}

std::shared_ptr<const OpenedPhoto> Photos::find(std::string_view id, Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  const auto at = place(id);
  if (at == kept_.end()) return {};
  at->used = now;
  kept_.splice(kept_.begin(), kept_, at);
  return at->photo;
}

bool Photos::forget(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  const auto at = place(id);
  if (at == kept_.end()) return false;
  pixels_ -= at->photo->pixels();
  kept_.erase(at);
  return true;
}

void Photos::forget_unused(Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  while (!kept_.empty() && now - kept_.back().used > limits_.unused) {
    pixels_ -= kept_.back().photo->pixels();
    kept_.pop_back();
  }
}

size_t Photos::size() const {
  const std::scoped_lock lock(mutex_);
  return kept_.size();
}

}  // namespace secgan::serve
