#include "secgan/io/torch_file.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <new>
#include <optional>
#include <regex>
#include <unordered_map>
#include <unordered_set>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/whole_number.hpp"
#include "io/file_kind.hpp"
#include "io/json.hpp"
#include "io/pickle.hpp"
#include "io/zip_archive.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"

namespace secgan {
namespace {

/// ("storage", type, key, place, count, …): what a persistent id says of a storage.
struct StorageId {
  PickleRef type_name;
  std::optional<at::ScalarType> type;  ///< none: one that is not read
  bool untyped = false;
  std::string key;
  int64_t count = 0;

  bool same_as(const StorageId& other) const { return type == other.type && untyped == other.untyped && count == other.count; }
};

StorageId storage_id(const PickleValue& id) {
  const auto* list = std::get_if<PickleList>(&id.value);
  if (list == nullptr || list->items.size() < 5 || !as<std::string>(list->items[0]) || *as<std::string>(list->items[0]) != "storage") {
    throw Error("a persistent id that names no storage");
  }
  const auto* global = as<PickleGlobal>(list->items[1]);
  const auto* key = as<std::string>(list->items[2]);
  const auto* count = as<int64_t>(list->items[4]);
  if (global == nullptr || key == nullptr || count == nullptr || *count < 0) throw Error("a malformed storage");
  return {list->items[1], storage_type(global->name), is_untyped_storage(global->name), *key, *count};
}

/// A tensor of such a storage is one that is not read.
PickleValue unknown_storage(const StorageId& id) { return {PickleOpaque{PickleOpaque::Kind::kTensor, id.type_name}}; }

/// More than there can be where no number holds it.
uint64_t storage_bytes(const StorageId& id) {
  uint64_t bytes = 0;
  const bool overflows = __builtin_mul_overflow(static_cast<uint64_t>(id.count), uint64_t{c10::elementSize(*id.type)}, &bytes);
  return overflows ? std::numeric_limits<uint64_t>::max() : bytes;
}

/// Numbers of another byte order.
void swap_bytes(at::Tensor& values) {
  const size_t width =
      c10::elementSize(c10::isComplexType(values.scalar_type()) ? c10::toRealValueType(values.scalar_type()) : values.scalar_type());
  char* const bytes = static_cast<char*>(values.mutable_data_ptr());
  for (size_t i = 0; width > 1 && i < values.nbytes(); i += width) std::reverse(bytes + i, bytes + i + width);
}

/// Collects every dictionary that has tensors of its own.
class Collector {
 public:
  explicit Collector(const PickleRef& root) { visit(root, "", 0); }
  std::vector<StateDict> found() && { return std::move(found_); }

 private:
  void visit(const PickleRef& value, const std::string& path, int depth) {
    // What stands in several places has as many names; in many, it is found at the first of them, and inside itself it is not looked for.
    constexpr int kMostPlaces = 4;
    if (depth > kDeepest || ++visits_[value.get()] > kMostPlaces || !open_.insert(value.get()).second) return;
    look_into(value, path, depth);
    open_.erase(value.get());
  }

  void look_into(const PickleRef& value, const std::string& path, int depth) {
    if (const auto* list = as<PickleList>(value)) {
      spend(list->items.size());
      visit_unnamed(*list, path);
      for (size_t i = 0; i < list->items.size(); ++i) {
        if (is_container(list->items[i])) visit(list->items[i], below(path, std::to_string(i)), depth + 1);
      }
    } else if (const auto* dict = as<PickleDict>(value)) {
      visit(*dict, path, depth);
    } else if (const auto* object = as<PickleOpaque>(value); object != nullptr && object->state) {
      if (is_module(*object)) {
        found_.push_back(
            {path, {}, {{"", fmt::format("{}, a network itself and not its tensors (save its state_dict())", describe(*object))}}});
      } else {
        visit(object->state, path, depth + 1);
      }
    }
  }

  /// Tensors of a list are named by their places: averages are kept so (`shadow_params`), and looked at no further than to say so.
  void visit_unnamed(const PickleList& list, const std::string& path) {
    StateDict state{path, {}};
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (const auto* tensor = as<at::Tensor>(list.items[i])) {
        spend(sizeof(NamedTensors::value_type));
        state.tensors.emplace_back(std::to_string(i), *tensor);
      }
    }
    if (!path.empty() && !state.tensors.empty()) found_.push_back(std::move(state));
  }

  void visit(const PickleDict& dict, const std::string& path, int depth) {
    spend(dict.items.size());
    StateDict state{path, {}};
    for (const auto& [key, value] : dict.items) {
      std::string name;
      if (const auto* text = as<std::string>(key)) {
        name = *text;
      } else if (const auto* number = as<int64_t>(key); number != nullptr && is_container(value)) {
        name = std::to_string(*number);
      } else {
        continue;
      }
      spend(name.size());
      if (const auto* tensor = as<at::Tensor>(value)) {
        spend(sizeof(NamedTensors::value_type));
        state.tensors.emplace_back(std::move(name), *tensor);
      } else if (const auto* opaque = as<PickleOpaque>(value); opaque != nullptr && replaces_tensor(*opaque)) {
        state.unread.push_back({std::move(name), describe(*opaque)});
        spend(sizeof(UnreadTensor) + state.unread.back().why.size());
      } else if (is_container(value)) {
        visit(value, below(path, name), depth + 1);
      }
    }
    if (!state.tensors.empty() || !state.unread.empty()) found_.push_back(std::move(state));
  }

  static bool is_container(const PickleRef& value) {
    const auto* const opaque = as<PickleOpaque>(value);
    return as<PickleDict>(value) != nullptr || as<PickleList>(value) != nullptr || (opaque != nullptr && opaque->state);
  }
  /// What torch's or NumPy's own functions, or a type of storage, would have made a tensor or an array of.
  static bool replaces_tensor(const PickleOpaque& opaque) {
    if (opaque.kind == PickleOpaque::Kind::kTensor) return true;
    const auto* const maker = as<PickleGlobal>(opaque.maker);
    if (opaque.kind != PickleOpaque::Kind::kCall || maker == nullptr) return false;
    return maker->name.find("_rebuild_") != std::string::npos ||
           (maker->name.starts_with("numpy.") && maker->name.ends_with(".multiarray._reconstruct"));
  }
  /// torch.nn.Module keeps these among its attributes.
  static bool is_module(const PickleOpaque& object) {
    const auto* const attributes = as<PickleDict>(object.state);
    const auto has = [&](std::string_view wanted) {
      return std::ranges::any_of(attributes->items, [&](const auto& item) {
        const auto* const name = as<std::string>(item.first);
        return name != nullptr && *name == wanted;
      });
    };
    return attributes != nullptr && has("_parameters") && has("_modules");
  }
  std::string below(const std::string& path, const std::string& name) {
    spend(path.size() + name.size());
    return path.empty() ? name : path + "." + name;
  }

  /// A long name may stand in many places, and is collected in each: a small file may ask for any time and memory.
  void spend(size_t cost) {
    spent_ += cost;
    if (spent_ > kMost) throw Error("names without end");
  }

  static constexpr int kDeepest = 64;
  static constexpr size_t kMost = size_t{64} << 20;
  size_t spent_ = 0;
  std::unordered_map<const PickleValue*, int> visits_;
  std::unordered_set<const PickleValue*> open_;  ///< what is being looked into
  std::vector<StateDict> found_;
};

std::vector<StateDict> state_dicts(const PickleDocument& document) { return Collector(document.root()).found(); }

/// The records of a torch.save archive, which all lie in one folder of it.
class Records {
 public:
  explicit Records(std::string_view bytes) : archive_(bytes) {
    for (const detail::ZipMember& member : archive_.members()) {
      if (!by_name_.emplace(member.name, &member).second) throw Error(fmt::format("'{}' stands twice", member.name));
      constexpr std::string_view kObject = "/data.pkl";
      if (!member.name.ends_with(kObject)) continue;
      if (!folder_.empty()) throw Error(fmt::format("two archives of torch.save in one, '{}' and '{}'", folder_, member.name));
      folder_ = member.name.substr(0, member.name.size() - kObject.size() + 1);
    }
    if (folder_.empty()) {
      const std::string_view first = archive_.members().empty() ? std::string_view() : archive_.members().front().name;
      throw Error(first.empty() ? std::string("an empty archive")
                                : fmt::format("a zip archive of other files, as '{}', not of torch.save: unpack it first", first));
    }
  }
  bool has(const std::string& name) const { return by_name_.contains(folder_ + name); }
  const detail::ZipMember& member(const std::string& name) const {
    const auto found = by_name_.find(folder_ + name);
    if (found == by_name_.end()) throw Error(fmt::format("damaged archive: '{}' is missing", name));
    return *found->second;
  }
  std::string text(const std::string& name) { return archive_.read(member(name)); }
  void read(const std::string& name, char* into) { archive_.read(member(name), into); }

 private:
  detail::ZipArchive archive_;
  std::unordered_map<std::string, const detail::ZipMember*> by_name_;
  std::string folder_;
};

/// Whether the numbers' first byte is their last.
bool is_big_endian(Records& records) {
  if (!records.has("byteorder")) return false;
  const std::string order = records.text("byteorder");
  if (order != "little" && order != "big") throw Error(fmt::format("byte order '{}' is unknown", order));
  return order == "big";
}

void check_version(std::string text) {
  constexpr int64_t kNewest = 10;  // of PyTorch's archives
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  const auto version = whole_number(text);
  if (!version || *version < 1 || *version > kNewest) throw Error(fmt::format("damaged archive: version '{}' is unknown", text));
}

std::vector<StateDict> parse_zip(std::string_view bytes) {
  Records records(bytes);
  check_version(records.text(records.has("version") ? "version" : ".data/version"));
  const bool swapped = is_big_endian(records);
  const std::string pickle = records.text("data.pkl");
  std::unordered_map<std::string, std::pair<StorageId, PickleValue>> storages;
  std::string_view stream(pickle);
  return state_dicts(read_pickle(
      stream,
      [&](const PickleValue& value) {
        const StorageId id = storage_id(value);
        auto [place, fresh] = storages.try_emplace(id.key, id, PickleValue{});
        if (!fresh && !place->second.first.same_as(id)) throw Error(fmt::format("storage '{}' is of two types or sizes", id.key));
        PickleValue& stored = place->second.second;
        if (!fresh) return stored;
        // Bytes without a type have no order that could be turned.
        if (!id.type || (id.untyped && swapped)) return stored = unknown_storage(id);
        const std::string record = "data/" + id.key;
        const uint64_t size = records.member(record).size;
        if (storage_bytes(id) != size)
          throw Error(fmt::format("storage '{}' of {} has {}", id.key, counted(id.count, "value"), counted(size, "byte")));
        at::Tensor tensor = at::empty({id.count}, *id.type);
        records.read(record, static_cast<char*>(tensor.mutable_data_ptr()));
        if (swapped) swap_bytes(tensor);
        return stored = PickleValue{tensor};
      },
      bytes.size()));
}

/// (key, offset, size) of a storage that is part of another; none where it is whole.
struct StorageView {
  int64_t offset, size;
};
std::optional<StorageView> storage_view(const PickleValue& id) {
  const auto& items = std::get<PickleList>(id.value).items;
  if (items.size() < 6 || as<PickleNone>(items[5])) return std::nullopt;
  const auto* const view = as<PickleList>(items[5]);
  if (view == nullptr || view->items.size() != 3 || !as<int64_t>(view->items[1]) || !as<int64_t>(view->items[2])) {
    throw Error("a malformed view of a storage");
  }
  return StorageView{*as<int64_t>(view->items[1]), *as<int64_t>(view->items[2])};
}

/// ("module", class, file, source): what stands for the class of a module object; null for another id.
const PickleGlobal* module_class(const PickleValue& id) {
  const auto* const list = std::get_if<PickleList>(&id.value);
  const auto* const kind = list != nullptr && list->items.size() == 4 ? as<std::string>(list->items[0]) : nullptr;
  return kind != nullptr && *kind == "module" ? as<PickleGlobal>(list->items[1]) : nullptr;
}

/// The storages of a file before PyTorch 1.6, whose values follow the object: each storage's count, then its values.
class LegacyStorages {
 public:
  /// @param rest  what of the file is not read yet
  explicit LegacyStorages(std::string_view& rest) : rest_(rest) {}

  PickleValue load(const PickleValue& value) {
    const StorageId id = storage_id(value);
    const auto [place, fresh] = storages_.try_emplace(id.key, Storage{id, 0, {}});
    Storage& storage = place->second;
    if (!fresh && !storage.id.same_as(id)) throw Error(fmt::format("storage '{}' is of two types or sizes", id.key));
    if (!id.type) return unknown_storage(id);
    if (fresh) {
      // The values follow later: the tensors share this memory.
      storage.size = storage_bytes(id);
      if (storage.size > rest_.size() - claimed_) throw Error("truncated");
      claimed_ += storage.size;
      storage.values = at::zeros({id.count}, *id.type);
    }
    const auto view = storage_view(value);
    if (!view) return {storage.values};
    if (view->offset < 0 || view->size < 0 || view->offset > id.count || view->size > id.count - view->offset) {
      throw Error("a view that leaves its storage");
    }
    return {storage.values.narrow(0, view->offset, view->size)};
  }

  /// @param keys  of the storages, in the order in which they follow
  void fill(const PickleList& keys) {
    std::vector<Storage*> order;
    std::unordered_set<std::string_view> seen;
    for (const auto& key : keys.items) {
      const auto* name = as<std::string>(key);
      const auto found = name ? storages_.find(*name) : storages_.end();
      if (found == storages_.end()) throw Error("an unknown storage");
      if (!seen.insert(*name).second) throw Error(fmt::format("storage '{}' stands twice", *name));
      order.push_back(&found->second);
    }
    for (size_t i = 0; i < order.size(); ++i) {
      Storage& storage = *order[i];
      int64_t count = 0;
      std::memcpy(&count, take(sizeof count).data(), sizeof count);
      if (count != storage.id.count) {
        throw Error(fmt::format("storage '{}' of {} has {}", storage.id.key, counted(storage.id.count, "value"), count));
      }
      if (!storage.id.type) {
        take(unread_size(storage, i + 1 < order.size() ? order[i + 1] : nullptr));
        continue;
      }
      const std::string_view values = take(storage.size);
      if (!values.empty()) std::memcpy(storage.values.mutable_data_ptr(), values.data(), values.size());
    }
    if (seen.size() < storages_.size()) throw Error("truncated: storages without values");
  }

 private:
  struct Storage {
    StorageId id;
    uint64_t size;      // in the file
    at::Tensor values;  // none: of a type that is not read
  };

  std::string_view take(uint64_t count) {
    if (count > rest_.size()) throw Error("truncated");
    const std::string_view out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return out;
  }

  /// How long a value of a type is that is not read nobody says; but behind the last of them stands the next storage's count, or the file
  /// ends.
  uint64_t unread_size(const Storage& storage, const Storage* next) {
    const auto count = static_cast<uint64_t>(storage.id.count);
    if (count > rest_.size()) throw Error("truncated");
    const std::string& type = as<PickleGlobal>(storage.id.type_name)->name;
    if (count == 0) return 0;
    if (const auto known = widths_.find(type); known != widths_.end()) return count * known->second;
    std::vector<uint64_t> fitting;
    for (const uint64_t width : {1, 2, 4, 8, 16}) {
      if (count > rest_.size() / width) break;
      const std::string_view behind = rest_.substr(count * width);
      int64_t next_count = 0;
      if (next != nullptr && behind.size() >= sizeof next_count) std::memcpy(&next_count, behind.data(), sizeof next_count);
      if (next == nullptr ? behind.empty() : behind.size() >= sizeof next_count && next_count == next->id.count) fitting.push_back(width);
    }
    if (fitting.size() != 1) {
      throw Error(fmt::format("storage '{}' is of type '{}', and nothing tells where it ends", storage.id.key, type));
    }
    widths_.emplace(type, fitting[0]);
    return count * fitting[0];
  }

  std::string_view& rest_;
  uint64_t claimed_ = 0;
  std::unordered_map<std::string, Storage> storages_;
  std::unordered_map<std::string, uint64_t> widths_;  // bytes of a value, by types that are not read
};

/// Before PyTorch 1.6: pickles of a magic number, a version, the machine, the object, the storages' keys; then each
/// storage's count and values, little-endian whatever the machine was.
std::vector<StateDict> parse_legacy(std::string_view bytes) {
  const size_t file_size = bytes.size();
  const auto no_storages = [](const PickleValue&) -> PickleValue { throw Error("a storage outside the object"); };
  read_pickle(bytes, no_storages, file_size);
  constexpr int64_t kVersion = 1001;
  const PickleDocument version = read_pickle(bytes, no_storages, file_size);
  if (const auto* number = as<int64_t>(version.root()); number == nullptr || *number != kVersion) throw Error("a version that is unknown");
  read_pickle(bytes, no_storages, file_size);
  LegacyStorages storages(bytes);
  const PickleDocument document = read_pickle(
      bytes,
      [&](const PickleValue& value) {
        const auto* const name = module_class(value);
        return name != nullptr ? PickleValue{*name} : storages.load(value);
      },
      file_size);
  const PickleDocument keys = read_pickle(bytes, no_storages, file_size);
  const auto* list = as<PickleList>(keys.root());
  if (list == nullptr) throw Error("no list of storages");
  storages.fill(*list);
  return state_dicts(document);
}

/// What a file says of itself that is one of several: "model-00001-of-00002.safetensors".
struct Part {
  std::string stem;
  int64_t number, count;
};
std::optional<Part> part_of(const std::string& file_name) {
  static const std::regex kPattern(R"((.*)-(\d{1,9})-of-(\d{1,9})\.[A-Za-z]+)");
  std::smatch found;
  if (!std::regex_match(file_name, found, kPattern)) return std::nullopt;
  const auto number = whole_number(found[2].str()), count = whole_number(found[3].str());
  return number && count && *count > 1 ? std::optional(Part{found[1].str(), *number, *count}) : std::nullopt;
}

[[noreturn]] void refuse_part(const std::filesystem::path& file, const Part& part) {
  std::error_code ignored;
  std::string index;
  for (const auto& entry : std::filesystem::directory_iterator(file.parent_path().empty() ? "." : file.parent_path(), ignored)) {
    // Several networks may lie in one folder: the index of "model-00001-of-00002.bin" begins with "model.".
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".index.json") && name.starts_with(part.stem + ".")) index = name;
  }
  throw Error(fmt::format("{}: part {} of {}; {}", file.string(), part.number, part.count,
                          index.empty() ? "give the file *.index.json that goes with them, which is not beside it"
                                        : fmt::format("give '{}' beside it, which names them all", index)));
}

[[noreturn]] void refuse_kind(const std::string& name, detail::FileKind kind) {
  throw Error(fmt::format("{}: neither a torch.save file nor a safetensors file: it is {}", name, detail::describe(kind)));
}

/// The whole file, if it can be one that is read here.
std::string read_weights(const std::filesystem::path& file) {
  using detail::FileKind;
  const FileKind kind = detail::kind_of_head(file);
  const bool possible = detail::is_zip(kind) || kind == FileKind::kTorchLegacy || kind == FileKind::kSafetensors || kind == FileKind::kJson;
  if (!possible) refuse_kind(file.string(), kind);
  return read_file(file);
}

std::vector<StateDict> load_one(const std::filesystem::path& file, const std::string& bytes) {
  const std::string name = file.string();
  const detail::FileKind kind = detail::file_kind(bytes);
  switch (kind) {
    case detail::FileKind::kTorchZip:
    case detail::FileKind::kTorchScript:
    case detail::FileKind::kTorchExport:
    case detail::FileKind::kTorchLegacy: return parse_torch_file(bytes, name);
    case detail::FileKind::kSafetensors: {
      StateDict dict;
      dict.tensors = parse_safetensors(bytes, name, &dict.unread).tensors;
      return {std::move(dict)};
    }
    default: refuse_kind(name, kind);
  }
}

/// Weights in several files, as {"weight_map": {tensor: file}} names them.
std::vector<StateDict> load_index(const std::filesystem::path& file, const std::string& bytes) {
  const nlohmann::json index = detail::parse_json(bytes, file.string());
  const nlohmann::json& places = detail::json_object(index, "weight_map", file.string());
  std::map<std::string, std::vector<std::string>> parts;
  for (const auto& [name, place] : places.items()) {
    const std::string& part = detail::json_text(places, name, file.string() + ": weight_map");
    if (part.empty() || part != std::filesystem::path(part).filename().string() || part == "." || part == "..") {
      throw Error(fmt::format("{}: weight_map: '{}' is no name of a file beside the index", file.string(), part));
    }
    parts[part].push_back(name);
  }
  StateDict whole;
  for (const auto& [part, names] : parts) {
    const std::filesystem::path place = file.parent_path() / part;
    std::error_code ignored;
    if (!std::filesystem::exists(place, ignored)) {
      throw Error(fmt::format("{}: part '{}' is missing ({} of {})", file.string(), part, names.size(), counted(places.size(), "tensor")));
    }
    std::unordered_map<std::string, at::Tensor> tensors;
    for (StateDict& dict : load_one(place, read_weights(place))) {
      if (!dict.path.empty()) continue;
      for (auto& [name, tensor] : dict.tensors) tensors.emplace(std::move(name), std::move(tensor));
      std::ranges::move(dict.unread, std::back_inserter(whole.unread));
    }
    for (const std::string& name : names) {
      const auto found = tensors.find(name);
      const auto is_unread = [&](const UnreadTensor& tensor) { return tensor.name == name; };
      if (found != tensors.end()) {
        whole.tensors.emplace_back(name, found->second);
      } else if (std::ranges::none_of(whole.unread, is_unread)) {
        throw Error(fmt::format("{}: '{}' is not in '{}'", file.string(), name, part));
      }
    }
  }
  return {std::move(whole)};
}

}  // namespace

std::vector<StateDict> parse_torch_file(std::string_view bytes, std::string_view name) {
  std::vector<StateDict> found;
  const detail::FileKind kind = detail::file_kind(bytes);
  try {
    switch (kind) {
      case detail::FileKind::kTorchZip: found = parse_zip(bytes); break;
      case detail::FileKind::kTorchLegacy: found = parse_legacy(bytes); break;
      case detail::FileKind::kTorchScript:
      case detail::FileKind::kTorchExport: throw Error(fmt::format("{}, not its tensors: save its state_dict()", detail::describe(kind)));
      default: throw Error(fmt::format("not a torch.save file: it is {}", detail::describe(kind)));
    }
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", name, error.what()));
  } catch (const c10::Error&) {
    throw Error(fmt::format("{}: damaged: a tensor that no memory holds", name));
  } catch (const std::bad_alloc&) {
    throw Error(fmt::format("{}: an entry claims more memory than there is", name));
  }
  const auto has_tensors = [](const StateDict& dict) { return !dict.tensors.empty(); };
  if (std::ranges::none_of(found, has_tensors)) {
    if (found.empty()) throw Error(fmt::format("{}: no tensors by name in it", name));
    const UnreadTensor& first = found.front().unread.front();
    const std::string place = found.front().path + (found.front().path.empty() || first.name.empty() ? "" : ".") + first.name;
    throw Error(
        fmt::format("{}: no tensors by name in it; {}{}", name, place.empty() ? "it holds " : fmt::format("'{}' is ", place), first.why));
  }
  return found;
}

std::vector<StateDict> load_state_dicts(const std::filesystem::path& file) {
  const std::string bytes = read_weights(file);
  if (file.filename().string().ends_with(".index.json") && detail::file_kind(bytes) == detail::FileKind::kJson)
    return load_index(file, bytes);
  if (const auto part = part_of(file.filename().string())) refuse_part(file, *part);
  return load_one(file, bytes);
}

}  // namespace secgan
