#pragma once
/// MTCNN (Zhang et al., arXiv 1604.02878): three small networks that find faces, each looking closer at what the one before proposes.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "secgan/alignment/faces.hpp"
#include "secgan/alignment/layout.hpp"
#include "secgan/core/export.hpp"
#include "secgan/core/named_tensors.hpp"

namespace secgan {

struct MtcnnOptions {
  double smallest = 20;  ///< side of the smallest face that is looked for, in pixels
  /// And as a share of the photo's shorter side (of one longer than 16 to 9: of such a photo of its area): large ones take no longer.
  double smallest_share = 0.01;
  double factor = 0.709;                            ///< from one size of faces to the next smaller picture: the root of a half
  std::array<double, 3> thresholds{0.6, 0.7, 0.7};  ///< least probability of a face, in each network
  /// @throws InvalidArgument
  void validate() const;
};

class MtcnnNetworks;

/// Names and shapes of the state are facenet-pytorch's MTCNN's ("pnet.conv1.weight"). Copies share their networks, so that one is a
/// FaceDetector.
class SECGAN_API Mtcnn {
 public:
  /// With random weights.
  explicit Mtcnn(const MtcnnOptions& options = {});

  /// What facenet-pytorch's `detect` finds: boxes, scores and points equal its own, to rounding.
  /// @param photo [3, H, W] uint8 RGB   @return the surest first; empty for photos smaller than the smallest face
  std::vector<Face> detect(const at::Tensor& photo) const;

  /// The same faces, their points taken from a second look (decision 0048): each is cut out upright, and the last network is shown it and
  /// its mirror image. Where that sees no face, or puts the points elsewhere, the first points stay.
  std::vector<Face> operator()(const at::Tensor& photo) const;

  /// Where an upright face has its points in the 48 x 48 pixels that the last network is shown at the second look.
  static FaceLayout window();

  /// The three networks as ONNX models (encode_onnx), first to last: window [N, 3, H, W], as 0.0078125 (level - 127.5), -> judged [N, C,
  /// ...], of which channel 0 is the probability of a face, then come four corrections of the box, and the last network's ten coordinates.
  /// H x W is any size of 12 and more for the first, which judges a cell of 12 at every second pixel, 24 x 24 and 48 x 48 for the others.
  std::array<std::string, 3> onnx() const;

  NamedTensors state() const;
  /// @param source  named first in messages, as a file name
  /// @throws Error for tensors that are missing, too many, of another shape or not finite.
  void load(const NamedTensors& state, const std::string& source);

  const MtcnnOptions& options() const { return options_; }

 private:
  MtcnnOptions options_;
  std::shared_ptr<MtcnnNetworks> networks_;
};

}  // namespace secgan
