#include "secgan/bundle/import_weights.hpp"
#include "targets.hpp"

namespace secgan::fuzz {

/// A repository's weights. The first byte says whose, the others are the file.
void import_file(std::string_view bytes) {
  if (bytes.empty()) return;
  const WeightOrigin origin = kWeightOrigins[static_cast<unsigned char>(bytes[0]) % kWeightOrigins.size()].second;
  import_weights(origin, file_of("import/weights", bytes.substr(1)));
}

}  // namespace secgan::fuzz
