#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <future>
#include <set>

#include "serve/photos.hpp"
#include "serve/rate_limit.hpp"
#include "serve/work_queue.hpp"

using namespace secgan;
using namespace secgan::serve;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

OpenedPhoto photo_of(int64_t height, int64_t width) { return {.photo = at::zeros({3, height, width}, at::kByte)}; }

}  // namespace

TEST_CASE("an address has a minute's requests at once, then as many as time brings", "[serve]") {
  RateLimit limit(60);
  const Clock::time_point begin{};
  for (int i = 0; i < 60; ++i) REQUIRE(limit.wait("1.2.3.4", begin) == 0);
  CHECK(limit.wait("1.2.3.4", begin) == 1);
  CHECK(limit.wait("1.2.3.5", begin) == 0);
  CHECK(limit.wait("1.2.3.4", begin + seconds(1)) == 0);
  CHECK(limit.wait("1.2.3.4", begin + seconds(1)) == 1);
  // No more than a minute's are saved up.
  for (int i = 0; i < 60; ++i) REQUIRE(limit.wait("1.2.3.4", begin + minutes(60)) == 0);
  CHECK(limit.wait("1.2.3.4", begin + minutes(60)) == 1);
  RateLimit slow(2);
  CHECK(slow.wait("a", begin) + slow.wait("a", begin) == 0);
  CHECK(slow.wait("a", begin + seconds(10)) == 20);
  RateLimit none(0);
  for (int i = 0; i < 1000; ++i) REQUIRE(none.wait("a", begin) == 0);
}

TEST_CASE("many addresses do not lift an address's limit", "[serve]") {
  RateLimit limit(1);
  const Clock::time_point begin{};
  for (int i = 0; i < 20000; ++i) REQUIRE(limit.wait(std::to_string(i), begin) == 0);
  CHECK(limit.wait("19999", begin) == 60);
  const Clock::time_point later = begin + seconds(61);
  CHECK(limit.wait("another", later) == 0);
  for (int i = 0; i < 20000; ++i) limit.wait(std::to_string(i), begin + seconds(61 + i / 100));
  CHECK(limit.wait("19999", begin + seconds(261)) > 0);
  // Only those are left out that may ask as if they had never asked.
  RateLimit patient(1);
  for (int i = 0; i < 16383; ++i) patient.wait(std::to_string(i), begin);
  CHECK(patient.wait("another", later) == 0);
  CHECK(patient.wait("one more", later) == 0);
  CHECK(patient.wait("another", later) == 60);
}

TEST_CASE("photos that were used longest ago are forgotten, by number and by pixels", "[serve]") {
  const Clock::time_point begin{};
  Photos photos({.photos = 3, .pixels = 1000});
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(photos.add(photo_of(10, 10), begin));
  CHECK(photos.find(ids[0], begin));
  ids.push_back(photos.add(photo_of(10, 10), begin));
  CHECK_FALSE(photos.find(ids[1], begin));
  CHECK(photos.find(ids[0], begin));
  CHECK(photos.find(ids[2], begin));
  // 300 pixels are there, and 850 come: 0 and 3 were used last, 2 goes, then 3.
  CHECK(photos.find(ids[3], begin));
  CHECK(photos.find(ids[0], begin));
  ids.push_back(photos.add(photo_of(10, 85), begin));
  CHECK(photos.size() == 2);
  CHECK(photos.find(ids[0], begin));
  CHECK(photos.find(ids[4], begin));
  // One that is larger than everything may be, is kept alone.
  ids.push_back(photos.add(photo_of(100, 100), begin));
  CHECK(photos.size() == 1);
  CHECK(photos.find(ids[5], begin)->photo.size(1) == 100);
  CHECK(photos.forget(ids[5]));
  CHECK_FALSE(photos.forget(ids[5]));
  CHECK(photos.size() == 0);
  // What was forgotten takes no room.
  for (int i = 0; i < 3; ++i) photos.add(photo_of(10, 33), begin);
  CHECK(photos.size() == 3);
}

TEST_CASE("photos that nobody uses are forgotten", "[serve]") {
  const Clock::time_point begin{};
  Photos photos({.unused = minutes(30)});
  const std::string first = photos.add(photo_of(4, 4), begin), second = photos.add(photo_of(4, 4), begin);
  CHECK(photos.find(first, begin + minutes(20)));
  photos.forget_unused(begin + minutes(31));
  CHECK_FALSE(photos.find(second, begin + minutes(31)));
  CHECK(photos.find(first, begin + minutes(31)));
}

TEST_CASE("ids of photos are 128 bits, each another", "[serve]") {
  Photos photos({.photos = 2000});
  std::set<std::string> ids;
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = photos.add(photo_of(1, 1), Clock::time_point{});
    CHECK(id.size() == 32);
    ids.insert(id);
    all += id;
  }
  CHECK(ids.size() == 1000);
  // Each digit comes as often as any other: 2000 times, within six standard deviations.
  for (const char digit : std::string("0123456789abcdef")) CHECK(std::abs(std::count(all.begin(), all.end(), digit) - 2000) < 6 * 44);
}

TEST_CASE("work is done one after another, and too much of it is refused", "[serve]") {
  std::vector<int> done;
  std::promise<void> go, begun, told;
  WorkQueue queue(2, 1);
  CHECK(queue.push([&](bool wanted) {
    begun.set_value();
    go.get_future().wait();
    done.push_back(wanted ? 0 : -1);
  }));
  begun.get_future().wait();
  for (int i = 1; i <= 2; ++i) {
    CHECK(queue.push([&, i](bool wanted) {
      done.push_back(wanted ? i : -i);
      if (!wanted && i == 2) told.set_value();
    }));
  }
  CHECK_FALSE(queue.push([](bool) { FAIL("it was refused"); }));
  SECTION("all of it") {
    std::promise<void> last;
    go.set_value();
    while (!queue.push([&](bool) { last.set_value(); })) std::this_thread::yield();
    last.get_future().wait();
    CHECK(done == std::vector{0, 1, 2});
  }
  SECTION("what waits when the queue ends is told") {
    std::thread end([&] { queue.end(); });
    told.get_future().wait();
    go.set_value();
    end.join();
    CHECK(done == std::vector{-1, -2, 0});
    CHECK_FALSE(queue.push([](bool) { FAIL("it has ended"); }));
  }
}
