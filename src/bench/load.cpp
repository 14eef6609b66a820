#include <ATen/ATen.h>

#include <filesystem>
#include <optional>

#include "bench/bench.hpp"
#include "core/format.hpp"
#include "core/median.hpp"
#include "io/temporary.hpp"
#include "secgan/data/loader.hpp"
#include "secgan/data/synthetic_faces.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {
namespace fs = std::filesystem;
namespace {

/// Drawn faces as CelebA's aligned photos are: 178 x 218, JPEG. Gone with the object.
class DrawnPhotos {
 public:
  explicit DrawnPhotos(int64_t count) : folder_(detail::Temporary::folder(fs::temp_directory_path(), fs::temp_directory_path())) {
    const SyntheticFaces faces({.count = count, .image_size = 224});
    for (int64_t i = 0; i < count; ++i) {
      write_image(folder_.path() / fmt::format("{:06}.jpg", i), crop_image(faces.get(i).image, {23, 3, 178, 218}).contiguous());
    }
  }
  std::string path() const { return folder_.path().string(); }

 private:
  detail::Temporary folder_;
};

}  // namespace

BenchResult bench_load(const BenchSettings& settings, const BenchProgress& progress) {
  const Device device = find_device(settings.device);
  DataSettings data{.source = settings.data, .image_size = settings.image_size, .crop = "center:170", .cache = false};
  std::optional<DrawnPhotos> drawn;
  if (data.source.kind == DataKind::kSynthetic) {
    drawn.emplace(std::max<int64_t>(8 * settings.batch, 128));
    data.source = {.kind = DataKind::kFolder, .root = drawn->path(), .whole_folder = true};
  } else {
    data.crop = {};
  }
  const auto photos = open_dataset(data, Split::kTrain, /*with_attributes=*/false, /*with_masks=*/false);
  // As many at once as there are threads, so that waiting for one file costs nothing.
  const auto ahead = settings.threads > 0 ? settings.threads : usable_cpus();
  Loader loader(photos, {.batch = settings.batch, .ahead = ahead}, {}, device);
  // So many that the few that are read ahead, before a measurement begins, count little.
  const int64_t batches = std::max<int64_t>(4096 / settings.batch, 32);
  int64_t index = 0;
  const std::vector<double> seconds = timed(settings, device, progress, [&] {
    for (int64_t i = 0; i < batches; ++i) loader.get(index++);
  });
  const double middle = median(seconds);
  return {{{"images_per_second", static_cast<double>(batches * settings.batch) / middle},
           {"milliseconds_per_image", 1000 * middle / static_cast<double>(batches * settings.batch)},
           {"peak_bytes", peak_memory(device)}},
          seconds};
}

}  // namespace secgan
