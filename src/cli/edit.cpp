#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include "cli/commands.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"
#include "secgan/editing/editor.hpp"
#include "secgan/image/image_file.hpp"

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

/// Where each photo's result goes: its own file name in `out`. Two photos of one name would overwrite each other.
std::vector<fs::path> targets(const std::vector<std::string>& photos, const fs::path& out) {
  std::map<fs::path, std::string> taken;
  std::vector<fs::path> files;
  for (const std::string& photo : photos) {
    fs::path name = fs::path(photo).filename();
    if (name.extension() != ".png" && name.extension() != ".jpg" && name.extension() != ".jpeg") name += ".png";
    const auto [place, fresh] = taken.emplace(out / name, photo);
    if (!fresh) throw InvalidArgument(fmt::format("'{}' and '{}' have one file name: edit them into two folders", place->second, photo));
    std::error_code ignored;
    if (fs::equivalent(place->first, photo, ignored)) throw InvalidArgument(fmt::format("--out would overwrite '{}'", photo));
    files.push_back(out / name);
  }
  return files;
}

/// `name` with another stem ending and extension.
fs::path beside(const fs::path& file, const std::string& suffix) { return file.parent_path() / (file.stem().string() + suffix); }

struct EditRequest {
  std::string model, out, upscaling = "resize", source;
  std::vector<std::string> photos, sets;
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
  const Editor editor = Editor::from_pretrained(options.model);
  // Wrong names end the command before the first photo is read.
  editor.attributes().difference(at::zeros({1, editor.attributes().size()}), edits);
  if (how.source) editor.attributes().labels(*how.source, "--source");
  const std::vector<fs::path> files = targets(options.photos, options.out);
  std::vector<at::Tensor> photos;
  for (const std::string& photo : options.photos) photos.push_back(read_image(photo));
  fs::create_directories(options.out);

  for (size_t i = 0; i < photos.size(); ++i) {
    const EditedPhoto edited = editor.edit(photos[i], edits, how);
    if (options.grid) {
      // The photo, each edit alone, then all together.
      std::vector<at::Tensor> row{edited.crop};
      if (edits.size() > 1) {
        for (const AttributeEdit& one : edits) row.push_back(editor.edit(photos[i], {one}, how).photo);
      }
      row.push_back(edited.photo);
      write_image(files[i], image_grid({row}));
    } else {
      write_image(files[i], edited.photo);
    }
    if (options.mask) {
      write_index_mask(beside(files[i], "_mask.png"), editor.parse_cropped(edited.photo), Labels::kSecgan12);
    }
    std::vector<std::string> has;
    for (const auto& [name, shown] : edited.source) {
      if (shown) has.push_back(name);
    }
    fmt::print("{}  ({} {})\n", files[i].string(),
               source_given ? "given:" : "seen:", has.empty() ? "none" : fmt::format("{}", fmt::join(has, ", ")));
  }
}

struct ExportOptions {
  std::string model, out;
  bool half = false;
};

struct ParseOptions {
  std::string model, out;
  std::vector<std::string> photos;
};

void parse(const ParseOptions& options) {
  const Editor editor = Editor::from_pretrained(options.model);
  const std::vector<fs::path> files = targets(options.photos, options.out);
  std::vector<at::Tensor> photos;
  for (const std::string& photo : options.photos) photos.push_back(read_image(photo));
  fs::create_directories(options.out);
  for (size_t i = 0; i < photos.size(); ++i) {
    const at::Tensor ids = editor.parse(photos[i]);
    const at::Tensor overlay = editor.crop(photos[i]).to(at::kFloat).mul(0.5).add(colorize(ids, Labels::kSecgan12), 0.5).to(at::kByte);
    write_index_mask(beside(files[i], "_mask.png"), ids, Labels::kSecgan12);
    write_image(beside(files[i], "_overlay.png"), overlay);
    fmt::print("{}\n{}\n", beside(files[i], "_mask.png").string(), beside(files[i], "_overlay.png").string());
  }
}

}  // namespace

void add_editing(CLI::App& app) {
  {
    CLI::App& command = *app.add_subcommand("edit", "edit photos with a bundle");
    auto options = std::make_shared<EditRequest>();
    command.add_option("model", options->model, "the bundle's folder")->required()->type_name("MODEL");
    command.add_option("photos", options->photos, "JPEG or PNG files")->required()->type_name("PHOTO...");
    command.add_option("--set", options->sets, "NAME=STRENGTH, as Eyeglasses=+1 (repeatable): positive adds, negative removes")
        ->required()
        ->allow_extra_args(false)
        ->type_name("NAME=X");
    command.add_option("--out", options->out, "folder for the results, which keep the photos' names")->required()->type_name("DIR");
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
    auto options = std::make_shared<ParseOptions>();
    command.add_option("model", options->model, "the bundle's folder")->required()->type_name("MODEL");
    command.add_option("photos", options->photos, "JPEG or PNG files")->required()->type_name("PHOTO...");
    command.add_option("--out", options->out, "folder for NAME_mask.png and NAME_overlay.png")->required()->type_name("DIR");
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
