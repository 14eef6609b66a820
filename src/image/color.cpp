#include "image/color.hpp"

#include <ATen/ATen.h>
#include <lcms2.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace secgan::detail {
namespace {

template <auto kClose>
struct Closed {
  void operator()(void* handle) const { kClose(handle); }
};
using Profile = std::unique_ptr<void, Closed<&cmsCloseProfile>>;
using Transform = std::unique_ptr<void, Closed<&cmsDeleteTransform>>;

/// From the profile's own colors to sRGB; none for a profile that is broken or for another kind of picture.
/// @param channels, out_channels  bytes of a pixel; those behind the colors are left alone
Transform transform_to_srgb(const Picture& picture, int64_t channels, int64_t out_channels) {
  const Profile from(cmsOpenProfileFromMem(picture.profile.data(), static_cast<cmsUInt32Number>(picture.profile.size())));
  if (!from || cmsGetDeviceClass(from.get()) == cmsSigLinkClass) return {};
  const bool cmyk = picture.space == Picture::Space::kCmyk;
  cmsUInt32Number layout = 0, colors = 0;
  switch (cmsGetColorSpace(from.get())) {
    case cmsSigRgbData:  // of a gray picture too, whose pixels are R = G = B
      if (cmyk) return {};
      layout = COLORSPACE_SH(PT_RGB), colors = 3;
      break;
    case cmsSigGrayData:
      if (picture.space != Picture::Space::kGray) return {};
      layout = COLORSPACE_SH(PT_GRAY), colors = 1;
      break;
    case cmsSigCmykData:
      if (!cmyk) return {};
      layout = COLORSPACE_SH(PT_CMYK), colors = 4;
      break;
    default: return {};
  }
  layout |= CHANNELS_SH(colors) | EXTRA_SH(static_cast<cmsUInt32Number>(channels) - colors) | BYTES_SH(1);
  const cmsUInt32Number rgb = TYPE_RGB_8 | EXTRA_SH(static_cast<cmsUInt32Number>(out_channels) - 3);
  const Profile srgb(cmsCreate_sRGBProfile());
  return Transform(cmsCreateTransform(from.get(), layout, srgb.get(), rgb, INTENT_PERCEPTUAL, 0));
}

void apply(const Transform& transform, const at::Tensor& from, const at::Tensor& to) {
  const auto pixels = static_cast<cmsUInt32Number>(from.numel() / from.size(-1));
  cmsDoTransform(transform.get(), from.const_data_ptr<uint8_t>(), to.mutable_data_ptr<uint8_t>(), pixels);
}

/// Whether colors all over the cube stay where they are, to a level.
bool is_srgb(const Transform& transform, Picture::Space space, int64_t channels) {
  const at::Tensor steps = at::arange(0, 256, space == Picture::Space::kGray ? 1 : 15, at::kInt).to(at::kByte);
  at::Tensor colors = steps.unsqueeze(1).expand({-1, channels}).contiguous();
  if (space == Picture::Space::kRgb) {
    const auto grid = at::meshgrid({steps, steps, steps}, "ij");
    colors = at::zeros({grid[0].numel(), channels}, at::kByte);
    for (int64_t c = 0; c < 3; ++c) colors.select(1, c).copy_(grid[static_cast<size_t>(c)].reshape(-1));
  }
  const at::Tensor moved = colors.clone();
  apply(transform, colors, moved);
  return (moved.narrow(1, 0, 3).to(at::kInt) - colors.narrow(1, 0, 3)).abs().max().item<int>() <= 1;
}

/// What Pillow's convert("RGB") makes of inks: (255 − k) − round(c (255 − k) / 255).
at::Tensor mix_inks(const at::Tensor& cmyk) {
  const at::Tensor out = at::empty({cmyk.size(0), cmyk.size(1), 3}, at::kByte);
  const auto* in = cmyk.const_data_ptr<uint8_t>();
  auto* rgb = out.mutable_data_ptr<uint8_t>();
  for (const auto* const end = in + cmyk.numel(); in != end; in += 4) {
    const int light = 255 - in[3];
    for (int c = 0; c < 3; ++c) {
      const int product = in[c] * light + 128;
      *rgb++ = static_cast<uint8_t>(light - (((product >> 8) + product) >> 8));
    }
  }
  return out;
}

/// As Pillow's convert("RGB") does. A profile adds nothing: these are the colors themselves.
void lab_to_srgb(const at::Tensor& pixels) {
  const Profile lab(cmsCreateLab2Profile(nullptr)), srgb(cmsCreate_sRGBProfile());
  const auto beside = EXTRA_SH(static_cast<cmsUInt32Number>(pixels.size(2)) - 3);
  const Transform transform(cmsCreateTransform(lab.get(), COLORSPACE_SH(PT_LabV2) | CHANNELS_SH(3) | beside | BYTES_SH(1), srgb.get(),
                                               TYPE_RGB_8 | beside, INTENT_PERCEPTUAL, 0));
  apply(transform, pixels, pixels);
}

}  // namespace

at::Tensor to_srgb(const Picture& picture) {
  const int64_t channels = picture.pixels.size(2);
  if (picture.space == Picture::Space::kCmyk) {
    const Transform transform = picture.profile.empty() ? Transform() : transform_to_srgb(picture, channels, 3);
    if (!transform) return mix_inks(picture.pixels);
    const at::Tensor out = at::empty({picture.pixels.size(0), picture.pixels.size(1), 3}, at::kByte);
    apply(transform, picture.pixels, out);
    return out;
  }
  if (picture.space == Picture::Space::kLab) {
    lab_to_srgb(picture.pixels);
    return picture.pixels;
  }
  if (picture.profile.empty()) return picture.pixels;
  const Transform transform = transform_to_srgb(picture, channels, channels);
  if (transform && !is_srgb(transform, picture.space, channels)) apply(transform, picture.pixels, picture.pixels);
  return picture.pixels;
}

std::string display_profile(double gamma, const Chromaticities& chromaticities) {
  const auto near = [](double a, double b) { return std::abs(a - b) < 0.005; };
  const bool srgb_curve = near(gamma, 1 / 2.2);
  if (srgb_curve && std::ranges::equal(chromaticities, kSrgbChromaticities, near)) return {};
  if (!(gamma > 0.05 && gamma < 20)) return {};
  constexpr std::array<double, 5> kSrgbCurve{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  const std::unique_ptr<cmsToneCurve, decltype(&cmsFreeToneCurve)> curve(
      srgb_curve ? cmsBuildParametricToneCurve(nullptr, 4, kSrgbCurve.data()) : cmsBuildGamma(nullptr, 1 / gamma), &cmsFreeToneCurve);
  const auto& [white_x, white_y, red_x, red_y, green_x, green_y, blue_x, blue_y] = chromaticities;
  const cmsCIExyY white{white_x, white_y, 1};
  const cmsCIExyYTRIPLE primaries{{red_x, red_y, 1}, {green_x, green_y, 1}, {blue_x, blue_y, 1}};
  const std::array<cmsToneCurve*, 3> curves{curve.get(), curve.get(), curve.get()};
  const Profile profile(white_y > 0 && red_y > 0 && green_y > 0 && blue_y > 0 ? cmsCreateRGBProfile(&white, &primaries, curves.data())
                                                                              : nullptr);
  cmsUInt32Number size = 0;
  if (!profile || cmsSaveProfileToMem(profile.get(), nullptr, &size) == 0) return {};
  std::string bytes(size, '\0');
  return cmsSaveProfileToMem(profile.get(), bytes.data(), &size) != 0 ? bytes : std::string();
}

}  // namespace secgan::detail
