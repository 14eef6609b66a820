#include <ATen/ATen.h>

#include "random_bundle.hpp"
#include "secgan/editing/editor.hpp"
#include "targets.hpp"
#include "temporary_folder.hpp"

namespace secgan::fuzz {

/// config.json beside a small bundle's tensors. A bundle that loads edits a photo.
void bundle_config(std::string_view bytes) {
  static const testing::TemporaryFolder folder;
  static const bool saved = (save_bundle(folder / "bundle", testing::random_bundle()), true);
  require(saved, "no bundle");
  folder.write("bundle/config.json", bytes);
  const Editor editor = Editor::from_pretrained(folder / "bundle");
  if (editor.bundle().generator.is_empty()) return;
  editor.edit(at::full({3, 40, 48}, 90, at::kByte), {{editor.attributes().names().front(), 1.0}}, {.source = NamedLabels{}});
}

}  // namespace secgan::fuzz
