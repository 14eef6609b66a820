#include "random_bundle.hpp"
#include "secgan/io/file.hpp"
#include "targets.hpp"
#include "temporary_folder.hpp"
#include "torch_bytes.hpp"

namespace secgan::fuzz {
namespace {

/// A small bundle on disk.  @return how many bytes of values its tensors have
size_t save_small_bundle(const std::filesystem::path& folder) {
  Bundle bundle = testing::random_bundle();
  bundle.classifier = AttributeClassifier{nullptr};
  save_bundle(folder, bundle);
  const std::string file = read_file(folder / "model.safetensors");
  uint64_t header = 0;
  std::memcpy(&header, file.data(), sizeof header);
  return file.size() - sizeof header - header;
}

}  // namespace

/// The header of model.safetensors, before zeros for values, beside a small bundle's config.json.
void bundle_weights(std::string_view bytes) {
  static const testing::TemporaryFolder folder;
  static const std::string values(save_small_bundle(folder / "bundle"), '\0');
  folder.write("bundle/model.safetensors", testing::bytes_of(uint64_t{bytes.size()}) + std::string(bytes) + values);
  load_bundle(folder / "bundle");
}

}  // namespace secgan::fuzz
