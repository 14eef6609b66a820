#include "data/origin.hpp"

#include "secgan/image/image_file.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {

PhotoOrigin origin_of(const DataSettings& settings, const Dataset& data) {
  if (const auto known = data.origin()) return *known;
  PhotoOrigin origin{std::string(settings.source.title()), settings.source.terms(), settings.crop, {}};
  if (settings.source.kind == DataKind::kSynthetic) return origin;
  const at::Tensor first = read_image(data.sample_name(0));
  origin.photo_size = to_string(PhotoSize{first.size(2), first.size(1)});
  return origin;
}

}  // namespace secgan
