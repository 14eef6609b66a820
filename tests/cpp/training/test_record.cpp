#include <catch2/catch.hpp>

#include <cstring>
#include <limits>

#include "secgan/io/file.hpp"
#include "secgan/training/event_file.hpp"
#include "secgan/training/recorder.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;

namespace {

/// Payloads of the records in an event file, checksums verified by a bitwise CRC of the test's own.
std::vector<std::string> records(const std::string& bytes) {
  const auto crc = [](const std::string& data) {
    uint32_t value = ~0u;
    for (const unsigned char c : data) {
      value ^= c;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (0x82f63b78u & (0u - (value & 1)));
    }
    value = ~value;
    return ((value >> 15) | (value << 17)) + 0xa282ead8u;
  };
  std::vector<std::string> out;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t size = 0;
    uint32_t length_crc = 0, data_crc = 0;
    std::memcpy(&size, bytes.data() + at, 8);
    std::memcpy(&length_crc, bytes.data() + at + 8, 4);
    REQUIRE(length_crc == crc(bytes.substr(at, 8)));
    out.push_back(bytes.substr(at + 12, size));
    std::memcpy(&data_crc, bytes.data() + at + 12 + size, 4);
    REQUIRE(data_crc == crc(out.back()));
    at += 16 + size;
  }
  return out;
}

std::string only_event_file(const std::filesystem::path& folder) {
  std::string found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().find("tfevents") != std::string::npos) {
      REQUIRE(found.empty());
      found = entry.path().string();
    }
  }
  return found;
}

}  // namespace

TEST_CASE("CRC-32C has its published check value", "[record]") { CHECK(crc32c("123456789") == 0xe3069283u); }

TEST_CASE("an event file holds version, scalars and pictures as TensorBoard's protocol says", "[record]") {
  const TemporaryFolder folder;
  EventFile events(folder.path(), 0);
  events.scalar(300, "loss", 1.5);
  events.image(300, "samples", "PNG", 4, 6);
  events.flush();
  const auto found = records(read_file(only_event_file(folder.path())));
  REQUIRE(found.size() == 3);
  CHECK_THAT(found[0], Catch::Contains("brain.Event:2"));
  // After field 1 (time, 9 bytes): step 300 as varint; summary, value: tag, then 1.5 as float.
  const std::string scalar = std::string("\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15\x00\x00\xc0\x3f", 18);
  CHECK(found[1].substr(9) == scalar);
  CHECK_THAT(found[2], Catch::Contains(std::string("\x08\x04\x10\x06\x18\x03\x22\x03PNG")));
}

TEST_CASE("a resumed run's event file tells TensorBoard to forget what is written again", "[record]") {
  const TemporaryFolder folder;
  EventFile events(folder.path(), 40);
  const auto found = records(read_file(only_event_file(folder.path())));
  REQUIRE(found.size() == 2);
  CHECK(found[1].substr(9) == std::string("\x10\x28\x3a\x02\x08\x01", 6));  // step 40, SessionLog{START}
}

TEST_CASE("a later event file has a later name, whatever the clock says", "[record]") {
  const TemporaryFolder folder;
  folder.write("events.out.tfevents.8000000000.000.secgan", "");  // of the year 2223, and of an earlier version
  const auto later = [&] {
    std::string last;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) last = std::max(last, entry.path().filename().string());
    return last;
  };
  EventFile(folder.path(), 0);
  const std::string first = later();
  CHECK(first > "events.out.tfevents.8000000000.000.secgan");
  EventFile(folder.path(), 5);
  CHECK(later() > first);
  CHECK(entries(folder.path()) == 3);
}

TEST_CASE("the log keeps what is not finite as null and pictures by step", "[record]") {
  const TemporaryFolder folder;
  Recorder recorder(folder.path(), 0);
  recorder.scalars(5, {{"a", 0.25}, {"b", std::numeric_limits<double>::infinity()}});
  recorder.warning(5, "say \"this\"");
  recorder.image(5, "samples", "PNG", 1, 1);
  CHECK(read_file(folder.path() / "log.jsonl") == "{\"step\":5,\"a\":0.25,\"b\":null}\n{\"step\":5,\"warning\":\"say \\\"this\\\"\"}\n");
  CHECK(read_file(folder.path() / "samples" / "samples-0000005.png") == "PNG");
}

TEST_CASE("a resumed run keeps the log up to its checkpoint and replays nothing twice", "[record]") {
  const TemporaryFolder folder;
  {
    Recorder first(folder.path() / "run", 0);
    for (const int64_t step : {10, 20, 30}) first.scalars(step, {{"a", 1.0}});
  }
  const std::filesystem::path log = folder.path() / "run" / "log.jsonl";
  folder.write("run/log.jsonl", read_file(log) + "{\"step\":40,\"a\":0.");  // the power went
  const std::string before = only_event_file(folder.path() / "run");
  {
    Recorder second(folder.path() / "run", 20);
    CHECK(read_file(log) == "{\"step\":10,\"a\":1.0}\n{\"step\":20,\"a\":1.0}\n");
    second.scalars(30, {{"a", 2.0}});
  }
  CHECK(read_file(log) == "{\"step\":10,\"a\":1.0}\n{\"step\":20,\"a\":1.0}\n{\"step\":30,\"a\":2.0}\n");
  CHECK(read_log(folder.path() / "run", "a").values == std::vector<double>{1, 1, 2});
  // TensorBoard forgets events at and after the marker's step: step 20 is in the checkpoint, so the marker says 21.
  std::filesystem::remove(before);
  const auto found = records(read_file(only_event_file(folder.path() / "run")));
  CHECK(found[1].substr(9) == std::string("\x10\x15\x3a\x02\x08\x01", 6));
}

TEST_CASE("a run begun anew in its folder hides the events of the abandoned one", "[record]") {
  const TemporaryFolder folder;
  Recorder recorder(folder.path(), 0);
  const auto found = records(read_file(only_event_file(folder.path())));
  REQUIRE(found.size() == 2);
  CHECK(found[1].substr(9) == std::string("\x10\x01\x3a\x02\x08\x01", 6));
}

TEST_CASE("a warning that quotes a file name in another encoding does not end the run", "[record]") {
  const TemporaryFolder folder;
  Recorder recorder(folder.path(), 0);
  recorder.warning(1, "caf\xe9.jpg is gray");
  CHECK(read_file(folder.path() / "log.jsonl") == "{\"step\":1,\"warning\":\"caf\xef\xbf\xbd.jpg is gray\"}\n");
}
