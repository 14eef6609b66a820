#include "evaluation/notable.hpp"

#include <algorithm>

namespace secgan {
namespace {

/// The `count` edits of the f-th flipped attribute with the largest values.
/// @param photo  [M] the photo that each value belongs to
void largest(std::vector<NotableEdit>& out, Subject& subject, int64_t f, const at::Tensor& values, const at::Tensor& photo, int64_t count) {
  count = std::min(count, values.numel());
  if (count == 0) return;
  const int64_t attribute = subject.flipped[static_cast<size_t>(f)];
  const auto [top, order] = values.topk(count);
  for (int64_t k = 0; k < count; ++k) {
    const Sample sample = subject.data.get(photo[order[k].item<int64_t>()].item<int64_t>());
    const Edit edit = subject.edit(network_input(sample.image), sample.labels.unsqueeze(0), attribute);
    out.push_back({subject.schema.names()[static_cast<size_t>(attribute)], edit.target[0][attribute].item<float>() > 0.5, sample.id,
                   top[k].item<double>(), sample.image, edit.bytes[0]});
  }
}

/// How far edits are from the nearest photo that has the label they were given.
struct Distances {
  at::Tensor values, photo;  // [M]
};

/// @param has  [N] bool, the photos that have the f-th flipped attribute
Distances to_nearest_real(const ExtractedFeatures& view, int64_t f, const at::Tensor& has) {
  const at::Tensor mine = view.edit_attribute.all().eq(f).nonzero().flatten();
  const at::Tensor edits = view.edits.all().index_select(0, mine), photo = view.edit_photo.all().index_select(0, mine);
  const at::Tensor had = has.index_select(0, photo);
  std::vector<at::Tensor> values, origin;
  for (const bool adding : {true, false}) {
    const at::Tensor rows = had.eq(!adding).nonzero().flatten(), real = has.eq(adding).nonzero().flatten();
    if (rows.numel() == 0 || real.numel() == 0) continue;
    const at::Tensor to_all = at::cdist(edits.index_select(0, rows), view.photos.all().index_select(0, real));
    values.push_back(std::get<0>(to_all.min(1)).to(at::kDouble));
    origin.push_back(photo.index_select(0, rows));
  }
  if (values.empty()) return {at::empty({0}, at::kDouble), at::empty({0}, at::kLong)};
  return {at::cat(values), at::cat(origin)};
}

}  // namespace

void add_notable_edits(Subject& subject, const PhotoScores& scores, int64_t count, Evaluation& out) {
  if (!subject.edits) return;
  out.neighbors = scores.seen.front().extractor->name;
  if (count <= 0) return;
  const at::Tensor labels = scores.labels.all(), every = at::arange(subject.photos, at::kLong);
  const auto attributes = static_cast<int64_t>(subject.flipped.size());
  if (subject.parser) {
    const at::Tensor mean = scores.outside.doubles() / scores.outside_pixels.doubles().clamp_min(1);
    for (int64_t f = 0; f < attributes; ++f) largest(out.outside, subject, f, mean.select(1, f), every, count);
  }
  for (int64_t f = 0; f < attributes; ++f) {
    const at::Tensor has = labels.select(1, subject.flipped[static_cast<size_t>(f)]) > 0.5;
    const Distances distances = to_nearest_real(scores.seen.front(), f, has);
    largest(out.far_from_real, subject, f, distances.values, distances.photo, count);
  }
}

}  // namespace secgan
