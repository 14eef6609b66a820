#include "secgan/data/packed.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "data/each_sample.hpp"
#include "data/origin.hpp"
#include "data/splits.hpp"
#include "io/json.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"
#include "secgan/data/source.hpp"
#include "secgan/image/transforms.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"

// Tensors of the file, in this order: "splits" [N], "labels" [N, A], "names" (each followed by a zero), "photos" [N, 3, S, S], "masks" [N,
// S, S]. All are uint8; labels and masks may be missing.

namespace secgan {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "secgan packed data 1";

std::string_view bytes_of(const at::Tensor& tensor) { return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()}; }

/// A file's parts, whose shapes fit each other.
struct Parts {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> metadata;
  int64_t samples = 0, side = 0;
  std::vector<std::string> attributes;
};

Parts parts_of(const std::string& file) {
  Safetensors all = map_safetensors(file);
  const auto refuse = [&](std::string_view what) { return Error(fmt::format("{}: not a packed data set: {}", file, what)); };
  if (all.metadata["format"] != kFormat) throw refuse(fmt::format("its format is not '{}'", kFormat));
  Parts parts{.metadata = std::move(all.metadata)};
  for (const auto& [name, tensor] : all.tensors) {
    if (tensor.scalar_type() != at::kByte) throw refuse(fmt::format("'{}' is not uint8", name));
    parts.tensors.emplace(name, tensor);
  }
  const at::Tensor& photos = parts.tensors["photos"];
  if (!photos.defined() || photos.dim() != 4 || photos.size(1) != 3 || photos.size(2) != photos.size(3) || photos.numel() == 0)
    throw refuse("'photos' is not [N, 3, S, S]");
  parts.samples = photos.size(0);
  parts.side = photos.size(2);
  try {
    detail::check_nesting(parts.metadata["attributes"], file);
    parts.attributes = nlohmann::json::parse(parts.metadata["attributes"]).get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception&) {
    throw refuse("its attributes are no list of names");
  }
  const auto expect = [&](const char* name, const std::vector<int64_t>& shape, bool needed) {
    const auto found = parts.tensors.find(name);
    if (found == parts.tensors.end() && !needed) return;
    if (found == parts.tensors.end() || found->second.sizes() != at::IntArrayRef(shape))
      throw refuse(fmt::format("'{}' is not [{}]", name, fmt::join(shape, ", ")));
  };
  expect("splits", {parts.samples}, true);
  expect("labels", {parts.samples, std::ssize(parts.attributes)}, !parts.attributes.empty());
  expect("masks", {parts.samples, parts.side, parts.side}, false);
  return parts;
}

std::vector<std::string> names_in(const at::Tensor& names, int64_t samples, const std::string& file) {
  std::vector<std::string> out;
  if (names.defined()) {
    const std::string_view text = bytes_of(names);
    for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
      end = text.find('\0', begin);
      if (end == std::string_view::npos) break;
      out.emplace_back(text.substr(begin, end - begin));
    }
  }
  if (std::ssize(out) != samples)
    throw Error(fmt::format("{}: not a packed data set: {} for {}", file, counted(out.size(), "name"), counted(samples, "photo")));
  return out;
}

/// @throws Error where a file would not fit its disk
void require_space(const fs::path& file, int64_t photos, int64_t bytes_of_each) {
  fs::path folder = fs::absolute(file).parent_path();
  std::error_code none;
  while (!fs::exists(folder, none) && folder.has_relative_path()) folder = folder.parent_path();
  const fs::space_info space = fs::space(folder, none);
  const double needed = static_cast<double>(photos) * static_cast<double>(bytes_of_each), free = static_cast<double>(space.available);
  if (!none && needed > free) {
    throw Error(fmt::format("'{}' would hold {} of {} bytes, {:.1f} GB, and {:.1f} GB are free there", file.string(),
                            counted(photos, "photo"), bytes_of_each, needed / 1e9, free / 1e9));
  }
}

}  // namespace

PackedDataset::PackedDataset(const PackedDatasetOptions& options) : file_(options.file), image_size_(options.image_size) {
  Parts parts = parts_of(options.file);
  if (parts.side != options.image_size) {
    throw InvalidArgument(
        fmt::format("image_size is {}: '{}' was packed at {} px: pack it again at that size, or train at its own (--image-size {})",
                    options.image_size, options.file, parts.side, parts.side));
  }
  photos_ = parts.tensors["photos"];
  if (options.masks) {
    masks_ = parts.tensors["masks"];
    if (!masks_.defined()) throw Error(fmt::format("{}: was packed without masks", options.file));
    label_set_ = parse_name(EnumNames<Labels>::table, parts.metadata["labels"], options.file + ": labels");
  }
  names_ = names_in(parts.tensors["names"], parts.samples, options.file);
  if (!options.attributes.empty()) {
    attributes_ = AttributeSchema(options.attributes);
    std::vector<int64_t> columns;
    for (const std::string& name : options.attributes) {
      const auto found = std::ranges::find(parts.attributes, name);
      if (found == parts.attributes.end()) {
        throw InvalidArgument(
            parts.attributes.empty()
                ? fmt::format("attribute '{}' is unknown: {} was packed without attributes", name, options.file)
                : fmt::format("attribute '{}' is unknown; {} has: {}", name, options.file, fmt::join(parts.attributes, ", ")));
      }
      columns.push_back(found - parts.attributes.begin());
    }
    labels_ = parts.tensors["labels"].index_select(1, at::tensor(columns));
    if (labels_.gt(1).any().item<bool>()) throw Error(fmt::format("{}: not a packed data set: a label is neither 0 nor 1", options.file));
  }
  std::vector<Split> splits;
  const at::Tensor stored = parts.tensors["splits"];
  for (const uint8_t split : bytes_of(stored)) {
    if (split >= kSplits.size()) throw Error(fmt::format("{}: not a packed data set: there is no split {}", options.file, split));
    splits.push_back(kSplits.at(split).second);
  }
  rows_ = samples_of(splits, options.split, options.count, fmt::format("'{}'", options.file), notes_);
  origin_ = {parts.metadata["title"], parts.metadata["terms"], parts.metadata["crop"], parts.metadata["photo_size"]};
  try {
    if (!origin_.crop.empty()) parse_crop(origin_.crop);
    parse_photo_size(origin_.photo_size);
  } catch (const InvalidArgument& error) {
    throw Error(fmt::format("{}: not a packed data set: {}", options.file, error.what()));
  }
}

Sample PackedDataset::get(int64_t index) const {
  const auto at = static_cast<int64_t>(row(index));
  // Copies: what is given away may be written to, the file may not.
  Sample sample{.image = photos_[at].clone(), .labels = labels(index), .id = fs::path(sample_name(index)).stem().string()};
  if (masks_.defined()) {
    sample.mask = masks_[at].clone();
    const auto most = sample.mask.max().item<uint8_t>();
    if (most >= class_names(label_set_).size())
      throw Error(fmt::format("{}: not a packed data set: the mask of '{}' has a class {}, and there are {}", file_, sample_name(index),
                              most, class_names(label_set_).size()));
  }
  return sample;
}

at::Tensor PackedDataset::labels(int64_t index) const {
  return labels_.defined() ? labels_[static_cast<int64_t>(row(index))].to(at::kFloat) : at::Tensor();
}

void require_packed_place(const fs::path& file) {
  require_writable_file(file);
  std::error_code ignored;
  if (!fs::exists(file, ignored) || fs::file_size(file, ignored) == 0) return;
  bool ours = false;
  try {
    ours = map_safetensors(file).metadata["format"] == kFormat;
  } catch (const Error&) {  // somebody's file
  }
  if (!ours)
    throw InvalidArgument(fmt::format("'{}' is there and is no packed data set: choose another name, or remove it", file.string()));
}

PackedSamples pack_dataset(const DataSettings& settings, bool with_attributes, bool with_masks, const fs::path& file,
                           const std::function<void(int64_t done, int64_t all)>& progress, int threads) {
  require_packed_place(file);
  if (std::error_code none; fs::equivalent(file, settings.source.root, none))
    throw InvalidArgument(fmt::format("'{}' is what is packed: it would be replaced by a part of itself", file.string()));
  DataSettings read = settings;
  read.cache = false;
  read.crop = settings.resolved_crop();
  std::vector<std::shared_ptr<const Dataset>> parts;
  std::vector<uint8_t> splits;
  std::exception_ptr empty;
  for (size_t s = 0; s < kSplits.size(); ++s) {
    try {
      parts.push_back(open_dataset(read, kSplits.at(s).second, with_attributes, with_masks));
      require_space(file, std::ssize(splits) + parts.back()->size(), (with_masks ? 4 : 3) * read.image_size * read.image_size);
      splits.insert(splits.end(), static_cast<size_t>(parts.back()->size()), static_cast<uint8_t>(s));
    } catch (const EmptySplit&) {
      empty = std::current_exception();
    }
    if (read.source.whole_folder) break;  // every split would be all photos
  }
  if (parts.empty()) std::rethrow_exception(empty);
  const Dataset& first = *parts.front();
  std::vector<DataNote> notes;
  for (const auto& part : parts) {
    for (const DataNote& note : part->notes()) {
      // Most are of the lists, which all parts share.
      if (std::ranges::none_of(notes, [&](const DataNote& known) { return known.text == note.text; })) notes.push_back(note);
    }
  }
  const auto count = std::ssize(splits), side = first.image_size();

  std::string names;
  std::vector<at::Tensor> labels;
  for (const auto& part : parts) {
    for (int64_t i = 0; i < part->size(); ++i) {
      names += part->sample_name(i);
      names += '\0';
      if (with_attributes) labels.push_back(part->labels(i).defined() ? part->labels(i) : part->get(i).labels);
    }
  }
  std::vector<TensorShape> shapes{{"splits", at::kByte, {count}}};
  if (with_attributes) shapes.push_back({"labels", at::kByte, {count, first.attributes().size()}});
  shapes.push_back({"names", at::kByte, {std::ssize(names)}});
  shapes.push_back({"photos", at::kByte, {count, 3, side, side}});
  if (with_masks) shapes.push_back({"masks", at::kByte, {count, side, side}});
  const PhotoOrigin origin = origin_of(read, first);
  const std::string header = safetensors_header(shapes, {{"format", kFormat},
                                                         {"attributes", nlohmann::json(first.attributes().names()).dump()},
                                                         {"labels", std::string(name_of(EnumNames<Labels>::table, first.label_set()))},
                                                         {"title", origin.title},
                                                         {"terms", origin.terms},
                                                         {"crop", origin.crop},
                                                         {"photo_size", origin.photo_size}});
  make_folder(fs::absolute(file).parent_path());
  write_file(file, [&](const std::function<void(std::string_view)>& append) {
    append(header);
    append({reinterpret_cast<const char*>(splits.data()), splits.size()});
    if (with_attributes) append(bytes_of(at::stack(labels).to(at::kByte).contiguous()));
    append(names);
    at::Tensor masks = with_masks ? at::empty({count, side, side}, at::kByte) : at::Tensor();
    constexpr int64_t kAtOnce = 256;
    int64_t done = 0;
    for (const auto& part : parts) {
      for (int64_t begin = 0; begin < part->size(); begin += kAtOnce) {
        const int64_t size = std::min(kAtOnce, part->size() - begin);
        at::Tensor photos = at::empty({size, 3, side, side}, at::kByte);
        std::vector<std::exception_ptr> failures(static_cast<size_t>(size));
        for_each_sample(size, threads, [&](int64_t i) {
          try {
            const Sample sample = part->get(begin + i);
            photos[i].copy_(sample.image);
            if (with_masks) masks[done + i].copy_(sample.mask);
          } catch (...) {
            failures[static_cast<size_t>(i)] = std::current_exception();
          }
        });
        for (const std::exception_ptr& failure : failures) {
          if (failure) std::rethrow_exception(failure);
        }
        append(bytes_of(photos));
        done += size;
        if (progress) progress(done, count);
      }
    }
    if (with_masks) append(bytes_of(masks));
  });
  return {count, std::move(notes)};
}

}  // namespace secgan
