#include <lcms2.h>
#include <catch2/catch.hpp>

#include "image/color.hpp"
#include "image/pictures.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"

using namespace secgan;
using namespace secgan::testing;
using namespace std::string_literals;

namespace {

constexpr secgan::detail::Chromaticities kDisplayP3{0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060};

/// XYZ of linear RGB, white at 1: [3, 3] float64.
at::Tensor to_xyz(const secgan::detail::Chromaticities& c) {
  const auto xyz = [&](size_t i) { return torch::tensor({c[i] / c[i + 1], 1.0, (1 - c[i] - c[i + 1]) / c[i + 1]}, torch::kDouble); };
  const at::Tensor primaries = torch::stack({xyz(2), xyz(4), xyz(6)}, 1);
  return primaries * torch::linalg_solve(primaries, xyz(0).unsqueeze(1), true).t();
}

/// IEC 61966-2-1
at::Tensor decoded(const at::Tensor& s) { return torch::where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055).pow(2.4)); }
at::Tensor encoded(const at::Tensor& l) { return torch::where(l <= 0.0031308, 12.92 * l, 1.055 * l.clamp_min(1e-9).pow(1 / 2.4) - 0.055); }

/// What sRGB bytes show the same color as those of a display with these primaries, sRGB's curve or a power. [3, H, W]
at::Tensor as_srgb(const at::Tensor& bytes, const secgan::detail::Chromaticities& primaries, double exponent = 0) {
  const at::Tensor stored = bytes.reshape({3, -1}).to(torch::kDouble) / 255;
  const at::Tensor light = exponent > 0 ? stored.pow(exponent) : decoded(stored);
  const at::Tensor linear = torch::linalg_solve(to_xyz(secgan::detail::kSrgbChromaticities), to_xyz(primaries).matmul(light), true);
  return (encoded(linear.clamp(0, 1)) * 255).round().reshape(bytes.sizes());
}

double worst_level(const at::Tensor& a, const at::Tensor& b) { return (a.to(torch::kDouble) - b).abs().max().item<double>(); }

at::Tensor skin() {
  torch::manual_seed(8);
  const at::Tensor tone = torch::tensor({224, 172, 140}, torch::kInt).view({3, 1, 1});
  return (tone + torch::randint(-60, 30, {3, 16, 16}, torch::kInt)).to(torch::kByte);
}

std::string iccp(const std::string& profile) { return png_chunk("iCCP", "a name\0\0"s + deflated(profile)); }

/// The profile in one APP2 segment, or in two.
std::string with_profile(const std::string& jpeg, const std::string& profile, size_t parts) {
  std::string out = jpeg;
  for (size_t i = parts; i-- > 0;) {  // each goes in front of those that are there
    const size_t begin = i * profile.size() / parts, end = (i + 1) * profile.size() / parts;
    out = with_segment(out, 0xe2,
                       "ICC_PROFILE\0"s + static_cast<char>(i + 1) + static_cast<char>(parts) + profile.substr(begin, end - begin));
  }
  return out;
}

/// A press whose lightness L* is 100 (1 − black), whatever the other inks are.
std::string press_profile() {
  cmsHPROFILE profile = cmsCreateProfilePlaceholder(nullptr);
  cmsSetProfileVersion(profile, 2.1);
  cmsSetDeviceClass(profile, cmsSigOutputClass);
  cmsSetColorSpace(profile, cmsSigCmykData);
  cmsSetPCS(profile, cmsSigLabData);
  cmsStage* const table = cmsStageAllocCLut16bit(nullptr, 2, 4, 3, nullptr);
  cmsStageSampleCLut16bit(
      table,
      [](const cmsUInt16Number* inks, cmsUInt16Number* lab, void*) -> cmsInt32Number {
        lab[0] = inks[3] == 0 ? 0xff00 : 0;  // 100 in the Lab of version 2
        lab[1] = lab[2] = 0x8000;
        return 1;
      },
      nullptr, 0);
  cmsPipeline* const pipeline = cmsPipelineAlloc(nullptr, 4, 3);
  cmsPipelineInsertStage(pipeline, cmsAT_END, table);
  cmsWriteTag(profile, cmsSigAToB0Tag, pipeline);
  cmsPipelineFree(pipeline);
  cmsUInt32Number size = 0;
  cmsSaveProfileToMem(profile, nullptr, &size);
  std::string out(size, '\0');
  cmsSaveProfileToMem(profile, out.data(), &size);
  cmsCloseProfile(profile);
  return out;
}

/// CIE 1976: the sRGB level of a gray of that lightness.
double gray_level(double lightness) {
  const double f = (lightness + 16) / 116;
  return encoded(torch::tensor(f > 6.0 / 29 ? f * f * f : lightness / 903.3, torch::kDouble)).item<double>() * 255;
}

}  // namespace

TEST_CASE("inks follow their profile, in JPEG and as pixels", "[image]") {
  const std::string profile = press_profile();
  for (const int black : {0, 30, 128, 200, 255}) {
    const double expected = gray_level(100 * (1 - black / 255.0));
    const at::Tensor inks = torch::tensor({200, 10, 90, black}, torch::kInt).to(torch::kByte).view({1, 1, 4});
    CHECK(worst_level(photo_from_pixels(inks, profile), torch::full({3, 1, 1}, expected, torch::kDouble)) <= 1.5);
    const std::string jpeg = jpeg_bytes(8, 8, 4, JCS_CMYK, static_cast<uint8_t>(255 - black));  // stored as light
    CHECK(worst_level(decode_image(with_profile(jpeg, profile, 1)), torch::full({3, 8, 8}, expected, torch::kDouble)) <= 2.5);
  }
  // Of a picture without inks it is no profile.
  CHECK(at::equal(photo_from_pixels(skin().permute({1, 2, 0}), profile), skin()));
}

TEST_CASE("a display's profile becomes sRGB as its primaries and curve say", "[image]") {
  const at::Tensor picture = skin();
  const std::string png = encode_png(picture), p3 = secgan::detail::display_profile(1 / 2.2, kDisplayP3);
  REQUIRE(!p3.empty());
  const at::Tensor expected = as_srgb(picture, kDisplayP3);
  REQUIRE(worst_level(picture, expected) > 10);
  CHECK(worst_level(decode_image(with_chunk(png, iccp(p3))), expected) <= 1);
  CHECK(worst_level(photo_from_pixels(picture.permute({1, 2, 0}), p3), expected) <= 1);

  const std::string jpeg = encode_jpeg(picture, 100);
  const at::Tensor stored = decode_image(jpeg);
  for (const size_t parts : {1, 2, 5}) CHECK(worst_level(decode_image(with_profile(jpeg, p3, parts)), as_srgb(stored, kDisplayP3)) <= 1);
}

TEST_CASE("PNG's gAMA, cHRM and cICP are followed as browsers do", "[image]") {
  const at::Tensor picture = skin();
  const std::string png = encode_png(picture);
  const auto gamma = [](double value) { return png_chunk("gAMA", big_endian(static_cast<uint32_t>(value * 1e5), 4)); };
  const auto primaries = [](const secgan::detail::Chromaticities& values) {
    std::string data;
    for (const double value : values) data += big_endian(static_cast<uint32_t>(value * 1e5 + 0.5), 4);
    return png_chunk("cHRM", data);
  };
  const auto read = [&](const std::string& chunks) { return decode_image(with_chunk(png, chunks)); };
  const auto& srgb = secgan::detail::kSrgbChromaticities;
  CHECK(worst_level(read(gamma(1)), as_srgb(picture, srgb, 1)) <= 1);
  CHECK(worst_level(read(gamma(1 / 1.8) + primaries(kDisplayP3)), as_srgb(picture, kDisplayP3, 1.8)) <= 1);
  CHECK(worst_level(read(primaries(kDisplayP3)), as_srgb(picture, kDisplayP3)) <= 1);
  CHECK(worst_level(read(png_chunk("cICP", "\x0c\x0d\0\1"s)), as_srgb(picture, kDisplayP3)) <= 1);
  CHECK(worst_level(read(png_chunk("cICP", "\x01\x08\0\1"s)), as_srgb(picture, srgb, 1)) <= 1);

  // What says sRGB leaves every bit, and so do numbers that no display has.
  CHECK(at::equal(read(gamma(0.45455) + primaries(srgb)), picture));
  CHECK(at::equal(read(png_chunk("sRGB", "\0"s) + gamma(1)), picture));
  CHECK(at::equal(read(png_chunk("cICP", "\x01\x0d\0\1"s) + gamma(1)), picture));
  CHECK(at::equal(read(gamma(0) + primaries({})), picture));
  CHECK(at::equal(read(primaries({0.3, 0.3, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2})), picture));
  CHECK_THROWS_WITH(decode_image(with_chunk(png, png_chunk("cICP", "\x09\x10\0\1"s)), "hdr.png"),
                    Catch::Contains("hdr.png' is an HDR picture (PQ)"));
}

TEST_CASE("profiles that are broken, or of another kind of picture, are ignored", "[image]") {
  const at::Tensor picture = skin();
  const std::string png = encode_png(picture), p3 = secgan::detail::display_profile(1 / 2.2, kDisplayP3);
  std::string cmyk = p3, shifted = p3;
  cmyk.replace(16, 4, "CMYK");
  shifted.replace(36, 4, "nope");
  for (const std::string& profile : {""s, "no profile"s, p3.substr(0, 100), p3.substr(0, p3.size() / 2), cmyk, shifted}) {
    CHECK(at::equal(decode_image(with_chunk(png, iccp(profile))), picture));
    CHECK(at::equal(photo_from_pixels(picture.permute({1, 2, 0}), profile), picture));
  }
}

TEST_CASE("gray follows a profile of gray and of RGB", "[image]") {
  const at::Tensor gray = torch::arange(256, torch::kInt).to(torch::kByte).view({16, 16, 1});
  const at::Tensor rgb = gray.permute({2, 0, 1}).expand({3, 16, 16});
  const std::string linear = secgan::detail::display_profile(1, secgan::detail::kSrgbChromaticities);
  CHECK(worst_level(photo_from_pixels(gray, linear), as_srgb(rgb, secgan::detail::kSrgbChromaticities, 1)) <= 1);
  CHECK(at::equal(photo_from_pixels(gray), rgb));
  CHECK(at::equal(photo_from_pixels(gray, secgan::detail::display_profile(1 / 2.2, kDisplayP3)),
                  rgb));  // gray is gray, whatever the primaries
}

TEST_CASE("pixels from elsewhere are turned, mixed and checked, and stay the caller's", "[image]") {
  const at::Tensor picture = skin(), pixels = picture.permute({1, 2, 0}).contiguous(), before = pixels.clone();
  CHECK(at::equal(photo_from_pixels(pixels, {}, 6), picture.transpose(1, 2).flip({2})));
  photo_from_pixels(pixels, secgan::detail::display_profile(1, kDisplayP3));
  CHECK(at::equal(pixels, before));
  const at::Tensor inks = torch::tensor({0, 128, 255, 51}, torch::kInt).to(torch::kByte).view({1, 1, 4});
  CHECK(at::equal(photo_from_pixels(inks).view(-1), torch::tensor({204, 102, 0}, torch::kByte)));
  CHECK_THROWS_WITH(photo_from_pixels(picture), Catch::Contains("1, 3 or 4 channels") && Catch::Contains("found 16"));
  CHECK_THROWS_WITH(photo_from_pixels(pixels.to(torch::kFloat)), Catch::Contains("pixels must be uint8"));
  CHECK_THROWS_WITH(photo_from_pixels(pixels.narrow(0, 0, 0)), Catch::Contains("16 x 0"));
}
