#include "cli/each_photo.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "cli/commands.hpp"
#include "cli/printing.hpp"
#include "core/counted.hpp"
#include "core/device_threads.hpp"
#include "core/format.hpp"
#include "editing/notes.hpp"
#include "secgan/core/device.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"
#include "secgan/core/threads.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"

namespace secgan::cli {
namespace {

namespace fs = std::filesystem;

/// What to do about a photo that cannot be used.
enum class OnError { kStop, kSkip };
constexpr std::array<std::pair<std::string_view, OnError>, 2> kOnErrors{{{"stop", OnError::kStop}, {"skip", OnError::kSkip}}};

/// Notes of many photos: the first of a kind is told at once, the rest are counted.
class Notes {
 public:
  void tell_of(const fs::path& photo, const std::vector<std::string>& notes) {
    for (const std::string& note : notes) {
      if (times_[note]++ == 0) tell("{}: {}", printable(photo.string()), note);
    }
  }
  void tell_rest() const {
    for (const auto& [note, times] : times_) {
      if (times > 1) tell("the same of {}: {}", counted(times - 1, "more photo"), note);
    }
  }

 private:
  std::map<std::string, int64_t> times_;
};

/// An error of the photo's, by its name.
[[noreturn]] void rethrow_for(const fs::path& photo) {
  const auto about = [&](std::string_view what) {
    return what.find(photo.string()) != std::string_view::npos ? std::string(what) : fmt::format("'{}': {}", photo.string(), what);
  };
  try {
    throw;
  } catch (const FileNotFound& error) {
    throw FileNotFound(about(error.what()));
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(about(error.what()));
  } catch (const c10::Error& error) {
    throw Error(about(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    throw Error(about(error.what()));
  }
}

}  // namespace

void add_photos(CLI::App& command, PhotoRequest& request, const std::string& results) {
  command.add_option("model", request.model, "the bundle's folder")->required()->type_name("MODEL");
  command.add_option("photos", request.photos, "JPEG, PNG, WebP, TIFF or BMP files, or folders of them, whose subfolders are kept")
      ->required()
      ->type_name("PHOTO...");
  command.add_option("--out", request.out, "folder for " + results)->required()->type_name("DIR");
  command
      .add_option("--crop", request.crop,
                  "where the face is, in pixels of the photo: none, center, center:N or box:x,y,w,h; default: the bundle's crop, at the "
                  "photo's scale")
      ->type_name("CROP");
  command
      .add_option("--on-error", request.on_error, "stop before the first result when a photo cannot be read, or skip it and do the rest")
      ->capture_default_str()
      ->type_name("stop|skip");
  command.add_option("--device", request.device, kDeviceHelp)->capture_default_str()->type_name("NAME");
  command.add_flag("--overwrite", request.overwrite, "replace files in the folder that this command did not make, too");
}

bool succeeds(const PhotoRequest& request, const PhotoOutputs& one, const std::function<void()>& step) {
  const bool skip = parse_name(kOnErrors, request.on_error, "--on-error") == OnError::kSkip;
  try {
    try {
      step();
    } catch (const std::exception&) {
      rethrow_for(one.photo);
    }
    return true;
  } catch (const std::exception& error) {
    if (!skip) throw;
    tell("skipped: {}", error.what());
    return false;
  }
}

void require_all(size_t done, size_t given) {
  if (done < given) throw Error(fmt::format("{} skipped", counted_of(given - done, given, "photo", "was", "were")));
}

void each_photo(const PhotoRequest& request, std::vector<PhotoOutputs> plan, const PhotoWork& work) {
  // A first look at all of them: what is damaged is told before the first result is written.
  const size_t given = plan.size();
  if (given > 1) std::erase_if(plan, [&](const PhotoOutputs& one) { return !succeeds(request, one, [&] { read_image(one.photo); }); });
  size_t done = 0;
  Notes notes;
  MeasuredThreads threads(threads_for(find_device(request.device), 0));
  for (const PhotoOutputs& one : plan) {
    Finished finished;
    threads.next();
    const auto finish = [&] {
      const ReadPhoto photo = read_photo(one.photo);
      finished = work(photo.image, one);
      std::ranges::copy(notes_on_pictures(photo.pictures), std::back_inserter(finished.notes));
    };
    if (!succeeds(request, one, finish)) continue;
    for (size_t i = 0; i < one.files.size(); ++i) {
      make_folder(one.files[i].parent_path());
      write_file(one.files[i], finished.bytes[i]);
    }
    say("{}", finished.line);
    notes.tell_of(one.photo, finished.notes);
    ++done;
  }
  notes.tell_rest();
  require_all(done, given);
}

}  // namespace secgan::cli
