#include "secgan/data/synthetic_faces.hpp"

#include <ATen/ATen.h>

#include <array>

#include "core/format.hpp"
#include "data/canvas.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/random.hpp"
#include "secgan/core/shape.hpp"

namespace secgan {
namespace {

using namespace drawing;

enum Attribute { kBald, kBangs, kBlackHair, kBlondHair, kEyeglasses, kMale, kMouthOpen, kMustache, kPaleSkin, kAttributes };
enum Class { kSkin, kEyebrows, kEyes, kGlasses, kEars, kEarrings, kNose, kMouth, kLips, kNeck, kHair, kOthers };

/// A stream of numbers from one seed.
class Dice {
 public:
  explicit Dice(uint64_t seed) : seed_(seed) {}
  float uniform(float low, float high) { return low + (high - low) * static_cast<float>(mix_seed(seed_, counter_++) >> 40) * 0x1p-24f; }
  bool chance(float share) { return uniform(0, 1) < share; }
  int pick(int count) { return std::min(static_cast<int>(uniform(0, static_cast<float>(count))), count - 1); }
  Color pick(std::initializer_list<Color> colors, float jitter) {
    const Color c = *(colors.begin() + pick(static_cast<int>(colors.size())));
    const float shade = uniform(-jitter, jitter);
    return {c.r + shade + uniform(-jitter, jitter) / 3, c.g + shade, c.b + shade + uniform(-jitter, jitter) / 3};
  }

 private:
  uint64_t seed_;
  uint64_t counter_ = 0;
};

constexpr Color rgb(int r, int g, int b) { return {static_cast<float>(r) / 255, static_cast<float>(g) / 255, static_cast<float>(b) / 255}; }

/// A person and how they are seen. Everything is drawn from the dice whatever the labels are, in one order.
struct Person {
  // Pose: origin in sides of the picture, the head's half height in sides, radians, and how far features turn.
  Point center;
  float scale, tilt, yaw;
  // Shape, in half heights of the head.
  float width, eye_distance, eye_size, eye_height, brow_lift, nose_length, nose_width, mouth_width, mouth_height, lip, ear;
  Color skin, pale, hair, black, blond, iris, lips, shirt, frame, earring;
  float volume, length, fringe, parting, light, brightness;
  bool earrings, round_glasses, stubble_dark;
  float glasses_size, moustache_width, teeth;
  Color background, background2;
  int background_kind;
  float background_angle;

  explicit Person(uint64_t identity) {
    Dice dice(identity);
    center = {0.5f + dice.uniform(-0.045f, 0.045f), 0.50f + dice.uniform(-0.03f, 0.035f)};
    scale = dice.uniform(0.325f, 0.375f);
    tilt = dice.uniform(-0.13f, 0.13f);
    yaw = dice.uniform(-1, 1);
    width = dice.uniform(0.70f, 0.80f);
    eye_distance = dice.uniform(0.29f, 0.34f);
    eye_size = dice.uniform(0.125f, 0.155f);
    eye_height = dice.uniform(-0.06f, 0.02f);
    brow_lift = dice.uniform(0.19f, 0.25f);
    nose_length = dice.uniform(0.28f, 0.36f);
    nose_width = dice.uniform(0.10f, 0.14f);
    mouth_width = dice.uniform(0.23f, 0.30f);
    mouth_height = dice.uniform(0.56f, 0.63f);
    lip = dice.uniform(0.055f, 0.08f);
    ear = dice.uniform(0.14f, 0.18f);
    skin =
        dice.pick({rgb(226, 172, 134), rgb(210, 152, 112), rgb(190, 128, 90), rgb(160, 104, 72), rgb(126, 80, 56), rgb(98, 62, 46)}, 0.03f);
    pale = dice.pick({rgb(250, 229, 220), rgb(247, 225, 210), rgb(248, 232, 226)}, 0.015f);
    hair = dice.pick({rgb(112, 68, 40), rgb(134, 84, 50), rgb(152, 66, 38), rgb(158, 158, 164), rgb(138, 138, 142)}, 0.03f);
    black = dice.pick({rgb(30, 26, 28), rgb(24, 24, 32), rgb(38, 30, 30)}, 0.015f);
    blond = dice.pick({rgb(236, 204, 112), rgb(244, 220, 146), rgb(226, 188, 94)}, 0.03f);
    iris = dice.pick({rgb(88, 56, 34), rgb(70, 110, 150), rgb(80, 120, 84), rgb(50, 38, 32)}, 0.03f);
    lips = dice.pick({rgb(188, 84, 84), rgb(204, 96, 100), rgb(172, 72, 80), rgb(196, 92, 84)}, 0.03f);
    shirt =
        dice.pick({rgb(70, 100, 150), rgb(150, 70, 74), rgb(84, 130, 104), rgb(90, 84, 110), rgb(214, 208, 196), rgb(60, 64, 72)}, 0.05f);
    frame = dice.pick({rgb(26, 26, 30), rgb(92, 46, 30), rgb(150, 34, 44), rgb(30, 60, 120)}, 0.02f);
    earring = dice.pick({rgb(240, 196, 60), rgb(222, 226, 234), rgb(70, 180, 170)}, 0.02f);
    volume = dice.uniform(0.10f, 0.20f);
    length = dice.uniform(0.40f, 0.90f);
    fringe = dice.uniform(-0.30f, -0.22f);
    parting = dice.uniform(-0.35f, 0.35f);
    light = dice.uniform(-1, 1);
    brightness = dice.uniform(0.92f, 1.05f);
    earrings = dice.chance(0.75f);
    round_glasses = dice.chance(0.5f);
    stubble_dark = dice.chance(0.5f);
    glasses_size = dice.uniform(0.24f, 0.28f);
    moustache_width = dice.uniform(0.26f, 0.33f);
    teeth = dice.uniform(0.35f, 0.55f);
    background = backdrop(dice);
    background2 = backdrop(dice);
    background_kind = dice.pick(4);
    background_angle = dice.uniform(0, 6.28f);
  }

  /// Muted, so that it is not taken for hair or skin.
  static Color backdrop(Dice& dice) {
    const float hue = dice.uniform(0, 6), value = dice.uniform(0.55f, 0.95f), saturation = dice.uniform(0.10f, 0.42f);
    const auto channel = [&](float shift) {
      const float h = std::fmod(hue + shift, 6.0f);
      return value * (1 - saturation * std::clamp(std::min(h, 4 - h), 0.0f, 1.0f));
    };
    return {channel(5), channel(3), channel(1)};
  }
};

class Painter {
 public:
  Painter(const Person& person, const std::array<bool, kAttributes>& shows, int side)
      : p_(person),
        shows_(shows),
        canvas_(side, kOthers),
        pixel_(1 / (person.scale * static_cast<float>(side))),
        skin_(shows[kPaleSkin] ? p_.pale : p_.skin),
        hair_(hair_of(person, shows)),
        // Stubble, brows and moustache of the bald keep the hair that is gone.
        brow_(mix(hair_, rgb(40, 28, 24), shows[kBlondHair] ? 0.35f : 0.45f)),
        male_(shows[kMale]),
        long_hair_(!male_ && !shows[kBald]),
        turn_(0.07f * p_.yaw) {}

  const Canvas& draw() {
    paint_background();
    canvas_.place(p_.center, p_.scale, p_.tilt * 0.4f);
    paint_body();
    canvas_.place(p_.center, p_.scale, p_.tilt);
    if (long_hair_) paint_long_hair();
    paint_ears();
    paint_head();
    paint_nose();
    paint_mouth();
    if (shows_[kMustache]) paint_moustache();
    for (const float side : {-1.0f, 1.0f}) paint_eye(side);
    if (!shows_[kBald]) paint_hair();
    for (const float side : {-1.0f, 1.0f}) paint_brow(side);
    if (shows_[kBangs]) paint_bangs();
    if (!male_ && p_.earrings) paint_earrings();
    if (shows_[kEyeglasses]) paint_glasses();
    return canvas_;
  }

 private:
  static constexpr float kFar = 3;

  /// Light from one side, over everything that belongs to the person.
  Color lit(Color c, Point at) const { return (p_.brightness * (1 + 0.16f * p_.light * at.x - 0.05f * at.y)) * c; }
  auto paint(Color c) const {
    return [this, c](Point at) { return lit(c, at); };
  }
  static Bounds around(Point center, float x, float y) { return {center - Point{x, y}, center + Point{x, y}}; }
  /// Features sit on a round head: turning it moves them, and squeezes the far side.
  Point feature(float x, float y, float depth = 1) const { return {x * (1 - 0.10f * std::abs(turn_) * 4) + turn_ * depth, y}; }
  float eye_x(float side) const { return side * p_.eye_distance * (1 + side * turn_ * 0.6f); }

  void paint_background() {
    canvas_.place({0, 0}, 1, 0);
    const Point across{std::cos(p_.background_angle), std::sin(p_.background_angle)};
    const auto everywhere = [](Point) { return -1.0f; };
    const Color a = p_.background, b = mix(p_.background, p_.background2, 0.6f);
    canvas_.fill(
        {{0, 0}, {1, 1}}, everywhere,
        [&](Point at) {
          const float t = across.x * (at.x - 0.5f) + across.y * (at.y - 0.5f);
          switch (p_.background_kind) {
            case 0: return a;
            case 1: return mix(a, b, std::clamp(t + 0.5f, 0.0f, 1.0f));
            case 2: return mix(a, b, std::clamp(0.5f + 1.6f * std::sin(14 * t), 0.0f, 1.0f) * 0.6f);
            default: return mix(b, a, std::clamp(2.6f * length(at - Point{0.5f + 0.3f * across.x, 0.3f}) - 0.3f, 0.0f, 1.0f));
          }
        },
        Canvas::kKeepClass);
  }

  void paint_body() {
    const float neck = male_ ? 0.40f : 0.31f, shoulders = male_ ? 1.30f : 1.08f;
    const auto body = [&](Point at) { return rounded_box(at - Point{0, 2.15f}, {shoulders, 0.85f}, 0.5f); };
    canvas_.fill(around({0, 2.15f}, shoulders, 0.85f), body, paint(p_.shirt), kOthers);
    const auto throat = [&](Point at) { return rounded_box(at - Point{0, 0.95f}, {neck, 0.52f}, 0.18f); };
    canvas_.fill(around({0, 0.95f}, neck, 0.52f), throat, paint(0.84f * skin_), kNeck);
    const auto collar = [&](Point at) { return ellipse(at - Point{0, 1.30f}, {neck * 1.15f, 0.24f}); };
    canvas_.fill(around({0, 1.30f}, neck * 1.15f, 0.24f), collar, paint(0.88f * skin_), kNeck);
  }

  void paint_long_hair() {
    const float x = p_.width + p_.volume + 0.06f;
    const auto mane = [&](Point at) {
      return rounded_box(at - Point{0, 0.5f * (p_.length - 0.2f)}, {x, 0.5f * (p_.length + 0.9f)}, 0.42f);
    };
    canvas_.fill(around({0, 0.5f * (p_.length - 0.2f)}, x, 0.5f * (p_.length + 0.9f)), mane, paint(0.86f * hair_), kHair);
    // The neck stands in front of it.
    const float neck = 0.31f;
    const auto throat = [&](Point at) { return rounded_box(at - Point{0, 0.95f}, {neck, 0.48f}, 0.14f); };
    canvas_.fill(around({0, 0.95f}, neck, 0.48f), throat, paint(0.84f * skin_), kNeck);
  }

  Point ear_center(float side) const { return {side * (p_.width + 0.02f) + 0.3f * turn_, 0.06f}; }

  void paint_ears() {
    for (const float side : {-1.0f, 1.0f}) {
      const Point center = ear_center(side);
      const Point radii{p_.ear * 0.72f, p_.ear * 1.25f};
      canvas_.fill(around(center, radii.x, radii.y), [&](Point at) { return ellipse(at - center, radii); }, paint(0.93f * skin_), kEars);
      const Point inner = center + Point{side * 0.02f, 0};
      canvas_.fill(
          around(inner, radii.x * 0.5f, radii.y * 0.55f), [&](Point at) { return ellipse(at - inner, 0.52f * radii); },
          paint(0.80f * skin_), Canvas::kKeepClass);
    }
  }

  /// Half an ellipse on top; below, a jaw that is squarer the higher the exponent.
  float head(Point at) const {
    const float jaw = male_ ? 2.75f : 2.15f;
    if (at.y <= 0) return ellipse(at, {p_.width, 1.0f});
    const float u = std::abs(at.x) / p_.width, v = at.y;
    const float pu = std::pow(u, jaw - 1), pv = std::pow(v, jaw - 1);
    const float f = pu * u + pv * v - 1;
    const float slope = jaw * length({pu / p_.width, pv});
    return slope > 1e-4f ? f / std::max(slope, 0.5f) : -0.5f;
  }

  void paint_head() {
    canvas_.fill(around({0, 0}, p_.width, 1), [&](Point at) { return head(at); }, paint(skin_), kSkin);
    // Cheeks, and the shade of the side away from the light.
    const Color blush = mix(skin_, rgb(214, 96, 90), 0.30f);
    for (const float side : {-1.0f, 1.0f}) {
      const Point cheek = feature(side * 0.43f, 0.33f);
      canvas_.fill(
          around(cheek, 0.3f, 0.2f), [&](Point at) { return ellipse(at - cheek, {0.16f, 0.11f}); }, paint(blush), Canvas::kKeepClass,
          0.55f);
    }
    if (male_) {
      const auto chin = [&](Point at) { return std::max(head(at), 0.80f - at.y + 0.25f * at.x * at.x); };
      canvas_.fill({{-1, 0.5f}, {1, 1}}, chin, paint(0.90f * skin_), Canvas::kKeepClass, 0.6f);
    }
  }

  void paint_nose() {
    const float top = p_.eye_height + 0.05f, bottom = top + p_.nose_length;
    const Point tip = feature(0, bottom - 0.05f, 1.7f), bridge = feature(0, top, 1.1f);
    // A wedge from bridge to wings.
    const auto wedge = [&](Point at) {
      const float t = std::clamp((at.y - bridge.y) / (tip.y - bridge.y), 0.0f, 1.0f);
      const float x = bridge.x + t * (tip.x - bridge.x);
      const float half = 0.045f + t * t * (p_.nose_width - 0.045f);
      return std::max({std::abs(at.x - x) - half, bridge.y - at.y, at.y - bottom});
    };
    canvas_.fill({{tip.x - 0.3f, bridge.y}, {tip.x + 0.3f, bottom}}, wedge, paint(0.93f * skin_), kNose);
    canvas_.fill(
        around(tip, p_.nose_width, 0.08f), [&](Point at) { return ellipse(at - tip, {p_.nose_width, 0.075f}); }, paint(0.88f * skin_),
        kNose);
    for (const float side : {-1.0f, 1.0f}) {
      const Point nostril = tip + Point{side * 0.5f * p_.nose_width, 0.035f};
      canvas_.fill(
          around(nostril, 0.05f, 0.05f), [&](Point at) { return ellipse(at - nostril, {0.028f, 0.022f}); }, paint(0.58f * skin_),
          Canvas::kKeepClass);
    }
  }

  void paint_mouth() {
    const Point center = feature(0, p_.mouth_height, 1.2f);
    const float half = p_.mouth_width * (male_ ? 1 : 0.92f), lip = p_.lip * (male_ ? 0.85f : 1.2f);
    const Color lips = male_ ? mix(p_.lips, skin_, 0.42f) : mix(p_.lips, 0.9f * skin_, 0.12f);
    if (shows_[kMouthOpen]) {
      const float open = 0.13f;
      canvas_.fill(
          around(center, half, open + lip), [&](Point at) { return ellipse(at - center, {half, open + 0.8f * lip}); }, paint(lips), kLips);
      const auto inside = [&](Point at) { return ellipse(at - center, {half - 0.7f * lip, open - 0.1f * lip}); };
      canvas_.fill(around(center, half, open), inside, paint(rgb(92, 26, 32)), kMouth);
      const auto teeth = [&](Point at) { return std::max(inside(at) + 0.008f, at.y - (center.y - open + 2 * open * p_.teeth)); };
      canvas_.fill(around(center, half, open), teeth, paint(rgb(246, 242, 236)), kMouth);
      return;
    }
    // Upper lip with a bow, lower lip fuller; a dark line between them.
    const auto lips_shape = [&](Point at) {
      const Point q = at - center;
      const float bow = 0.02f * std::exp(-60 * q.x * q.x);
      return ellipse({q.x, q.y + (q.y < 0 ? -bow * 0 : 0)}, {half, q.y < 0 ? lip * 1.0f - bow : lip * 1.25f});
    };
    canvas_.fill(around(center, half, 1.4f * lip), lips_shape, paint(lips), kLips);
    const auto between = [&](Point at) {
      const Point q = at - center;
      return std::max(std::abs(q.y - 0.012f * std::cos(9 * q.x)) - 0.5f * std::max(0.022f, 0.7f * pixel_), std::abs(q.x) - 0.86f * half);
    };
    canvas_.fill(around(center, half, 0.06f), between, paint(0.55f * lips), kLips);
  }

  void paint_moustache() {
    const Point center = feature(0, p_.mouth_height - p_.lip - (shows_[kMouthOpen] ? 0.175f : 0.115f), 1.3f);
    const Color color = shows_[kBald] ? rgb(52, 38, 32) : mix(hair_, rgb(36, 24, 20), 0.55f);
    const auto shape = [&](Point at) {
      float nearest = kFar;
      for (const float side : {-1.0f, 1.0f}) {
        const Point a = center + Point{side * 0.05f, -0.005f}, b = center + Point{side * p_.moustache_width, 0.07f};
        const float t = std::clamp((side * (at.x - center.x) - 0.05f) / (p_.moustache_width - 0.05f), 0.0f, 1.0f);
        nearest = std::min(nearest, segment(at, a, b, 0.092f - 0.05f * t));
      }
      return nearest;
    };
    canvas_.fill(around(center, 0.5f, 0.25f), shape, paint(color), kSkin);
  }

  void paint_eye(float side) {
    const Point center = feature(eye_x(side), p_.eye_height);
    const Point radii{p_.eye_size * (1 + 0.25f * side * turn_ * 4), p_.eye_size * (male_ ? 0.60f : 0.70f)};
    const auto shape = [&](Point at) { return ellipse(at - center, radii); };
    canvas_.fill(around(center, radii.x, radii.y), shape, paint(rgb(250, 250, 248)), kEyes);
    const Point iris = center + Point{0.35f * turn_, 0.0f};
    const float size = radii.y * 0.86f;
    canvas_.fill(around(iris, size, size), [&](Point at) { return std::max(length(at - iris) - size, shape(at)); }, paint(p_.iris), kEyes);
    canvas_.fill(around(iris, size, size), [&](Point at) { return length(at - iris) - 0.5f * size; }, paint(rgb(18, 14, 14)), kEyes);
    const Point glint = iris + Point{-0.3f * size, -0.35f * size};
    canvas_.fill(
        around(glint, size, size), [&](Point at) { return length(at - glint) - 0.26f * size; }, [](Point) { return rgb(255, 255, 255); },
        kEyes);
    // The upper lid; lashes make it heavier.
    const float lid = std::max(male_ ? 0.022f : 0.04f, 0.9f * pixel_);
    const auto upper = [&](Point at) { return std::max(std::abs(shape(at)) - 0.5f * lid, at.y - center.y + 0.15f * radii.y); };
    canvas_.fill(around(center, radii.x + lid, radii.y + lid), upper, paint(rgb(40, 28, 26)), kEyes);
  }

  void paint_brow(float side) {
    const Point center = feature(eye_x(side), p_.eye_height - p_.brow_lift);
    const float thick = std::max(male_ ? 0.048f : 0.030f, 0.75f * pixel_), half = p_.eye_size * 1.18f;
    const auto shape = [&](Point at) {
      const Point q = at - center;
      const float arch = (male_ ? 0.03f : 0.055f) * (1 - (q.x / half) * (q.x / half));
      return segment({q.x, q.y + arch}, {-half, 0}, {half, 0}, thick);
    };
    canvas_.fill(around(center, half + thick, 0.16f), shape, paint(shows_[kBald] ? rgb(70, 52, 44) : brow_), kEyebrows);
  }

  /// Hair around an opening for the face: what lies in the cap and not in the opening.
  void paint_hair() {
    const float x = p_.width + 0.6f * p_.volume, top = 1 + p_.volume;
    const float low = long_hair_ ? 0.62f : male_ ? -0.02f : 0.2f;
    const Point opening{p_.width - (long_hair_ ? 0.10f : 0.035f), 0.72f};
    const float opening_y = 0.16f;
    const auto shape = [&](Point at) {
      const float cap = at.y < 0 ? ellipse(at, {x, top}) : std::abs(at.x) - x;
      const float face =
          ellipse(at - Point{p_.parting * 0.12f + 0.5f * turn_, opening_y}, {opening.x, at.y < opening_y ? opening.y : 2.0f});
      return std::max({cap, -face, at.y - low});
    };
    // Strands: a little lighter along the parting.
    const auto color = [&](Point at) {
      const float shine = std::exp(-18 * (at.x - p_.parting) * (at.x - p_.parting)) * std::clamp(-at.y, 0.0f, 1.0f);
      return lit(mix(hair_, rgb(255, 250, 240), 0.13f * shine), at);
    };
    canvas_.fill({{-x, -top}, {x, low}}, shape, color, kHair);
  }

  void paint_bangs() {
    const float x = p_.width + 0.5f * p_.volume;
    const float lowest = p_.eye_height + p_.fringe + 0.04f;
    const auto shape = [&](Point at) {
      // Locks: a soft zigzag that hangs lower away from the parting.
      const float wave = 0.045f * std::abs(std::sin(7 * (at.x - p_.parting)));
      const float edge = lowest + wave - 0.10f * std::exp(-30 * (at.x - p_.parting) * (at.x - p_.parting));
      return std::max(ellipse(at, {x, 1 + p_.volume}), at.y - edge);
    };
    const auto color = [&](Point at) {
      const float lock = 0.5f + 0.5f * std::sin(14 * (at.x - p_.parting));
      return lit(mix(hair_, 0.8f * hair_, 0.7f * lock), at);
    };
    canvas_.fill({{-x, -1.2f}, {x, lowest + 0.06f}}, shape, color, kHair);
  }

  void paint_earrings() {
    for (const float side : {-1.0f, 1.0f}) {
      const Point at_lobe = ear_center(side) + Point{side * 0.02f, p_.ear * 1.25f + 0.06f};
      canvas_.fill(around(at_lobe, 0.1f, 0.1f), [&](Point at) { return length(at - at_lobe) - 0.075f; }, paint(p_.earring), kEarrings);
    }
  }

  void paint_glasses() {
    const float size = p_.glasses_size, thick = std::max(0.036f, 0.85f * pixel_);
    const std::array<Point, 2> centers{feature(eye_x(-1), p_.eye_height + 0.03f, 1.2f), feature(eye_x(1), p_.eye_height + 0.03f, 1.2f)};
    const auto lens = [&](Point at) {
      float nearest = kFar;
      for (const Point c : centers) {
        nearest = std::min(nearest, p_.round_glasses ? length(at - c) - size : rounded_box(at - c, {size * 1.08f, size * 0.78f}, 0.09f));
      }
      return nearest;
    };
    const auto wires = [&](Point at) {
      float nearest = std::abs(lens(at)) - thick;
      nearest = std::min(nearest, segment(at, centers[0] + Point{size, -0.03f}, centers[1] - Point{size, 0.03f}, thick));
      for (const size_t i : {0, 1}) {
        const float side = i == 0 ? -1.0f : 1.0f;
        nearest = std::min(nearest, segment(at, centers[i] + Point{side * size, -0.06f}, {ear_center(side).x, -0.07f}, 0.8f * thick));
      }
      return nearest;
    };
    const Bounds box{{-1.2f, p_.eye_height - 0.45f}, {1.2f, p_.eye_height + 0.5f}};
    canvas_.fill(
        box, lens, [](Point at) { return mix(rgb(196, 220, 236), rgb(255, 255, 255), std::clamp(0.5f - 2 * (at.x + at.y), 0.0f, 1.0f)); },
        kGlasses, 0.22f);
    canvas_.fill(box, wires, paint(p_.frame), kGlasses);
  }

  static Color hair_of(const Person& person, const std::array<bool, kAttributes>& shows) {
    if (shows[kBlackHair]) return person.black;
    return shows[kBlondHair] ? person.blond : person.hair;
  }

  const Person& p_;
  const std::array<bool, kAttributes>& shows_;
  Canvas canvas_;
  float pixel_;  // one pixel in half heights of the head
  Color skin_, hair_, brow_;
  bool male_, long_hair_;
  float turn_;
};

void check_labels(const std::array<bool, kAttributes>& shows) {
  if (static_cast<int>(shows[kBald]) + static_cast<int>(shows[kBlackHair]) + static_cast<int>(shows[kBlondHair]) > 1 ||
      (shows[kBald] && shows[kBangs])) {
    throw InvalidArgument("labels exclude one another: at most one of Bald, Black_Hair, Blond_Hair, and no Bangs when Bald");
  }
}

/// What a person shows; drawn apart from all else.
std::array<bool, kAttributes> drawn_labels(uint64_t identity) {
  Dice dice(mix_seed(identity, RandomPurpose::kDrawnLabels));
  std::array<bool, kAttributes> shows{};
  shows[kMale] = dice.chance(0.5f);
  const float hair = dice.uniform(0, 1);
  shows[kBald] = hair < 0.17f;
  shows[kBlackHair] = hair >= 0.17f && hair < 0.45f;
  shows[kBlondHair] = hair >= 0.45f && hair < 0.73f;
  shows[kBangs] = dice.chance(0.40f) && !shows[kBald];
  shows[kEyeglasses] = dice.chance(0.38f);
  shows[kMouthOpen] = dice.chance(0.5f);
  // Mostly but not only men, or the two attributes could not be distinguished.
  shows[kMustache] = dice.chance(shows[kMale] ? 0.45f : 0.15f);
  shows[kPaleSkin] = dice.chance(0.33f);
  return shows;
}

at::Tensor as_tensor(const std::array<bool, kAttributes>& shows) {
  at::Tensor labels = at::empty({kAttributes});
  for (size_t a = 0; a < kAttributes; ++a) labels.mutable_data_ptr<float>()[a] = shows[a] ? 1.0f : 0.0f;
  return labels;
}

Sample draw(uint64_t identity, const std::array<bool, kAttributes>& shows, int64_t image_size) {
  const Person person(identity);
  Painter painter(person, shows, static_cast<int>(image_size));
  const Canvas& canvas = painter.draw();
  Sample sample;
  sample.image = at::empty({3, image_size, image_size}, at::kByte);
  sample.mask = at::empty({image_size, image_size}, at::kByte);
  sample.labels = as_tensor(shows);
  const auto plane = image_size * image_size;
  auto* const image = sample.image.mutable_data_ptr<uint8_t>();
  // NOLINTNEXTLINE(bugprone-incorrect-roundings): never negative, and lround would draw other faces by a bit
  const auto byte = [](float v) { return static_cast<uint8_t>(std::clamp(v, 0.0f, 1.0f) * 255 + 0.5f); };
  for (int64_t i = 0; i < plane; ++i) {
    const Color& c = canvas.colors()[static_cast<size_t>(i)];
    image[i] = byte(c.r);
    image[plane + i] = byte(c.g);
    image[2 * plane + i] = byte(c.b);
  }
  std::copy(canvas.classes().begin(), canvas.classes().end(), sample.mask.mutable_data_ptr<uint8_t>());
  return sample;
}

}  // namespace

const std::vector<std::string>& synthetic_attribute_names() {
  static const std::vector<std::string> names = {
      "Bald", "Bangs", "Black_Hair", "Blond_Hair", "Eyeglasses", "Male", "Mouth_Slightly_Open", "Mustache", "Pale_Skin"};
  return names;
}

Sample draw_face(uint64_t identity, const at::Tensor& labels, int64_t image_size) {
  check_shape(labels, "labels", {kAttributes}, "[9]");
  if (image_size < kSmallestDrawn || image_size > kLargestDrawn)
    throw InvalidArgument(fmt::format("image_size must be from {} to {}, found {}", kSmallestDrawn, kLargestDrawn, image_size));
  std::array<bool, kAttributes> shows{};
  for (int64_t a = 0; a < kAttributes; ++a) shows[static_cast<size_t>(a)] = labels[a].item<float>() > 0.5f;
  check_labels(shows);
  Sample sample = draw(identity, shows, image_size);
  sample.id = fmt::format("{:016x}", identity);
  return sample;
}

SyntheticFaces::SyntheticFaces(SyntheticFacesOptions options) : options_(checked(options)), attributes_(synthetic_attribute_names()) {}

uint64_t SyntheticFaces::identity(int64_t index) const {
  if (index < 0 || index >= size()) throw InvalidArgument(fmt::format("index {} is not below {}", index, size()));
  return mix_seed(options_.seed, RandomPurpose::kIdentity, index);
}

at::Tensor SyntheticFaces::labels(int64_t index) const { return as_tensor(drawn_labels(identity(index))); }

Sample SyntheticFaces::get(int64_t index) const {
  const uint64_t person = identity(index);
  Sample sample = draw(person, drawn_labels(person), options_.image_size);
  sample.id = fmt::format("face{:06}", index);
  return sample;
}

}  // namespace secgan
