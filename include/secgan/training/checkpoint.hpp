#pragma once
/// What a run resumes from, and the folder that keeps it for one process at a time.

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "secgan/core/export.hpp"
#include "secgan/core/named_tensors.hpp"

namespace secgan {

/// Texts by name, in a fixed order.
using NamedTexts = std::vector<std::pair<std::string, std::string>>;

/// Sum and count of a value, for a mean that a resumed run goes on with.
struct RunningMean {
  std::string name;
  double sum = 0;
  int64_t count = 0;
};

/// A run after `step` steps.
struct Checkpoint {
  std::string task;      ///< the task's name
  int64_t step = 0;      ///< not negative
  NamedTensors tensors;  ///< the task's state
  int64_t skipped = 0;   ///< batches are those of step + skipped: rolling back leaves the failed ones out
  int64_t rollbacks = 0;
  bool landmark = true;            ///< one that a run may be rolled back to: all stops and resumes of a run leave the same ones
  int64_t threads = 0;             ///< that computed it; 0: not known
  bool threads_measured = false;   ///< that number was chosen by measurement, not asked for
  std::vector<RunningMean> means;  ///< of the values since the last log line
  NamedTexts identity;             ///< what it belongs to and no other: attributes in order, photos, labels, networks
  NamedTexts settings;             ///< that may change, and are then told
  bool sealed = true;              ///< false: written by an earlier version, without a digest
};

/// A safetensors file whose metadata hold a SHA-256 over everything else in it.
SECGAN_API std::string encode_checkpoint(const Checkpoint& checkpoint);
/// @param name  of the file, for messages
/// @throws Error for what is no checkpoint, is damaged in any bit, or holds a value that is not finite (the tensor is named).
SECGAN_API Checkpoint parse_checkpoint(std::string_view bytes, std::string_view name);

/// Whether there is a run in the folder to resume.
SECGAN_API bool has_checkpoint(const std::filesystem::path& run);

/// A run's folder, held by this process while the object lives: another one, of this process or of any, is refused. The lock is the
/// system's (flock on the folder's `.lock`) and ends with the process, however that ends.
class SECGAN_API RunFolder {
 public:
  /// Makes the folder where it is missing; what was made and stayed empty goes again with the object.
  /// @param resume  true: the folder must be there; false: it must hold no checkpoint
  /// @throws Error naming the process that holds it, or FileNotFound.
  RunFolder(const std::filesystem::path& path, bool resume);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path checkpoint_file() const { return path_ / "checkpoint.safetensors"; }

  /// False on file systems that know no locks, as some network ones: nobody is kept out there.
  bool locked() const;

  /// The newest checkpoint that is whole; nullopt: none was written yet.
  /// @param told  gets a line when that is not the newest, or when it is of an earlier version and cannot be proven
  /// @throws Error naming what is wrong with the newest when no other is whole.
  std::optional<Checkpoint> load(std::ostream& told);
  /// The newest landmark that is whole.
  std::optional<Checkpoint> load_landmark() const;

  /// Written, synced and read back before it takes the place of the newest, which stays as checkpoint.previous.safetensors if it is a
  /// landmark.
  /// @throws Error; what was there stays.
  void save(const Checkpoint& checkpoint);

 private:
  struct Lock;
  std::filesystem::path path_;
  std::unique_ptr<Lock> lock_;
  bool newest_stays_ = false;  // as the one before the next
};

}  // namespace secgan
