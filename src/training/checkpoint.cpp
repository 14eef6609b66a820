#include "secgan/training/checkpoint.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <future>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <system_error>
#include <utility>
#include <vector>

#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/whole_number.hpp"
#include "io/temporary.hpp"
#include "secgan/bundle/bundle.hpp"
#include "secgan/core/error.hpp"
#include "secgan/io/digest.hpp"
#include "secgan/io/file.hpp"
#include "secgan/io/safetensors.hpp"
#include "secgan/nn/state.hpp"

namespace secgan {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

fs::path newest_file(const fs::path& run) { return run / "checkpoint.safetensors"; }
fs::path previous_file(const fs::path& run) { return run / "checkpoint.previous.safetensors"; }

Json to_json(const NamedTexts& texts) {
  Json out = Json::object();
  for (const auto& [name, text] : texts) out[name] = text;
  return out;
}

NamedTexts texts_from(const Json& json) {
  NamedTexts texts;
  for (const auto& [name, text] : json.items()) texts.emplace_back(name, text.get<std::string>());
  return texts;
}

using Metadata = std::map<std::string, std::string>;

/// Of all that a checkpoint says.
/// @param tensors  their digest
std::string digest_of(const Metadata& words, std::string_view tensors) {
  return sha256(fmt::format("{}\n{}\n{}\n{}", words.at("task"), words.at("step"), words.at("run"), tensors));
}

/// What a checkpoint says beside its tensors, without the digest.
Metadata words_of(const Checkpoint& checkpoint) {
  Json means = Json::array();
  for (const RunningMean& mean : checkpoint.means) means.push_back({mean.name, mean.sum, mean.count});
  const std::string run = Json{{"skipped", checkpoint.skipped},
                               {"rollbacks", checkpoint.rollbacks},
                               {"landmark", checkpoint.landmark},
                               {"threads", checkpoint.threads},
                               {"threads_measured", checkpoint.threads_measured},
                               {"means", means},
                               {"identity", to_json(checkpoint.identity)},
                               {"settings", to_json(checkpoint.settings)}}  // Names of photos are the user's, in any encoding.
                              .dump(-1, ' ', false, Json::error_handler_t::replace);
  return {{"step", std::to_string(checkpoint.step)}, {"task", checkpoint.task}, {"run", run}};
}

/// That a file holds what was written to it, and nothing after it.
class Proof {
 public:
  explicit Proof(const fs::path& file) : file_(file, std::numeric_limits<uint64_t>::max()) {}

  void compare(std::string_view expected) {
    while (good_ && !expected.empty()) {
      const size_t got = file_.read(piece_.data(), std::min(piece_.size(), expected.size()));
      good_ = got > 0 && std::memcmp(piece_.data(), expected.data(), got) == 0;
      expected.remove_prefix(got);
    }
  }
  bool complete() { return good_ && file_.read(piece_.data(), 1) == 0; }

 private:
  detail::RegularFile file_;
  std::vector<char> piece_ = std::vector<char>(1 << 20);
  bool good_ = true;
};

int64_t step_from(const std::string& text, std::string_view name) {
  const std::optional<int64_t> step = whole_number(text);
  if (!step || *step < 0) throw Error(fmt::format("{}: a checkpoint after '{}' steps", name, text));
  return *step;
}

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

}  // namespace

std::string encode_checkpoint(const Checkpoint& checkpoint) {
  Metadata words = words_of(checkpoint);
  words["digest"] = digest_of(words, sha256_tensors(checkpoint.tensors));
  return encode_safetensors(checkpoint.tensors, words);
}

Checkpoint parse_checkpoint(std::string_view bytes, std::string_view name) {
  Safetensors file = parse_safetensors(bytes, name);
  const auto text = [&](const std::string& key) {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) throw Error(fmt::format("{}: not a checkpoint, '{}' is missing", name, key));
    return found->second;
  };
  Checkpoint checkpoint{.task = text("task"), .step = step_from(text("step"), name)};
  // Earlier versions wrote these two alone.
  checkpoint.sealed = file.metadata.size() > 2;
  if (checkpoint.sealed) {
    const std::string run = text("run"), digest = text("digest");
    if (digest_of(file.metadata, sha256_tensors(file.tensors)) != digest) {
      throw Error(fmt::format("{}: damaged: its content is not what was written", name));
    }
    try {
      const Json words = Json::parse(run);
      checkpoint.skipped = words.at("skipped").get<int64_t>();
      checkpoint.rollbacks = words.at("rollbacks").get<int64_t>();
      checkpoint.landmark = words.at("landmark").get<bool>();
      checkpoint.threads = words.at("threads").get<int64_t>();
      checkpoint.threads_measured = words.value("threads_measured", false);
      for (const Json& mean : words.at("means")) {
        checkpoint.means.push_back({mean.at(0).get<std::string>(), mean.at(1).get<double>(), mean.at(2).get<int64_t>()});
      }
      checkpoint.identity = texts_from(words.at("identity"));
      checkpoint.settings = texts_from(words.at("settings"));
    } catch (const nlohmann::json::exception&) {
      throw Error(fmt::format("{}: not a checkpoint of this version: what it says of its run is not understood", name));
    }
  }
  require_finite(file.tensors, name);
  checkpoint.tensors = std::move(file.tensors);
  return checkpoint;
}

bool has_checkpoint(const fs::path& run) { return is_there(newest_file(run)) || is_there(previous_file(run)); }

namespace {

constexpr std::string_view kLockName = ".lock";
/// What a run's lock says, and its process.
constexpr std::string_view kLockOwner = "secgan ";

/// A lock that a run left behind, or holds. Somebody else's file of that name is none: nothing follows from it.
bool is_own_lock(const fs::path& file) {
  std::error_code ignored;
  if (fs::symlink_status(file, ignored).type() != fs::file_type::regular) return false;
  try {
    constexpr uint64_t kMost = 64;
    return read_file(file, kMost).starts_with(kLockOwner) || detail::NameLock(file).state() == detail::NameLock::State::kTaken;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

struct RunFolder::Lock {
  explicit Lock(const fs::path& run) : folder(run), path(run / kLockName) {
    for (fs::path above = fs::absolute(run); !above.empty() && !is_there(above); above = above.parent_path()) made.push_back(above);
    make_folder(run);
    // The holder before may remove what was opened.
    do {
      detail::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
      if (!file && errno == ELOOP) throw Error(fmt::format("'{}' is a link, which no run's lock is: remove it", path.string()));
      if (!file) detail::fail(path, "cannot be written", errno);
      held.emplace(path, std::move(file));
      if (held->state() == detail::NameLock::State::kTaken) {
        throw Error(
            fmt::format("{}: another process{} trains in this folder: stop it first, or choose another folder", run.string(), holder()));
      }
    } while (!held->current());
    const std::string pid = fmt::format("{}{}\n", kLockOwner, ::getpid());
    if (::ftruncate(held->get(), 0) != 0 || ::pwrite(held->get(), pid.data(), pid.size(), 0) < 0) errno = 0;  // it is for messages only
  }
  ~Lock() {
    std::error_code ignored;
    if (made.empty() || std::distance(fs::directory_iterator(folder, ignored), {}) != 1) return;
    fs::remove(path, ignored);
    for (const fs::path& empty : made) fs::remove(empty, ignored);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  std::string holder() const {
    std::array<char, 40> text{};
    const ssize_t size = ::pread(held->get(), text.data(), text.size(), 0);
    std::string_view pid(text.data(), size > 0 ? static_cast<size_t>(size) : 0);
    if (pid.starts_with(kLockOwner)) pid.remove_prefix(kLockOwner.size());
    const auto number = whole_number(pid.substr(0, pid.find('\n')));
    return number ? fmt::format(" (pid {})", *number) : std::string();
  }

  fs::path folder, path;
  std::vector<fs::path> made;  // the lowest first
  std::optional<detail::NameLock> held;
};

RunFolder::RunFolder(const fs::path& path, bool resume) : path_(path) {
  if (resume && !is_there(path)) throw FileNotFound(fmt::format("nothing to resume: {} is missing", path.string()));
  // Runs leave their lock behind: a log or settings without one are somebody else's, and so is a lock that is none.
  const bool own = is_own_lock(path / kLockName);
  require_own_place(path, {std::string(kLockName), "settings.toml", "log.jsonl", "samples"}, resume || own || has_checkpoint(path));
  require_bundle_place(path / "bundle");
  const auto refuse_run = [&] {
    if (!resume && has_checkpoint(path))
      throw Error(fmt::format("{} holds a run already: resume it, or choose another folder", path.string()));
  };
  if (!own) refuse_run();  // a folder with a lock counts as a run's: none is made in others
  lock_ = std::make_unique<Lock>(path);
  refuse_run();
}

RunFolder::~RunFolder() = default;

bool RunFolder::locked() const { return lock_->held->state() == detail::NameLock::State::kHeld; }

std::optional<Checkpoint> RunFolder::load(std::ostream& told) {
  std::optional<Error> wrong;
  for (const fs::path& file : {newest_file(path_), previous_file(path_)}) {
    if (!is_there(file)) {
      if (!wrong && file != previous_file(path_)) wrong = FileNotFound(fmt::format("{} is missing", file.string()));
      continue;
    }
    try {
      Checkpoint checkpoint = parse_checkpoint(read_file(file), file.string());
      if (wrong)
        told << fmt::format("{}; going on from the checkpoint before it, after {}\n", wrong->what(), counted(checkpoint.step, "step"));
      if (!checkpoint.sealed) {
        told << fmt::format("{}: written by an earlier version: whether it is whole and belongs to these data cannot be told\n",
                            file.string());
      }
      newest_stays_ = !wrong && checkpoint.landmark;
      return checkpoint;
    } catch (const Error& error) {
      if (!wrong) wrong = error;
    }
  }
  if (has_checkpoint(path_)) throw Error(*wrong);
  told << fmt::format("{} holds no checkpoint yet: starting from the beginning\n", path_.string());
  return std::nullopt;
}

std::optional<Checkpoint> RunFolder::load_landmark() const {
  const auto whole = [](const fs::path& file) -> std::optional<Checkpoint> {
    try {
      return parse_checkpoint(read_file(file), file.string());
    } catch (const Error&) {
      return std::nullopt;
    }
  };
  for (const fs::path& file : {newest_file(path_), previous_file(path_)}) {
    if (std::optional<Checkpoint> checkpoint = whole(file); checkpoint && checkpoint->landmark) return checkpoint;
  }
  return std::nullopt;
}

void RunFolder::save(const Checkpoint& checkpoint) {
  // Beside the one before, until it is proven.
  detail::Temporary fresh = detail::Temporary::file(path_, checkpoint_file(), 0666);
  const int file = fresh.descriptor();
  const auto write = [&](std::string_view bytes) { detail::write_all(file, bytes, checkpoint_file()); };
  const auto check = [&](bool good) {
    if (!good) detail::fail(checkpoint_file(), "cannot be written", errno);
  };
  Metadata words = words_of(checkpoint);
  {
    // Digested while they are written, where another thread can be had: the header, which says the digest, is written once more.
    std::future<std::string> tensors =
        std::async(std::launch::async | std::launch::deferred, [&] { return sha256_tensors(checkpoint.tensors); });
    words["digest"] = std::string(sha256({}).size(), '0');
    encode_safetensors(checkpoint.tensors, words, write);
    words["digest"] = digest_of(words, tensors.get());
  }
  check(::lseek(file, 0, SEEK_SET) == 0);
  write(safetensors_header(checkpoint.tensors, words));
  check(::fsync(file) == 0);
  Proof proof(fresh.path());
  encode_safetensors(checkpoint.tensors, words, [&](std::string_view bytes) { proof.compare(bytes); });
  if (!proof.complete())
    throw Error(fmt::format("'{}': cannot be written: the file does not hold what was written to it", checkpoint_file().string()));
  std::error_code error;
  // The newest name is never without a file; a link costs no second copy.
  if (newest_stays_ && is_there(checkpoint_file())) {
    fs::remove(previous_file(path_), error);
    fs::create_hard_link(checkpoint_file(), previous_file(path_), error);
    if (error) fs::rename(checkpoint_file(), previous_file(path_), error);
  }
  fs::rename(fresh.path(), checkpoint_file(), error);
  if (error) throw Error(fmt::format("'{}': cannot be written: {}", checkpoint_file().string(), error.message()));
  fresh.release();
  newest_stays_ = checkpoint.landmark;
}

}  // namespace secgan
