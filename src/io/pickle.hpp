#pragma once
/// Python's pickle as data: containers, numbers, text, tensors. Nothing is imported, nothing is called.

#include <ATen/core/Tensor.h>

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace secgan {

struct PickleValue;
using PickleRef = std::shared_ptr<PickleValue>;

struct PickleNone {};
/// Something that would need code to mean anything.
struct PickleOpaque {
  enum class Kind {
    kValue,   ///< of no interest: a set, bytes
    kObject,  ///< of a class, `maker`
    kCall,    ///< what a function, `maker`, would have made
    kTensor,  ///< of a storage or type, `maker`, that is not known
  };
  Kind kind = Kind::kValue;
  PickleRef maker = {};  ///< a PickleGlobal, where there is one
  PickleRef state = {};  ///< what the object was given: its attributes, or its items where it is a dictionary of its own kind
};
/// A name that the pickle refers to, as "torch._utils._rebuild_tensor_v2".
struct PickleGlobal {
  std::string name;
};
struct PickleList {
  std::vector<PickleRef> items;
  bool tuple = false;
};
struct PickleDict {
  std::vector<std::pair<PickleRef, PickleRef>> items;
};

struct PickleValue {
  std::variant<PickleNone, PickleOpaque, bool, int64_t, double, std::string, PickleGlobal, PickleList, PickleDict, at::Tensor> value;
};

/// The value as a T; null when it is something else.
template <class T>
const T* as(const PickleRef& ref) {
  return ref ? std::get_if<T>(&ref->value) : nullptr;
}

/// What a pickle holds. Containers may be shared, nested without end or inside themselves; the document owns every
/// value, so that freeing it neither recurses nor leaks.
class PickleDocument {
 public:
  PickleDocument() = default;
  PickleDocument(PickleDocument&&) = default;
  PickleDocument& operator=(PickleDocument&&) = delete;
  PickleDocument(const PickleDocument&) = delete;
  PickleDocument& operator=(const PickleDocument&) = delete;
  ~PickleDocument();

  PickleRef make(PickleValue value);
  /// The value that the pickle is of.
  const PickleRef& root() const { return root_; }
  void set_root(PickleRef root) { root_ = std::move(root); }

 private:
  std::vector<PickleRef> all_;
  PickleRef root_;
};

/// Turns a persistent id (of a storage) into a value.
using PersistentLoad = std::function<PickleValue(const PickleValue& id)>;

/// Reads one pickle and moves `bytes` behind it. What it may ask for in memory grows with its size: a byte of a pickle can ask for a
/// hundred of memory, or refer to what was made before again and again.
/// @param file_size  of the file that the pickle is from: a packed pickle is larger than its file
/// @throws Error ("pickle: …") for anything malformed, or that asks for more memory than such a file has use for.
PickleDocument read_pickle(std::string_view& bytes, const PersistentLoad& persistent_load,
                           size_t file_size = std::numeric_limits<size_t>::max());

/// PyTorch's "torch.FloatStorage" and its like; bytes for a storage without type.  @return nullopt when it is none
std::optional<at::ScalarType> storage_type(std::string_view global);

/// A storage of bytes, whose tensors say of which type they are.
bool is_untyped_storage(std::string_view global);

/// "an object of class 'models.Net'", "made by 'torch._utils._rebuild_qtensor'", …
std::string describe(const PickleOpaque& opaque);

}  // namespace secgan
