#pragma once
/// Faces in photos, whoever finds them.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "secgan/alignment/similarity.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/export.hpp"

namespace secgan {

/// A face in a photo.
struct Face {
  double left = 0, top = 0, right = 0, bottom = 0;  ///< the box around it, in pixels of the photo; it may leave the photo
  double score = 1;                                 ///< how sure the detector is, 0 to 1
  FivePoints points;                                ///< in pixels of the photo

  double area() const { return (right - left) * (bottom - top); }
  friend bool operator==(const Face&, const Face&) = default;
};

/// The face of a detector that tells points alone: its box is as large as faces around such points are.
SECGAN_API Face face_of(const FivePoints& points);

/// Finds the upright faces of a photo, [3, H, W] uint8 RGB, in any order: Mtcnn, or one's own.
using FaceDetector = std::function<std::vector<Face>(const at::Tensor& photo)>;

/// Thrown where a face was looked for.
class SECGAN_API NoFaceFound : public Error {
 public:
  /// @param found  faces of the photo, none of which is the one that was looked for
  explicit NoFaceFound(const std::string& message, size_t found = 0) : Error(message), found_(found) {}
  size_t found() const { return found_; }

 private:
  size_t found_;
};

struct FoundFaces {
  std::vector<Face> faces;    ///< the largest first
  int64_t quarter_turns = 0;  ///< by which the photo had to be turned, counterclockwise, for its faces to stand upright; 0 to 3
};

/// Faces that the detector is less sure of are taken for something else: MTCNN gives those that people would call faces more.
inline constexpr double kSureOfFace = 0.9;
/// From here on a face that stands upright ends the search: MTCNN also sees upright faces in photos that lie or stand on their heads, of
/// CelebA in 7 % with 0.99 and more, in 1 % with more than this.
inline constexpr double kCertainOfFace = 0.999;

/// The faces of a photo, each once: those without points in it, or with the points of another that the detector is surer of, are left out.
/// A photo whose faces are not certain, or do not stand upright, is looked at on its sides and upside down, too; one
/// with a face that leaves it with a margin.
/// @param photo [3, H, W] uint8
SECGAN_API FoundFaces find_faces(const FaceDetector& detector, const at::Tensor& photo, double least_score = kSureOfFace);

/// Which of the faces: the largest, all, or the one of this number by size, from 1.
struct FaceChoice {
  enum class Kind { kLargest, kAll, kNumber };
  Kind kind = Kind::kLargest;
  int64_t number = 1;  ///< kNumber
  friend bool operator==(const FaceChoice&, const FaceChoice&) = default;
};

/// @param text  "largest", "all" or a number from 1   @param argument  its name, in the message   @throws InvalidArgument that shows the
/// forms.
SECGAN_API FaceChoice parse_face_choice(std::string_view text, std::string_view argument = "face");

/// Places in `faces` of those that are chosen.
/// @throws NoFaceFound for a number beyond the last, with how many there are.
SECGAN_API std::vector<size_t> chosen_faces(const FaceChoice& choice, const std::vector<Face>& faces);

}  // namespace secgan
