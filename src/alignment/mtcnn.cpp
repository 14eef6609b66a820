#include "secgan/alignment/mtcnn.hpp"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <utility>

#include "alignment/apart.hpp"
#include "core/dtype.hpp"
#include "core/format.hpp"
#include "secgan/alignment/warp.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/shape.hpp"
#include "secgan/nn/onnx.hpp"
#include "secgan/nn/state.hpp"

namespace secgan {
namespace mtcnn {

/// A convolution, PReLU, and a maximum over windows two apart.
struct ConvolutionPlan {
  int64_t channels = 0, kernel = 0;
  int64_t window = 0;  ///< of the maximum; 0: none
};

/// One of the three networks: convolutions, then a linear layer (the first network is convolutions alone, so that it takes any size),
/// then heads.
struct NetworkPlan {
  std::vector<ConvolutionPlan> convolutions;
  int64_t flat = 0, dense = 0;  ///< the linear layer's features; 0: none
  int64_t heads = 2;            ///< face or none; the box's corrections; the five points
};

static const NetworkPlan& proposal_plan() {
  static const NetworkPlan plan{{{10, 3, 2}, {16, 3, 0}, {32, 3, 0}}};
  return plan;
}
static const NetworkPlan& refinement_plan() {
  static const NetworkPlan plan{{{28, 3, 3}, {48, 3, 3}, {64, 2, 0}}, 576, 128};
  return plan;
}
static const NetworkPlan& output_plan() {
  static const NetworkPlan plan{{{32, 3, 3}, {64, 3, 3}, {64, 3, 2}, {128, 2, 0}}, 1152, 256, 3};
  return plan;
}

/// What the heads say of each window, or of each cell of a picture.
struct Judged {
  at::Tensor score;   ///< [N, ...] probability of a face
  at::Tensor boxes;   ///< [N, 4, ...] corrections of the box's sides, in shares of it
  at::Tensor points;  ///< [N, 10] x of the five, then y, in shares of the box; the last network's
};

class StageImpl : public torch::nn::Module {
 public:
  explicit StageImpl(const NetworkPlan& plan) : plan_(plan) {
    int64_t channels = 3, number = 0;
    for (const auto& [out, kernel, window] : plan.convolutions) {
      ++number;
      convolutions_.push_back(
          register_module(fmt::format("conv{}", number), torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, out, kernel))));
      slopes_.push_back(prelu(number, out));
      channels = out;
    }
    ++number;
    if (plan.dense > 0) {
      dense_ = register_module(fmt::format("dense{}", number), torch::nn::Linear(plan.flat, plan.dense));
      slopes_.push_back(prelu(number, plan.dense));
      ++number;
    }
    for (int64_t head = 0; head < plan.heads; ++head) {
      constexpr std::array<int64_t, 3> kOutputs{2, 4, 10};
      const int64_t outputs = kOutputs.at(static_cast<size_t>(head));
      if (plan.dense > 0) {
        linear_heads_.push_back(register_module(fmt::format("dense{}_{}", number, head + 1), torch::nn::Linear(plan.dense, outputs)));
      } else {
        heads_.push_back(
            register_module(fmt::format("conv{}_{}", number, head + 1), torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, outputs, 1))));
      }
    }
    eval();
  }

  Judged forward(const at::Tensor& input) {
    at::Tensor x = input;
    for (size_t i = 0; i < convolutions_.size(); ++i) {
      x = slopes_[i](convolutions_[i](x));
      const int64_t window = plan_.convolutions[i].window;
      if (window > 0) x = at::max_pool2d(x, {window, window}, {2, 2}, {0, 0}, {1, 1}, /*ceil_mode=*/true);
    }
    std::vector<at::Tensor> out;
    if (plan_.dense > 0) {
      // The weights are of a framework that flattens columns first.
      x = slopes_.back()(dense_(x.permute({0, 3, 2, 1}).flatten(1)));
      for (auto& head : linear_heads_) out.push_back(head(x));
    } else {
      for (auto& head : heads_) out.push_back(head(x));
    }
    return {at::softmax(out[0], 1).select(1, 1), out[1], out.size() > 2 ? out[2] : at::Tensor()};
  }

 private:
  torch::nn::PReLU prelu(int64_t number, int64_t channels) {
    return register_module(fmt::format("prelu{}", number), torch::nn::PReLU(torch::nn::PReLUOptions().num_parameters(channels)));
  }

  NetworkPlan plan_;
  std::vector<torch::nn::Conv2d> convolutions_, heads_;
  std::vector<torch::nn::PReLU> slopes_;
  std::vector<torch::nn::Linear> linear_heads_;
  torch::nn::Linear dense_{nullptr};
};
TORCH_MODULE(Stage);

}  // namespace mtcnn

namespace {

using mtcnn::Judged;
using mtcnn::Stage;

constexpr int64_t kCell = 12, kRefined = 24, kOutput = 48;  // sides that the networks take; the first sees a cell at every second pixel
constexpr int64_t kStride = 2;

/// Boxes in the order of the arithmetic: [N, 4] left, top, right, bottom.
at::Tensor column(const at::Tensor& boxes, int64_t which) { return boxes.select(1, which); }

/// Greedy non-maximum suppression: of boxes that share more than `most` the surest stays.
/// @param boxes [N, 4]   @param scores [N]
/// @param of_smaller  the share is of the smaller box, pixels counted with both ends; else of the union
/// @return places of those that stay, the surest first
std::vector<int64_t> suppressed(const at::Tensor& boxes, const at::Tensor& scores, double most, bool of_smaller) {
  const at::Tensor corners = boxes.contiguous(), order = at::argsort(scores, /*stable=*/true, 0, /*descending=*/true);
  const auto at = corners.accessor<float, 2>();
  const auto places = order.accessor<int64_t, 1>();
  const float end = of_smaller ? 1 : 0;
  const auto area = [&](int64_t i) { return (at[i][2] - at[i][0] + end) * (at[i][3] - at[i][1] + end); };
  std::vector<int64_t> kept;
  for (int64_t n = 0; n < order.size(0); ++n) {
    const int64_t one = places[n];
    const bool stays = std::ranges::none_of(kept, [&](int64_t other) {
      const float width = std::min(at[one][2], at[other][2]) - std::max(at[one][0], at[other][0]) + end;
      const float height = std::min(at[one][3], at[other][3]) - std::max(at[one][1], at[other][1]) + end;
      const float shared = std::max(width, 0.0F) * std::max(height, 0.0F);
      const float whole = of_smaller ? std::min(area(one), area(other)) : area(one) + area(other) - shared;
      return static_cast<double>(shared / whole) > most;
    });
    if (stays) kept.push_back(one);
  }
  return kept;
}

at::Tensor places_of(const std::vector<int64_t>& places) { return at::tensor(places, at::kLong); }

/// Squares around the boxes' centers, as long as the longer side.
at::Tensor squares(const at::Tensor& boxes) {
  const at::Tensor width = column(boxes, 2) - column(boxes, 0), height = column(boxes, 3) - column(boxes, 1);
  const at::Tensor side = at::maximum(width, height);
  const at::Tensor left = column(boxes, 0) + width * 0.5 - side * 0.5, top = column(boxes, 1) + height * 0.5 - side * 0.5;
  return at::stack({left, top, left + side, top + side}, 1);
}

/// Boxes moved by a network's corrections; sides are counted with both ends where `end` is 1.
at::Tensor corrected(const at::Tensor& boxes, const at::Tensor& by, double end) {
  const at::Tensor width = column(boxes, 2) - column(boxes, 0) + end, height = column(boxes, 3) - column(boxes, 1) + end;
  return at::stack({column(boxes, 0) + column(by, 0) * width, column(boxes, 1) + column(by, 1) * height,
                    column(boxes, 2) + column(by, 2) * width, column(boxes, 3) + column(by, 3) * height},
                   1);
}

/// Averages over areas, as OpenCV's INTER_AREA and at::adaptive_avg_pool2d, of bytes: a photo in float32 takes four times their memory.
/// @param picture [3, H, W] uint8, the pixels of a row side by side   @return [1, 3, height, width] float32
at::Tensor resampled(const at::Tensor& picture, int64_t height, int64_t width) {
  const int64_t rows = picture.size(1), columns = picture.size(2);
  // Where an area begins or, rounded up, the one before ends.
  const auto begin = [](int64_t i, int64_t given, int64_t wanted) { return i * given / wanted; };
  const auto end = [](int64_t i, int64_t given, int64_t wanted) { return ((i + 1) * given + wanted - 1) / wanted; };
  constexpr int64_t kPixelsOfAThread = int64_t{1} << 18;
  const int64_t grain = std::max<int64_t>(kPixelsOfAThread * height / std::max<int64_t>(rows * columns, 1), 1);
  at::Tensor out = at::empty({1, 3, height, width});
  for (int64_t channel = 0; channel < 3; ++channel) {
    const uint8_t* const pixels = picture.const_data_ptr<uint8_t>() + channel * picture.stride(0);
    float* const means = out.mutable_data_ptr<float>() + channel * height * width;
    at::parallel_for(0, height, grain, [&](int64_t first, int64_t last) {
      std::vector<uint32_t> sums(static_cast<size_t>(columns));
      for (int64_t i = first; i < last; ++i) {
        std::ranges::fill(sums, 0);
        const int64_t top = begin(i, rows, height), bottom = end(i, rows, height);
        for (int64_t y = top; y < bottom; ++y) {
          const uint8_t* const row = pixels + y * picture.stride(1);
          std::transform(sums.begin(), sums.end(), row, sums.begin(), std::plus<uint32_t>());
        }
        for (int64_t j = 0; j < width; ++j) {
          const int64_t left = begin(j, columns, width), right = end(j, columns, width);
          const uint64_t sum = std::accumulate(sums.begin() + left, sums.begin() + right, uint64_t{0});
          means[i * width + j] = static_cast<float>(sum) / static_cast<float>(bottom - top) / static_cast<float>(right - left);
        }
      }
    });
  }
  return out;
}

at::Tensor centered(const at::Tensor& picture) { return (picture - 127.5) * 0.0078125; }

/// Windows of the picture, where the boxes are cut off at its edges.
/// @param picture [3, H, W] uint8   @param boxes [N, 4]; those without a pixel in the picture are dropped
/// @return [N, 3, side, side]; undefined for none
at::Tensor windows(const at::Tensor& picture, at::Tensor& boxes, int64_t side) {
  const int64_t height = picture.size(1), width = picture.size(2);
  const at::Tensor whole = boxes.trunc().to(at::kLong).contiguous();
  const auto at = whole.accessor<int64_t, 2>();
  std::vector<at::Tensor> out;
  std::vector<int64_t> inside;
  for (int64_t n = 0; n < whole.size(0); ++n) {
    // The boxes count from 1, with both ends.
    const int64_t left = std::max<int64_t>(at[n][0], 1) - 1, top = std::max<int64_t>(at[n][1], 1) - 1;
    const int64_t right = std::min(at[n][2], width), bottom = std::min(at[n][3], height);
    if (right <= left || bottom <= top) continue;
    inside.push_back(n);
    out.push_back(resampled(picture.narrow(1, top, bottom - top).narrow(2, left, right - left), side, side));
  }
  if (out.empty()) return {};
  boxes = boxes.index_select(0, places_of(inside));
  return centered(at::cat(out));
}

/// What is left of a network's windows.
struct Candidates {
  at::Tensor boxes, scores;  ///< [N, 4] and [N]
  at::Tensor corrections, points;

  int64_t size() const { return boxes.defined() ? boxes.size(0) : 0; }
  void keep(const at::Tensor& places) {
    for (at::Tensor* part : {&boxes, &scores, &corrections, &points}) {
      if (part->defined()) *part = part->index_select(0, places);
    }
  }
};

}  // namespace

class MtcnnNetworks : public torch::nn::Module {
 public:
  MtcnnNetworks()
      : proposal(register_module("pnet", Stage(mtcnn::proposal_plan()))),
        refinement(register_module("rnet", Stage(mtcnn::refinement_plan()))),
        output(register_module("onet", Stage(mtcnn::output_plan()))) {}

  // NOLINTBEGIN(cppcoreguidelines-non-private-member-variables-in-classes): of this file alone
  Stage proposal, refinement, output;
  // NOLINTEND(cppcoreguidelines-non-private-member-variables-in-classes)
};

namespace {

/// Cells of the picture at one scale that look like a face.
Candidates proposals_at(MtcnnNetworks& networks, const at::Tensor& picture, double scale, double threshold) {
  const auto scaled = [&](int64_t length) { return static_cast<int64_t>(static_cast<double>(length) * scale + 1); };
  const Judged judged = networks.proposal->forward(centered(resampled(picture, scaled(picture.size(1)), scaled(picture.size(2)))));
  const at::Tensor likely = judged.score[0] >= threshold;
  const at::Tensor cells = likely.nonzero();  // [N, 2] y, x
  const at::Tensor first = cells.flip(1).to(at::kFloat) * kStride;
  Candidates out{.boxes = at::cat({((first + 1) / scale).floor(), ((first + kCell) / scale).floor()}, 1),
                 .scores = judged.score[0].masked_select(likely),
                 .corrections = judged.boxes[0].permute({1, 2, 0}).index({likely})};
  out.keep(places_of(suppressed(out.boxes, out.scores, 0.5, false)));
  return out;
}

Candidates proposals(MtcnnNetworks& networks, const at::Tensor& picture, double smallest, const MtcnnOptions& options) {
  double scale = static_cast<double>(kCell) / smallest;
  double shorter = static_cast<double>(std::min(picture.size(1), picture.size(2))) * scale;
  std::vector<at::Tensor> boxes, scores, corrections;
  for (; shorter >= kCell; shorter *= options.factor, scale *= options.factor) {
    const Candidates found = proposals_at(networks, picture, scale, options.thresholds[0]);
    boxes.push_back(found.boxes);
    scores.push_back(found.scores);
    corrections.push_back(found.corrections);
  }
  if (boxes.empty()) return {};
  Candidates out{.boxes = at::cat(boxes), .scores = at::cat(scores), .corrections = at::cat(corrections)};
  out.keep(places_of(suppressed(out.boxes, out.scores, 0.7, false)));
  out.boxes = squares(corrected(out.boxes, out.corrections, 0));
  return out;
}

/// Judges the candidates' windows and drops those below the threshold.
Candidates judged_by(Stage& network, const at::Tensor& picture, Candidates given, int64_t side, double threshold) {
  const at::Tensor input = windows(picture, given.boxes, side);
  if (!input.defined()) return {};
  constexpr int64_t kAtOnce = 512;
  std::vector<at::Tensor> scores, corrections, points;
  for (const at::Tensor& part : input.split(kAtOnce)) {
    const Judged judged = network->forward(part);
    scores.push_back(judged.score);
    corrections.push_back(judged.boxes);
    if (judged.points.defined()) points.push_back(judged.points);
  }
  Candidates out{.boxes = given.boxes, .scores = at::cat(scores), .corrections = at::cat(corrections)};
  if (!points.empty()) out.points = at::cat(points);
  out.keep((out.scores > threshold).nonzero().squeeze(1));
  return out;
}

/// @param points [N, 10] in shares of the boxes   @return in pixels, as the boxes are: from 1
at::Tensor placed(const at::Tensor& points, const at::Tensor& boxes) {
  const at::Tensor width = column(boxes, 2) - column(boxes, 0) + 1, height = column(boxes, 3) - column(boxes, 1) + 1;
  const at::Tensor x = width.unsqueeze(1) * points.narrow(1, 0, 5) + column(boxes, 0).unsqueeze(1) - 1;
  const at::Tensor y = height.unsqueeze(1) * points.narrow(1, 5, 5) + column(boxes, 1).unsqueeze(1) - 1;
  return at::cat({x, y}, 1);
}

std::vector<Face> faces_of(const Candidates& found) {
  std::vector<Face> out;
  const at::Tensor boxes = found.boxes.to(at::kDouble).contiguous(), points = found.points.to(at::kDouble).contiguous();
  const auto box = boxes.accessor<double, 2>(), point = points.accessor<double, 2>();
  for (int64_t n = 0; n < found.size(); ++n) {
    Face& face = out.emplace_back(Face{box[n][0], box[n][1], box[n][2], box[n][3], found.scores[n].item<double>(), {}});
    for (int64_t p = 0; p < 5; ++p) face.points.at(static_cast<size_t>(p)) = {point[n][p], point[n][p + 5]};
  }
  return out;
}

/// The points that the last network sees where the face is cut out upright, on average over that picture and its mirror image.
/// @param points  where the face was found
/// @return nothing where the network sees none, or one elsewhere
/// @throws InvalidArgument for points that are none of a face in the photo
std::optional<FivePoints> seen_upright(Stage& network, const at::Tensor& photo, const FivePoints& points, double threshold) {
  static const FaceLayout layout = Mtcnn::window();
  const AlignedPlace place = aligned_place(align(points, layout), {0, 0, kOutput, kOutput});
  const at::Tensor window = centered(resampled(cut_out(photo, place).contiguous(), kOutput, kOutput));
  const Judged judged = network->forward(at::cat({window, window.flip(3)}));
  if (!(judged.score.min().item<double>() > threshold)) return {};
  const at::Tensor shares = judged.points.to(at::kDouble).contiguous();
  const auto at = shares.accessor<double, 2>();
  constexpr std::array<int64_t, 5> kMirrored{1, 0, 2, 4, 3};
  const Similarity to_photo = place.to_layout.inverse();
  FivePoints out;
  for (int64_t i = 0; i < 5; ++i) {
    const int64_t other = kMirrored.at(static_cast<size_t>(i));
    // Shares of the window, whose first pixel's center lies half a pixel from its edge.
    const double x = (at[0][i] + 1 - at[1][other]) / 2, y = (at[0][i + 5] + at[1][other + 5]) / 2;
    out.at(static_cast<size_t>(i)) = to_photo({x * kOutput - 0.5, y * kOutput - 0.5});
  }
  if (!(detail::apart(points, out) <= detail::kOneFace)) return {};
  return out;
}

}  // namespace

void MtcnnOptions::validate() const {
  if (!(smallest >= kCell)) throw InvalidArgument(fmt::format("smallest must be {} or more, found {}", kCell, smallest));
  if (!(smallest_share >= 0 && smallest_share <= 1))
    throw InvalidArgument(fmt::format("smallest_share must lie in [0, 1], found {}", smallest_share));
  if (!(factor > 0 && factor < 1)) throw InvalidArgument(fmt::format("factor must lie in (0, 1), found {}", factor));
  for (const double threshold : thresholds) {
    if (!(threshold >= 0 && threshold <= 1)) throw InvalidArgument(fmt::format("thresholds must lie in [0, 1], found {}", threshold));
  }
}

Mtcnn::Mtcnn(const MtcnnOptions& options) : options_(options), networks_(std::make_shared<MtcnnNetworks>()) { options.validate(); }

FaceLayout Mtcnn::window() {
  // In eye distances: along a side, and from the points' middle up to the window's (decision 0048).
  constexpr double kAcross = 2.4, kAbove = 0.2;
  FaceLayout layout{{kOutput, kOutput}, celeba_layout().points};
  FivePoints& points = layout.points;
  const double eyes = points[1].x - points[0].x, scale = kOutput / (kAcross * eyes), center = (kOutput - 1) / 2.0;
  PhotoPoint middle{0, -kAbove * eyes};
  for (const auto& [x, y] : points) middle = {middle.x + x / std::ssize(points), middle.y + y / std::ssize(points)};
  for (PhotoPoint& point : points) point = {center + scale * (point.x - middle.x), center + scale * (point.y - middle.y)};
  return layout;
}

NamedTensors Mtcnn::state() const { return module_state(*networks_); }

void Mtcnn::load(const NamedTensors& state, const std::string& source) {
  require_finite(state, source);
  load_module_state(*networks_, state, "", source);
}

std::array<std::string, 3> Mtcnn::onnx() const {
  const auto model = [](Stage stage, int64_t side, bool any_size) {
    const TensorsFunction judge = [stage](const std::vector<at::Tensor>& inputs) mutable {
      const Judged judged = stage->forward(inputs[0]);
      std::vector<at::Tensor> parts{judged.score.unsqueeze(1), judged.boxes};
      if (judged.points.defined()) parts.push_back(judged.points);
      return at::cat(parts, 1);
    };
    return encode_onnx(*stage, judge, {.inputs = {{"window", at::zeros({2, 3, side, side}), any_size}}, .output = "judged"});
  };
  return {model(networks_->proposal, kCell, true), model(networks_->refinement, kRefined, false), model(networks_->output, kOutput, false)};
}

std::vector<Face> Mtcnn::detect(const at::Tensor& photo) const {
  check_shape(photo, "photo", {3, kAny, kAny}, "[3, H, W]");
  if (photo.scalar_type() != at::kByte) throw InvalidArgument(fmt::format("photo must be uint8, found {}", dtype_name(photo)));
  const at::NoGradGuard no_grad;
  const at::Tensor picture = photo.contiguous();
  const double height = static_cast<double>(photo.size(1)), width = static_cast<double>(photo.size(2));
  // Three quarters of the area's root are the shorter side of 16 to 9: what is longer takes no more time for its pixels than that.
  const double side = std::max(std::min(height, width), 0.75 * std::sqrt(height * width));
  const double smallest = std::max(options_.smallest, options_.smallest_share * side);
  Candidates found = proposals(*networks_, picture, smallest, options_);
  if (found.size() == 0) return {};
  found = judged_by(networks_->refinement, picture, std::move(found), kRefined, options_.thresholds[1]);
  if (found.size() == 0) return {};
  found.keep(places_of(suppressed(found.boxes, found.scores, 0.7, false)));
  found.boxes = squares(corrected(found.boxes, found.corrections, 1));
  found = judged_by(networks_->output, picture, std::move(found), kOutput, options_.thresholds[2]);
  if (found.size() == 0) return {};
  found.points = placed(found.points, found.boxes);
  found.boxes = corrected(found.boxes, found.corrections, 1);
  found.keep(places_of(suppressed(found.boxes, found.scores, 0.7, true)));
  return faces_of(found);
}

std::vector<Face> Mtcnn::operator()(const at::Tensor& photo) const {
  std::vector<Face> faces = detect(photo);
  const at::NoGradGuard no_grad;
  for (Face& face : faces) {
    try {
      face.points = seen_upright(networks_->output, photo, face.points, options_.thresholds[2]).value_or(face.points);
    } catch (const InvalidArgument&) {  // find_faces leaves such a face out
    }
  }
  return faces;
}

}  // namespace secgan
