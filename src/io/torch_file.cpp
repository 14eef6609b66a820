#include "secgan/io/torch_file.hpp"

#include <ATen/ATen.h>
#include <caffe2/serialize/inline_container.h>
#include <caffe2/serialize/read_adapter_interface.h>

#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <unordered_map>

#include "core/format.hpp"
#include "io/pickle.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"

namespace secgan {
namespace {

/// ("storage", type, key, place, count, …): what a persistent id says of a storage.
struct StorageId {
  at::ScalarType type;
  std::string key;
  int64_t count;
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
  const auto type = storage_type(global->name);
  if (!type) throw Error(fmt::format("storage type '{}' is not supported", global->name));
  return {*type, *key, *count};
}

at::Tensor storage_tensor(const StorageId& id, std::string_view bytes) {
  int64_t wanted = 0;
  if (__builtin_mul_overflow(id.count, static_cast<int64_t>(c10::elementSize(id.type)), &wanted) ||
      static_cast<uint64_t>(wanted) != bytes.size()) {
    throw Error(fmt::format("storage '{}' of {} values has {} bytes", id.key, id.count, bytes.size()));
  }
  at::Tensor tensor = at::empty({id.count}, id.type);
  if (!bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

/// Collects every dictionary that has tensors of its own.
class Collector {
 public:
  explicit Collector(const PickleRef& root) {
    if (const auto* dict = as<PickleDict>(root)) visit(*dict, "", 0);
  }
  std::vector<StateDict> found() && { return std::move(found_); }

 private:
  void visit(const PickleDict& dict, const std::string& path, int depth) {
    spend(path.size() + dict.items.size());
    StateDict state{path, {}};
    for (const auto& [key, value] : dict.items) {
      const auto* name = as<std::string>(key);
      if (name == nullptr) continue;
      if (const auto* tensor = as<at::Tensor>(value)) {
        spend(name->size() + sizeof(NamedTensors::value_type));
        const std::string_view prefix = "module.";
        state.tensors.emplace_back(name->starts_with(prefix) ? name->substr(prefix.size()) : *name, *tensor);
      } else if (const auto* inner = as<PickleDict>(value); inner != nullptr && depth < kDeepest) {
        visit(*inner, path.empty() ? *name : path + "." + *name, depth + 1);
      }
    }
    if (!state.tensors.empty()) found_.push_back(std::move(state));
  }

  /// A dictionary, or a long name, may stand in many places, and is collected in each: a small file may ask for any time and memory.
  void spend(size_t cost) {
    spent_ += cost;
    if (spent_ > kMost) throw Error("names without end");
  }

  static constexpr int kDeepest = 8;  // a dictionary inside itself has no end
  static constexpr size_t kMost = size_t{64} << 20;
  size_t spent_ = 0;
  std::vector<StateDict> found_;
};

std::vector<StateDict> state_dicts(const PickleDocument& document) { return Collector(document.root()).found(); }

/// A file in memory. An archive may ask for bytes behind its end, and not every version of PyTorch's own adapter refuses them.
class ArchiveBytes final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit ArchiveBytes(std::string_view bytes) : bytes_(bytes) {}
  size_t size() const override { return bytes_.size(); }
  /// @return how many there were
  size_t read(uint64_t place, void* into, size_t count, const char*) const override {
    const std::string_view found = place < bytes_.size() ? bytes_.substr(place, count) : std::string_view();
    if (!found.empty()) std::memcpy(into, found.data(), found.size());
    return found.size();
  }

 private:
  std::string_view bytes_;
};

std::vector<StateDict> parse_zip(std::string_view bytes) {
  caffe2::serialize::PyTorchStreamReader archive(std::make_shared<ArchiveBytes>(bytes));
  const auto record = [&](const std::string& name) {
    auto [data, size] = archive.getRecord(name);
    return std::pair(std::move(data), size);
  };
  if (!archive.hasRecord("data.pkl")) throw Error("an archive without data.pkl");
  const auto [pickle, pickle_size] = record("data.pkl");
  std::unordered_map<std::string, at::Tensor> storages;
  std::string_view stream(static_cast<const char*>(pickle.get()), pickle_size);
  return state_dicts(read_pickle(stream, [&](const PickleValue& value) {
    const StorageId id = storage_id(value);
    auto [place, fresh] = storages.try_emplace(id.key);
    if (fresh) {
      const auto [data, size] = record("data/" + id.key);
      place->second = storage_tensor(id, {static_cast<const char*>(data.get()), size});
    }
    return PickleValue{place->second};
  }));
}

/// Before PyTorch 1.6: pickles of a magic number, a version, the machine, the object, the storages' keys; then each
/// storage's count and values.
std::vector<StateDict> parse_legacy(std::string_view bytes) {
  const auto no_storages = [](const PickleValue&) -> PickleValue { throw Error("a storage outside the object"); };
  for (int i = 0; i < 3; ++i) read_pickle(bytes, no_storages);
  std::unordered_map<std::string, std::pair<StorageId, at::Tensor>> storages;
  size_t claimed = 0;
  const PickleDocument document = read_pickle(bytes, [&](const PickleValue& value) {
    StorageId id = storage_id(value);
    const auto& items = std::get<PickleList>(value.value).items;
    if (items.size() > 5 && !as<PickleNone>(items[5])) throw Error("storages that are views of others are not supported");
    auto [place, fresh] = storages.try_emplace(id.key, id, at::Tensor());
    // The values follow later: the tensors share this memory.
    if (fresh) {
      if (static_cast<uint64_t>(id.count) > bytes.size()) throw Error("truncated");
      claimed += static_cast<size_t>(id.count) * c10::elementSize(id.type);
      if (claimed > bytes.size()) throw Error("truncated");
      place->second.second = at::zeros({id.count}, id.type);
    }
    return PickleValue{place->second.second};
  });
  const PickleDocument keys = read_pickle(bytes, no_storages);
  const auto* list = as<PickleList>(keys.root());
  if (list == nullptr) throw Error("no list of storages");
  const auto take = [&](size_t count) {
    if (count > bytes.size()) throw Error("truncated");
    const std::string_view out = bytes.substr(0, count);
    bytes.remove_prefix(count);
    return out;
  };
  size_t filled = 0;
  for (const auto& key : list->items) {
    const auto* name = as<std::string>(key);
    const auto found = name ? storages.find(*name) : storages.end();
    if (found == storages.end()) throw Error("an unknown storage");
    const auto& [id, tensor] = found->second;
    int64_t count = 0;
    std::memcpy(&count, take(sizeof count).data(), sizeof count);
    if (count != id.count) throw Error(fmt::format("storage '{}' of {} values has {}", id.key, id.count, count));
    const std::string_view values = take(tensor.nbytes());
    if (!values.empty()) std::memcpy(tensor.mutable_data_ptr(), values.data(), values.size());
    ++filled;
  }
  if (filled < storages.size()) throw Error("truncated: storages without values");
  return state_dicts(document);
}

/// The magic number's pickle, protocol 2: what every file before 1.6 begins with.
constexpr std::string_view kLegacyMagic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15);
constexpr std::string_view kZipMagic("PK\x03\x04", 4);

}  // namespace

std::vector<StateDict> parse_torch_file(std::string_view bytes, std::string_view name) {
  std::vector<StateDict> found;
  try {
    if (bytes.starts_with(kZipMagic)) {
      found = parse_zip(bytes);
    } else if (bytes.starts_with(kLegacyMagic)) {
      found = parse_legacy(bytes);
    } else {
      throw Error("not a torch.save file");
    }
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", name, error.what()));
  } catch (const c10::Error& error) {
    throw Error(fmt::format("{}: damaged or truncated archive ({})", name, error.what_without_backtrace()));
  } catch (const std::out_of_range&) {  // of the archive's version number
    throw Error(fmt::format("{}: damaged archive", name));
  } catch (const std::bad_alloc&) {
    throw Error(fmt::format("{}: an entry claims more memory than there is", name));
  }
  if (found.empty()) throw Error(fmt::format("{}: no tensors by name in it", name));
  return found;
}

std::vector<StateDict> load_state_dicts(const std::filesystem::path& file) {
  const std::string bytes = read_file(file);
  if (bytes.starts_with(kZipMagic) || bytes.starts_with(kLegacyMagic)) return parse_torch_file(bytes, file.string());
  // A safetensors file begins with its header's length and an object.
  if (bytes.size() > 8 && bytes[8] == '{') return {{"", parse_safetensors(bytes, file.string()).tensors}};
  throw Error(fmt::format("{}: neither a torch.save file nor a safetensors file", file.string()));
}

}  // namespace secgan
