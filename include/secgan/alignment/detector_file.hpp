#pragma once
/// The face detector's weights: where they come from, where they lie.

#include <filesystem>
#include <string>
#include <string_view>

#include "secgan/alignment/faces.hpp"
#include "secgan/alignment/mtcnn.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/export.hpp"

namespace secgan {

/// The name under which the detector is installed: share/secgan/NAME beside the library's folder, or in the user's data folder.
inline constexpr std::string_view kDetectorFile = "face-detector.safetensors";

/// MTCNN with the weights that facenet-pytorch's package carries (MIT License), as pnet.pt, rnet.pt and onet.pt.
/// @param from  the package's file (.whl), or a folder in which the three lie, at most two folders deep; nothing of them is run
/// @throws FileNotFound, or Error naming the file and what is wrong with it.
SECGAN_API Mtcnn import_facenet_pytorch(const std::filesystem::path& from, const MtcnnOptions& options = {});

/// Whether save_detector may write there.  @throws InvalidArgument for a file that is there and no detector's: it is left as it is.
SECGAN_API void require_detector_place(const std::filesystem::path& file);

/// As safetensors, with license and origin; whole or not at all.  @throws as require_detector_place
SECGAN_API void save_detector(const std::filesystem::path& file, const Mtcnn& detector);
/// @throws FileNotFound, or Error naming the file: not safetensors, other tensors than a detector's, tensors that are not finite.
SECGAN_API Mtcnn load_detector(const std::filesystem::path& file, const MtcnnOptions& options = {});

/// Thrown where none is installed; says how to get one.
class SECGAN_API NoDetector : public FileNotFound {
 public:
  using FileNotFound::FileNotFound;
};

/// The detector that is installed, read when it is first asked for.
/// @throws NoDetector, or as load_detector.
SECGAN_API Mtcnn installed_detector();

}  // namespace secgan
