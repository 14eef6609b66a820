#pragma once
/// What every source of faces looks like to training, whichever files or drawings stand behind it.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/attributes.hpp"
#include "secgan/core/export.hpp"
#include "secgan/core/fields.hpp"
#include "secgan/core/labels.hpp"

namespace secgan {

/// One face, as stored: 8-bit, before any normalization.
struct Sample {
  at::Tensor image;   ///< [3, S, S] uint8 RGB
  at::Tensor labels;  ///< [A] float32 in {0, 1}, or NaN throughout: not known; undefined where the source has no attributes
  at::Tensor mask;    ///< [S, S] uint8 class ids of the data set's label set; undefined where it has no masks
  std::string id;     ///< the photo's own name, without folder and extension
};

/// What opening a data set found out about its lists and folders, without reading a photo.
struct DataNote {
  std::string text;    ///< one line
  bool wrong = false;  ///< the data set contradicts itself, as a list cut short does; else it is only worth knowing

  /// "warning: …" or "note: …"
  std::string line() const { return (wrong ? "warning: " : "note: ") + text; }
};

/// Where photos come from, for the bundles that are trained on them.
struct PhotoOrigin {
  std::string title;       ///< "CelebA"
  std::string terms;       ///< what weights trained on it may be used for; empty where nobody says
  std::string crop;        ///< how they became squares, as DataSettings has it
  std::string photo_size;  ///< of the photos before that, "178x218"; empty: unknown
};

/// A finite, indexed source of faces of one side S. `get` is called from several threads at once, and for one
/// index returns the same sample every time.
class SECGAN_API Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  /// @throws Error that names the file when a sample cannot be read.
  virtual Sample get(int64_t index) const = 0;
  virtual int64_t image_size() const = 0;
  /// Empty when the source has no attributes.
  virtual const AttributeSchema& attributes() const = 0;
  virtual bool has_masks() const = 0;
  /// Whether the labels of some samples are not known.
  virtual bool has_unlabeled() const { return false; }
  virtual Labels label_set() const { return Labels::kSecgan12; }
  /// What get(index).labels is, without reading the photo; undefined where the source cannot tell.
  virtual at::Tensor labels(int64_t /*index*/) const { return {}; }
  /// What messages call a sample: its file, where it has one. Never reads it.
  virtual std::string sample_name(int64_t index) const { return "sample " + std::to_string(index); }
  virtual std::vector<DataNote> notes() const { return {}; }
  /// Where a data set knows it itself; nullopt: as the settings say.
  virtual std::optional<PhotoOrigin> origin() const { return std::nullopt; }
  /// Photos and masks that samples need and that were not there at opening.
  virtual std::vector<std::string> missing() const { return {}; }
};

/// Which part of a data set.
enum class Split { kTrain, kValidation, kTest };

inline constexpr std::array<std::pair<std::string_view, Split>, 3> kSplits{
    {{"train", Split::kTrain}, {"validation", Split::kValidation}, {"test", Split::kTest}}};
template <>
struct EnumNames<Split> {
  static constexpr auto& table = kSplits;
  static constexpr std::string_view what = "split";
};

}  // namespace secgan
