#include <torch/torch.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "film/film_file.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using secgan::testing::TemporaryFolder;

namespace {

/// Four frames of 32 x 24 pixels in four slices each, with their checksums, as FFmpeg's ffv1 writes them at level 3.
const std::filesystem::path kLossless = std::filesystem::path(SECGAN_GOLDEN_DIR) / "films/ffv1.mkv";

std::string number(uint32_t value, size_t bytes = 4) {
  std::string out(bytes, '\0');
  std::memcpy(out.data(), &value, bytes);
  return out;
}

std::string chunk(const std::string& name, std::string data) {
  const std::string size = number(static_cast<uint32_t>(data.size()));
  if (data.size() % 2 != 0) data += '\0';
  return name + size + data;
}

std::string list(const std::string& kind, const std::string& chunks) { return chunk("LIST", kind + chunks); }

/// A track of sound of an AVI: its format (0x55: MP3, 1: samples as they are) and what is heard during each picture.
struct Sound {
  uint32_t format;
  std::string packet;
};

/// Motion JPEG as AVI, ten frames a second: the simplest film there is.
/// @param aspect  of the picture as it is shown, width to height; 0: as its pixels lie
std::string avi(const std::vector<at::Tensor>& frames, std::pair<uint32_t, uint32_t> aspect = {}, const std::vector<Sound>& sounds = {}) {
  const auto width = static_cast<uint32_t>(frames.front().size(2)), height = static_cast<uint32_t>(frames.front().size(1));
  const auto count = static_cast<uint32_t>(frames.size());
  std::string header = number(100000) + number(0) + number(0) + number(0x10) + number(count) + number(0) +
                       number(static_cast<uint32_t>(1 + sounds.size())) + number(0) + number(width) + number(height) +
                       std::string(16, '\0');
  std::string stream = std::string("vidsMJPG") + number(0) + number(0) + number(0) + number(1) + number(10) + number(0) + number(count) +
                       number(0) + number(0xffffffff) + number(0) + std::string(8, '\0');
  std::string format = number(40) + number(width) + number(height) + number(1, 2) + number(24, 2) + "MJPG" + number(width * height * 3) +
                       std::string(16, '\0');
  std::string movie, index, heard;
  const auto add = [&](const std::string& name, const std::string& packet) {
    index += name + number(0x10) + number(static_cast<uint32_t>(4 + movie.size())) + number(static_cast<uint32_t>(packet.size()));
    movie += chunk(name, packet);
  };
  for (const at::Tensor& frame : frames) {
    add("00dc", encode_jpeg(frame, 100));
    for (size_t i = 0; i < sounds.size(); ++i) add({'0', static_cast<char>('1' + i), 'w', 'b'}, sounds[i].packet);
  }
  for (const Sound& sound : sounds) {
    const auto bytes = static_cast<uint32_t>(10 * sound.packet.size());  // a second
    const std::string head = std::string("auds") + std::string(16, '\0') + number(1) + number(bytes) + number(0) +
                             number(bytes / 10 * count) + number(bytes) + number(0xffffffff) + number(1) + std::string(8, '\0');
    const std::string wave = number(sound.format, 2) + number(1, 2) + number(sound.format == 1 ? bytes : 44100) + number(bytes) +
                             number(1, 2) + number(8, 2) + number(0, 2);
    heard += list("strl", chunk("strh", head) + chunk("strf", wave));
  }
  std::string shape;
  if (aspect.first > 0) {
    shape = chunk("vprp", std::string(20, '\0') + number(aspect.second, 2) + number(aspect.first, 2) + number(width) + number(height) +
                              std::string(8, '\0'));
  }
  return chunk("RIFF",
               "AVI " + list("hdrl", chunk("avih", header) + list("strl", chunk("strh", stream) + chunk("strf", format) + shape) + heard) +
                   list("movi", movie) + chunk("idx1", index));
}

/// Slow waves of color, another in each frame.
at::Tensor wave(int64_t frame, int64_t height = 48, int64_t width = 64) {
  const at::Tensor y = torch::arange(height).view({-1, 1}), x = torch::arange(width).view({1, -1}), place = x / 9.0 + y / 13.0;
  std::vector<at::Tensor> planes;
  for (int64_t c = 0; c < 3; ++c) planes.push_back(128 + 90 * torch::sin(place + static_cast<double>(frame + 2 * c)));
  return torch::stack(planes).round().to(torch::kByte).contiguous();
}

double worst_mean(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(torch::kFloat) - b.to(torch::kFloat)).abs().mean({1, 2}).max().item<double>();
}

std::vector<FilmFrame> frames_in(const std::filesystem::path& film) {
  std::vector<FilmFrame> out;
  read_film(film, [&](const FilmFrame& frame) {
    out.push_back(frame);
    return true;
  });
  return out;
}

/// As an MP4's header says.
double seconds_of(const std::filesystem::path& film) {
  const std::string bytes = read_file(film);
  const auto number = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes.at(at + i));
    return static_cast<double>(value);
  };
  const size_t header = bytes.find("mvhd");
  REQUIRE(bytes.at(header + 4) == 0);  // its version
  return number(header + 20) / number(header + 16);
}

bool builds_without(const std::filesystem::path& film) {
  try {
    inspect_film(film);
    return false;
  } catch (const Error& error) {
#ifndef SECGAN_FILM  // built with it
    if (std::string(error.what()).find("which read it, are not there") != std::string::npos) {
      WARN("this build reads no films: FFmpeg's libraries were missing");
      return true;
    }
#endif
    throw;
  }
}

}  // namespace

TEST_CASE("a film's frames are turned and mirrored as its matrix says, and by quarters alone", "[film]") {
  const std::filesystem::path film = std::filesystem::path(SECGAN_GOLDEN_DIR) / "films/asymmetric.mp4";
  if (builds_without(film)) return;
  const TemporaryFolder folder;
  const std::string whole = read_file(film);
  constexpr size_t kMatrix = 44;  // behind the beginning of the track's header
  const size_t place = whole.find("tkhd") + kMatrix;
  /// Of a matrix in 16.16: (x, y) is shown at (a x + c y, b x + d y).
  const auto posed = [&](double a, double b, double c, double d) {
    std::string bytes = whole;
    const auto put = [&](size_t at, double value) {
      const auto fixed = static_cast<uint32_t>(static_cast<int32_t>(std::lround(value * 65536)));
      for (size_t i = 0; i < 4; ++i) bytes[place + 4 * at + i] = static_cast<char>(fixed >> (24 - 8 * i));
    };
    put(0, a), put(1, b), put(3, c), put(4, d);
    write_file(folder / "film.mp4", bytes);
    at::Tensor picture;
    read_film(folder / "film.mp4", [&](const FilmFrame& frame) {
      picture = frame.picture;
      return true;
    });
    const FilmFacts facts = inspect_film(folder / "film.mp4");
    CHECK(picture.sizes() == at::IntArrayRef{3, facts.height, facts.width});
    return picture;
  };
  const at::Tensor plain = posed(1, 0, 0, 1);
  REQUIRE(plain.sizes() == at::IntArrayRef{3, 32, 48});
  CHECK(at::equal(posed(0, 1, -1, 0), at::rot90(plain, -1, {1, 2})));  // a telephone held upright
  CHECK(at::equal(posed(-1, 0, 0, -1), at::rot90(plain, 2, {1, 2})));
  CHECK(at::equal(posed(0, -1, 1, 0), at::rot90(plain, 1, {1, 2})));
  CHECK(at::equal(posed(-1, 0, 0, 1), plain.flip(2)));
  CHECK(at::equal(posed(1, 0, 0, -1), plain.flip(1)));
  CHECK(at::equal(posed(0, 1, 1, 0), plain.transpose(1, 2)));
  CHECK(at::equal(posed(0, -1, -1, 0), plain.transpose(1, 2).flip({1, 2})));
  CHECK_THROWS_WITH(posed(0.7, 0.7, -0.7, 0.7), Catch::Contains("turned, and not by quarters"));
}

TEST_CASE("a film that is kept to the bit is damaged where one of its checksums says so", "[film]") {
  if (builds_without(kLossless)) return;
  const TemporaryFolder folder;
  const std::string whole = read_file(kLossless);
  const auto frames_of = [&](const std::string& bytes) {
    write_file(folder / "film.mkv", bytes);
    int64_t frames = 0;
    read_film(folder / "film.mkv", [&](const FilmFrame&) { return ++frames, true; });
    return frames;
  };
  CHECK(frames_of(whole) == 4);
  // Between the first frame's beginning and the index.
  size_t refused = 0, tried = 0;
  for (size_t place = whole.size() / 3; place < whole.size() * 9 / 10; place += 97) {
    std::string damaged = whole;
    damaged[place] = static_cast<char>(damaged[place] ^ 0x10);
    ++tried;
    try {
      frames_of(damaged);
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find("film.mkv' is ") != std::string::npos);
      ++refused;
    }
  }
  CAPTURE(tried, refused);
  CHECK(refused + 2 >= tried);  // a bit of Matroska's own, as of a time, costs no pixel
}

TEST_CASE("a film's frames come out in their order, and go into another with their times", "[film]") {
  const TemporaryFolder folder;
  std::vector<at::Tensor> pictures;
  for (int64_t i = 0; i < 7; ++i) pictures.push_back(wave(i));
  const auto film = folder.write("film.avi", avi(pictures));
  CHECK(is_film(film));
  if (builds_without(film)) return;
  const FilmFacts facts = inspect_film(film);
  CHECK(facts.width == 64);
  CHECK(facts.height == 48);
  CHECK(facts.frames == 7);
  CHECK(facts.provenance.empty());
  const std::vector<FilmFrame> frames = frames_in(film);
  REQUIRE(frames.size() == 7);
  for (size_t i = 0; i < 7; ++i) {
    CHECK(worst_mean(frames[i].picture, pictures[i]) < 2);
    CHECK(worst_mean(frames[i].picture, pictures[(i + 1) % 7]) > 10);
  }
  int64_t seen = 0;
  read_film(film, [&](const FilmFrame&) { return ++seen < 3; });
  CHECK(seen == 3);

  const Provenance made{.source_type = std::string(kTrainedComposite), .software = this_software(), .edits = {"Bangs=1"}};
  const auto result = folder / "result.mp4";
  {
    FilmWriter writer(result, film);
    for (const FilmFrame& frame : frames) writer.add({255 - frame.picture, frame.time});
    CHECK_FALSE(std::filesystem::exists(result));
    CHECK(writer.finish(made).sounds == 0);
  }
  CHECK(is_film(result));
  CHECK(inspect_film(result).provenance == made);
  const std::vector<FilmFrame> edited = frames_in(result);
  REQUIRE(edited.size() == 7);
  for (size_t i = 0; i < 7; ++i) {
    CHECK(worst_mean(edited[i].picture, 255 - pictures[i]) < 4);
    if (i > 0) CHECK(edited[i].time - edited[i - 1].time == edited[1].time - edited[0].time);
  }
}

TEST_CASE("a film's last frame is shown as long as in the film that it comes from", "[film]") {
  const TemporaryFolder folder;
  const auto film = folder.write("film.avi", avi({wave(0), wave(1), wave(2)}));
  if (builds_without(film)) return;
  const auto copy = [](const std::filesystem::path& from, const std::filesystem::path& to, int64_t apart, int64_t held) {
    const std::vector<FilmFrame> shown = frames_in(from);
    FilmWriter writer(to, from);
    for (size_t i = 0; i < shown.size(); ++i) {
      const auto place = static_cast<int64_t>(i);
      writer.add(apart == 0 ? shown[i] : FilmFrame{shown[i].picture, place * apart, i + 1 < shown.size() ? apart : held});
    }
    writer.finish({});
  };
  // The AVI's stream says that it ends after three frames: times of one's own end later.
  copy(film, folder / "held.mp4", 10, 70);
  copy(folder / "held.mp4", folder / "again.mp4", 0, 0);
  for (const char* const name : {"held.mp4", "again.mp4"}) CHECK(seconds_of(folder / name) == Approx((20 + 70) / 10.0).epsilon(0.001));
  CHECK(frames_in(folder / "again.mp4").size() == 3);
}

TEST_CASE("every track of sound that MP4 holds is in the result, and the others are counted", "[film]") {
  const TemporaryFolder folder;
  // Layer 3, 128 kbit/s, 44,100 Hz: 417 bytes of silence.
  const Sound silence{0x55, std::string("\xff\xfb\x90\x64", 4) + std::string(413, '\0')};
  const Sound samples{1, std::string(4410, '\x80')};
  const auto film = folder.write("film.avi", avi({wave(0), wave(1), wave(2)}, {}, {silence, samples, silence}));
  if (builds_without(film)) return;
  const auto result = folder / "result.mp4";
  FilmWriter writer(result, film);
  for (const FilmFrame& frame : frames_in(film)) writer.add(frame);
  const FilmLosses lost = writer.finish({});
  CHECK(lost.sounds == 1);
  CHECK_FALSE(lost.subtitles);
  const std::string bytes = read_file(result);
  size_t tracks = 0;
  for (size_t at = 0; (at = bytes.find("soun", at)) != std::string::npos; ++at) ++tracks;
  CHECK(tracks == 2);
  CHECK(frames_in(result).size() == 3);
}

TEST_CASE("a film that is not finished leaves nothing, and what is none is named", "[film]") {
  const TemporaryFolder folder;
  const auto film = folder.write("film.avi", avi({wave(0), wave(1)}));
  if (builds_without(film)) return;
  {
    FilmWriter writer(folder / "result.mp4", film);
    writer.add({wave(0), 0});
  }
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  const auto none = folder.write("none.mp4", "\x1a\x45\xdf\xa3 and nothing else");
  CHECK(is_film(none));
  CHECK_THROWS_WITH(inspect_film(none), Catch::Contains("none.mp4") && Catch::Contains("cannot be read as a film"));
  CHECK_THROWS_AS(inspect_film(folder / "missing.mp4"), FileNotFound);
  CHECK_FALSE(is_film(folder / "missing.mp4"));
  CHECK_FALSE(is_film(folder.write("photo.mp4", encode_png(wave(0)))));
  // A list of other files is no film, whatever its name.
  const auto playlist = folder.write("list.mp4", "ffconcat version 1.0\nfile '" + film.string() + "'\n");
  CHECK_FALSE(is_film(playlist));
  CHECK_THROWS_WITH(read_film(playlist, [](const FilmFrame&) { return true; }), Catch::Contains("cannot be read as a film"));
}

TEST_CASE("a film that ends before it says is refused", "[film]") {
  // Matroska: a header without content, and a segment that announces 4096 bytes, or does not know how many.
  const TemporaryFolder folder;
  const std::string head("\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67", 9);
  const auto cut = folder.write("cut.mkv", head + std::string("\x01\0\0\0\0\0\x10\0", 8) + std::string(4095, '\0'));
  CHECK_THROWS_WITH(inspect_film(cut), "'" + cut.string() + "' is truncated: its header announces more than there is");
  for (const std::string& rest : {std::string("\x01\0\0\0\0\0\x10\0", 8) + std::string(4096, '\0'),
                                  std::string("\x01\xff\xff\xff\xff\xff\xff\xff", 8), std::string("\xff")})
    CHECK_THROWS_WITH(inspect_film(folder.write("whole.mkv", head + rest)), !Catch::Contains("is truncated"));
  // A header that is longer than the file, or than what is looked at.
  for (const std::string& length : {std::string("\x85"), std::string("\x50\x00", 2), std::string("\x01"), std::string("\0", 1)})
    CHECK_THROWS_WITH(inspect_film(folder.write("long.mkv", "\x1a\x45\xdf\xa3" + length)), !Catch::Contains("is truncated"));
}

TEST_CASE("an AVI that is cut, and an MP4 whose index comes first, are refused", "[film]") {
  const TemporaryFolder folder;
  std::vector<at::Tensor> pictures;
  for (int64_t i = 0; i < 20; ++i) pictures.push_back(wave(5 * i));
  const std::string whole = avi(pictures);
  const auto film = folder.write("film.avi", whole);
  if (builds_without(film)) return;
  CHECK_THROWS_WITH(inspect_film(folder.write("cut.avi", whole.substr(0, whole.size() / 2))), Catch::Contains("cut.avi' is truncated"));
  {
    FilmWriter writer(folder / "last.mp4", film);
    for (const FilmFrame& frame : frames_in(film)) writer.add(frame);
    writer.finish({});
  }
  // Boxes, each of its length and its name: the index (moov) before the pictures, whose places it names (stco).
  const std::string mp4 = read_file(folder / "last.mp4");
  const auto big_endian = [](const std::string& text, size_t at) {
    uint32_t value = 0;
    for (size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<uint8_t>(text[i]);
    return value;
  };
  std::string index, others;
  for (size_t at = 0; at < mp4.size(); at += big_endian(mp4, at))
    (mp4.substr(at + 4, 4) == "moov" ? index : others) += mp4.substr(at, big_endian(mp4, at));
  const size_t head = big_endian(others, 0), places = index.find("stco") + 8;
  for (size_t i = 0; i < big_endian(index, places); ++i) {
    const auto place = static_cast<uint32_t>(big_endian(index, places + 4 + 4 * i) + index.size());
    for (size_t byte = 0; byte < 4; ++byte) index[places + 4 + 4 * i + byte] = static_cast<char>(place >> (24 - 8 * byte));
  }
  const std::string first = others.substr(0, head) + index + others.substr(head);
  CHECK(frames_in(folder.write("first.mp4", first)).size() == 20);
  const size_t pictures_at = head + index.size();
  const auto cut = folder.write("cut.mp4", first.substr(0, pictures_at + (first.size() - pictures_at) / 2));
  CHECK_THROWS_WITH(frames_in(cut), Catch::Contains("cut.mp4' is") && (Catch::Contains("truncated") || Catch::Contains("damaged")));
}

TEST_CASE("a film whose pixels are not square is as wide as it is shown", "[film]") {
  const TemporaryFolder folder;
  const auto film = folder.write("wide.avi", avi({wave(0), wave(1)}, {8, 3}));  // 64 x 48 pixels, each twice as wide as high
  if (builds_without(film)) return;
  CHECK(inspect_film(film).width == 128);
  CHECK(inspect_film(film).height == 48);
  const std::vector<FilmFrame> frames = frames_in(film);
  REQUIRE(frames.size() == 2);
  REQUIRE(frames[1].picture.sizes() == at::IntArrayRef({3, 48, 128}));
  const at::Tensor halved = at::avg_pool2d(frames[1].picture.to(torch::kFloat), {1, 2});
  CHECK(worst_mean(halved, wave(1)) < 3);
  {
    FilmWriter writer(folder / "out.mp4", film);
    for (const FilmFrame& frame : frames) writer.add(frame);
    writer.finish({});
  }
  CHECK(inspect_film(folder / "out.mp4").width == 128);
  CHECK_THROWS_WITH(inspect_film(folder.write("endless.avi", avi({wave(0)}, {60000, 1}))),
                    Catch::Contains("endless.avi") && Catch::Contains("pixels wide and 48 high, more than 100000000 pixels"));
}

TEST_CASE("a film that lies on its side is turned upright", "[film]") {
  const TemporaryFolder folder;
  const auto film = folder.write("film.avi", avi({wave(0), wave(1)}));
  if (builds_without(film)) return;
  const auto upright = folder / "upright.mp4";
  FilmWriter writer(upright, film);
  for (const FilmFrame& frame : frames_in(film)) writer.add(frame);
  writer.finish({});
  // As telephones write it: a quarter turn, clockwise, in the matrix of the track's header.
  std::string bytes = read_file(upright);
  const size_t matrix = bytes.find("tkhd") + 4 + 40;
  const auto entry = [&](size_t place, const std::string& value) { bytes.replace(matrix + 4 * place, 4, value); };
  const std::string one{0, 1, 0, 0}, none(4, '\0'), minus_one{'\xff', '\xff', 0, 0};
  REQUIRE(bytes.substr(matrix, 4) == one);
  entry(0, none);
  entry(1, one);
  entry(3, minus_one);
  entry(4, none);
  const auto lying = folder.write("lying.mp4", bytes);
  const FilmFacts facts = inspect_film(lying);
  CHECK(facts.width == 48);
  CHECK(facts.height == 64);
  const std::vector<FilmFrame> frames = frames_in(lying);
  REQUIRE(frames.size() == 2);
  CHECK(worst_mean(frames[0].picture, torch::rot90(wave(0), -1, {1, 2})) < 4);
}

TEST_CASE("frames of odd sizes are kept as they are", "[film]") {
  const TemporaryFolder folder;
  const auto film = folder.write("film.avi", avi({wave(0, 33, 47), wave(1, 33, 47)}));
  if (builds_without(film)) return;
  FilmWriter writer(folder / "result.mp4", film);
  for (const FilmFrame& frame : frames_in(film)) writer.add(frame);
  writer.finish({});
  const std::vector<FilmFrame> frames = frames_in(folder / "result.mp4");
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].picture.sizes() == at::IntArrayRef({3, 33, 47}));
  CHECK(worst_mean(frames[1].picture, wave(1, 33, 47)) < 4);
}
