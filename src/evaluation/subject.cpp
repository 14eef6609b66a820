#include "evaluation/subject.hpp"

#include <algorithm>
#include <utility>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/transforms.hpp"

namespace secgan {

Subject::Subject(const Bundle& of, const Dataset& over, EvaluationProtocol under, const Judges& by)
    : bundle(of),
      data(over),
      judges(by),
      protocol(std::move(under)),
      device(of.device()),
      generator(of.generator),
      mask_generator(of.mask_generator),
      classifier(by.classifier.is_empty() ? of.classifier : by.classifier),
      labeled(!bundle.info.attributes.empty() && (!classifier.is_empty() || !generator.is_empty())) {
  validate(protocol);
  if (labeled) check_attributes();
  if (data.image_size() != bundle.info.image_size) {
    throw InvalidArgument(fmt::format("the data set's side {} is not the bundle's {}", data.image_size(), bundle.info.image_size));
  }
  if (!judges.classifier.is_empty() && judges.classifier->config().attributes != static_cast<int64_t>(bundle.info.attributes.size())) {
    throw InvalidArgument(fmt::format("classifier: it knows {}, the bundle has {}",
                                      counted(judges.classifier->config().attributes, "attribute"), bundle.info.attributes.size()));
  }
  if (protocol.crop.empty()) protocol.crop = bundle.info.crop;
  if (protocol.photos > data.size()) {
    throw InvalidArgument(fmt::format("photos {} are more than the split has ({})", protocol.photos, data.size()));
  }
  photos = protocol.photos > 0 ? protocol.photos : data.size();
  if (photos == 0) throw InvalidArgument("photos: the split has none");
  edits = !generator.is_empty() && !classifier.is_empty() && !flipped.empty();
  parser = bundle.parser;
  if (!edits) return;
  for (const auto* extractor : {&judges.swav, &judges.inception, &judges.other}) {
    if (extractor->has_value()) extractors.push_back(&**extractor);
  }
  if (extractors.empty()) {
    judge_features = classifier_extractor(classifier, "classifier");
    extractors.push_back(&*judge_features);
  } else {
    check_samples();
  }
}

void Subject::check_attributes() {
  const auto& names = bundle.info.attributes;
  if (data.attributes().names() != names) {
    throw InvalidArgument(fmt::format("the data set's attributes ({}) are not the bundle's ({})",
                                      fmt::join(data.attributes().names(), ", "), fmt::join(names, ", ")));
  }
  schema = AttributeSchema(names, protocol.conflicts);
  if (protocol.attributes.empty()) protocol.attributes = names;
  for (const std::string& name : protocol.attributes) flipped.push_back(schema.index(name));
}

void Subject::check_samples() const {
  const int64_t all_edits = photos * edits_per_photo(), fewest = std::min(photos, all_edits);
  if (fewest < protocol.min_samples) {
    throw InvalidArgument(fmt::format("photos: a Fréchet distance needs at least {} photos and edits (min_samples), found {} and {}",
                                      protocol.min_samples, photos, all_edits));
  }
  if (judges.inception && fewest < protocol.kernel_subset_size) {
    throw InvalidArgument(fmt::format("kernel_subset_size {} is more than there are photos ({}) or edits ({})", protocol.kernel_subset_size,
                                      photos, all_edits));
  }
}

Edit Subject::edit(const at::Tensor& images, const at::Tensor& labels, int64_t attribute) {
  const at::Tensor source = to_device(labels, device);
  Edit out;
  out.target = schema.flip(source, attribute);
  out.difference = protocol.strength * (out.target - source);
  out.bytes = to_bytes(generator->forward(to_device(images, device), bundle.condition(source, out.difference))).cpu();
  out.photos = to_device(network_input(out.bytes), device);
  return out;
}

int64_t Subject::edits_per_photo() const {
  const auto all = static_cast<int64_t>(flipped.size());
  return protocol.edits_per_photo > 0 ? std::min(protocol.edits_per_photo, all) : all;
}

std::string_view Subject::why_no_edits() const {
  return generator.is_empty() ? "the bundle has no generator" : "there is no classifier to judge edits";
}

at::Tensor network_input(const at::Tensor& bytes) {
  return to_float(bytes.dim() == 3 ? bytes.unsqueeze(0) : bytes).contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace secgan
