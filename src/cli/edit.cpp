#include <c10/util/Exception.h>

#include <array>
#include <filesystem>
#include <utility>

#include "cli/commands.hpp"
#include "cli/outputs.hpp"
#include "cli/printing.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"
#include "secgan/editing/editor.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"

namespace secgan::cli {
namespace {

namespace fs = std::filesystem;

/// "Eyeglasses=+1" as an edit.
AttributeEdit parse_edit(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) throw InvalidArgument(fmt::format("--set '{}' is not NAME=STRENGTH", text));
  const std::string value = text.substr(equals + 1);
  size_t used = 0;
  double strength = 0;
  try {
    strength = std::stod(value, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != value.size())
    throw InvalidArgument(fmt::format("--set {}: strength '{}' is not a number", text.substr(0, equals), value));
  return {text.substr(0, equals), strength};
}

/// What to do about a photo that cannot be used.
enum class OnError { kStop, kSkip };
constexpr std::array<std::pair<std::string_view, OnError>, 2> kOnErrors{{{"stop", OnError::kStop}, {"skip", OnError::kSkip}}};

/// What every command on photos is asked.
struct PhotoRequest {
  std::string model, out, on_error = "stop";
  std::vector<std::string> photos;
  bool overwrite = false;
};

void add_photos(CLI::App& command, PhotoRequest& request, const std::string& results) {
  command.add_option("model", request.model, "the bundle's folder")->required()->type_name("MODEL");
  command.add_option("photos", request.photos, "JPEG or PNG files")->required()->type_name("PHOTO...");
  command.add_option("--out", request.out, "folder for " + results)->required()->type_name("DIR");
  command
      .add_option("--on-error", request.on_error, "stop before the first result when a photo cannot be read, or skip it and do the rest")
      ->capture_default_str()
      ->type_name("stop|skip");
  command.add_flag("--overwrite", request.overwrite, "replace files in the folder that this command did not make, too");
}

/// A photo's results, encoded, and what to say of them.
struct Finished {
  std::vector<std::string> bytes;  ///< of each planned file
  std::string line;
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

/// Photos are read, worked on and written one by one, so that memory holds one, whatever their number.
/// @param work  (photo, its files) -> Finished
template <class Work>
void each_photo(const PhotoRequest& request, std::vector<PhotoOutputs> plan, const Work& work) {
  const bool skip = parse_name(kOnErrors, request.on_error, "--on-error") == OnError::kSkip;
  const auto succeeds = [&](const PhotoOutputs& one, const auto& step) {
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
  };
  // A first look at all of them: what is damaged is told before the first result is written.
  const size_t given = plan.size();
  if (given > 1) std::erase_if(plan, [&](const PhotoOutputs& one) { return !succeeds(one, [&] { read_image(one.photo); }); });
  size_t done = 0;
  for (const PhotoOutputs& one : plan) {
    Finished finished;
    if (!succeeds(one, [&] { finished = work(read_image(one.photo), one); })) continue;
    make_folder(request.out);
    for (size_t i = 0; i < one.files.size(); ++i) write_file(one.files[i], finished.bytes[i]);
    say("{}", finished.line);
    ++done;
  }
  if (done < given) throw Error(fmt::format("{} of {} photos were skipped", given - done, given));
}

struct EditRequest : PhotoRequest {
  std::string upscaling = "resize", source;
  std::vector<std::string> sets;
  bool grid = false, mask = false;
};

/// "A,B" as labels: these the photo has.
NamedLabels parse_labels(const std::string& text) {
  NamedLabels labels;
  std::istringstream stream(text);
  for (std::string name; std::getline(stream, name, ',');) {
    if (!name.empty()) labels.emplace_back(name, true);
  }
  return labels;
}

void edit(const EditRequest& options, bool source_given) {
  std::vector<AttributeEdit> edits;
  for (const std::string& text : options.sets) edits.push_back(parse_edit(text));
  EditOptions how{.upscaling = parse_name(kUpscalings, options.upscaling, "--upscaling")};
  if (source_given) how.source = parse_labels(options.source);
  std::vector<Result> results{Result::kPicture};
  if (options.mask) results.push_back(Result::kMask);
  std::vector<PhotoOutputs> plan = plan_outputs(options.photos, options.out, results, options.overwrite);
  const Editor editor = Editor::from_pretrained(options.model);
  // Wrong names end the command before the first photo is read.
  editor.attributes().difference(at::zeros({1, editor.attributes().size()}), edits);
  if (how.source) editor.attributes().labels(*how.source, "--source");

  each_photo(options, std::move(plan), [&](const at::Tensor& photo, const PhotoOutputs& outputs) {
    const EditedPhoto edited = editor.edit(photo, edits, how);
    at::Tensor picture = edited.photo;
    if (options.grid) {
      // The photo, each edit alone, then all together.
      std::vector<at::Tensor> row{edited.crop};
      if (edits.size() > 1) {
        for (const AttributeEdit& one : edits) row.push_back(editor.edit(photo, {one}, how).photo);
      }
      row.push_back(edited.photo);
      picture = image_grid({row});
    }
    Finished finished{{encode_result(outputs.files[0], picture)}, ""};
    if (options.mask) finished.bytes.push_back(encode_mask(editor.parse_cropped(edited.photo)));
    std::vector<std::string> has;
    for (const auto& [name, shown] : edited.source) {
      if (shown) has.push_back(name);
    }
    finished.line = fmt::format("{}  ({} {})", outputs.files[0].string(),
                                source_given ? "given:" : "seen:", has.empty() ? "none" : fmt::format("{}", fmt::join(has, ", ")));
    return finished;
  });
}

struct ExportOptions {
  std::string model, out;
  bool half = false;
};

void parse(const PhotoRequest& options) {
  std::vector<PhotoOutputs> plan = plan_outputs(options.photos, options.out, {Result::kMask, Result::kOverlay}, options.overwrite);
  const Editor editor = Editor::from_pretrained(options.model);
  each_photo(options, std::move(plan), [&](const at::Tensor& photo, const PhotoOutputs& outputs) {
    const at::Tensor ids = editor.parse(photo);
    const at::Tensor overlay = editor.crop(photo).to(at::kFloat).mul(0.5).add(colorize(ids, Labels::kSecgan12), 0.5).to(at::kByte);
    return Finished{{encode_mask(ids), encode_result(outputs.files[1], overlay)},
                    fmt::format("{}\n{}", outputs.files[0].string(), outputs.files[1].string())};
  });
}

}  // namespace

void add_editing(CLI::App& app) {
  {
    CLI::App& command = *app.add_subcommand("edit", "edit photos with a bundle");
    auto options = std::make_shared<EditRequest>();
    add_photos(command, *options, "the results, which keep the photos' names");
    command.add_option("--set", options->sets, "NAME=STRENGTH, as Eyeglasses=+1 (repeatable): positive adds, negative removes")
        ->required()
        ->allow_extra_args(false)
        ->type_name("NAME=X");
    CLI::Option* source =
        command.add_option("--source", options->source, "attributes that the photos have; default: as the bundle's classifier sees them")
            ->type_name("A,B");
    command.add_flag("--grid", options->grid, "write photo, single edits and the whole edit side by side");
    command.add_flag("--mask", options->mask, "also write the edit's parse as palette PNG");
    command.add_option("--upscaling", options->upscaling, "resize: the network's picture; detail: the photo plus the change")
        ->capture_default_str()
        ->type_name("NAME");
    command.callback([=] { edit(*options, source->count() > 0); });
  }
  {
    CLI::App& command = *app.add_subcommand("parse", "segment photos with a bundle's parser");
    auto options = std::make_shared<PhotoRequest>();
    add_photos(command, *options, "NAME_mask.png and NAME_overlay.png");
    command.callback([=] { parse(*options); });
  }
  {
    CLI::App& command = *app.add_subcommand("export", "write a bundle anew, as for shipping it");
    auto options = std::make_shared<ExportOptions>();
    command.add_option("model", options->model, "the bundle's folder")->required()->type_name("MODEL");
    command.add_option("--out", options->out, "the new bundle's folder: new, empty or an older bundle, which is replaced")
        ->required()
        ->type_name("DIR");
    command.add_flag("--half", options->half, "store weights in float16: half the size");
    command.callback([=] {
      require_bundle_place(options->out);
      save_bundle(options->out, load_bundle(options->model), options->half ? Storage::kHalf : Storage::kFloat);
    });
  }
}

}  // namespace secgan::cli
