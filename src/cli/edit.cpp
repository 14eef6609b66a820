#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "cli/commands.hpp"
#include "cli/each_photo.hpp"
#include "cli/film.hpp"
#include "cli/outputs.hpp"
#include "cli/printing.hpp"
#include "cli/strengths.hpp"
#include "core/comma_list.hpp"
#include "core/counted.hpp"
#include "core/device_threads.hpp"
#include "core/format.hpp"
#include "film/film_file.hpp"
#include "image/row_bands.hpp"
#include "io/normal_form.hpp"
#include "secgan/alignment/detector_file.hpp"
#include "secgan/core/device.hpp"
#include "secgan/core/error.hpp"
#include "secgan/core/labels.hpp"
#include "secgan/core/names.hpp"
#include "secgan/core/threads.hpp"
#include "secgan/data/attribute_list.hpp"
#include "secgan/data/photo_names.hpp"
#include "secgan/editing/editor.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/image/labels.hpp"
#include "secgan/io/file.hpp"
#include "secgan/report/progress.hpp"

namespace secgan::cli {
namespace {

namespace fs = std::filesystem;

/// Which part of a photo was worked on: "all of 64 x 64", "458 x 458 at (11, 91) of 480 x 640".
std::string kept(const Rect& place, const at::Tensor& photo) {
  const int64_t height = photo.size(1), width = photo.size(2);
  if (place == Rect{0, 0, width, height}) return fmt::format("all of {} x {}", width, height);
  return fmt::format("{} x {} at ({}, {}) of {} x {}", place.width, place.height, place.x, place.y, width, height);
}

struct EditRequest : PhotoRequest {
  std::string upscaling = "auto", region = "free", source, source_list, engine = "auto", precision = "float32", sweep, face, detector;
  std::vector<std::string> sets;
  bool grid = false, mask = false, whole = false, no_provenance = false, crop_only = false, animate = false, film = false;
};

/// `--crop`, where it is given.
std::optional<Crop> chosen_crop(const PhotoRequest& request) {
  return request.crop.empty() ? std::nullopt : std::optional(parse_crop(request.crop));
}

/// Whether photos are searched for faces: where the bundle's are aligned, unless a flag says otherwise.
/// @throws InvalidArgument for flags that contradict the bundle.
std::optional<FaceSearch> chosen_faces_of(const EditRequest& request, const Editor& editor) {
  const bool asked = !request.face.empty() || !request.detector.empty();
  FaceSearch search{.unless_aligned = request.face.empty()};
  if (!request.face.empty()) search.choice = parse_face_choice(request.face, "--face");
  if (asked && !editor.layout()) {
    throw InvalidArgument(fmt::format(
        "{}: the photos of '{}' are {}: photos are cropped, not searched for faces", request.face.empty() ? "--detector" : "--face",
        request.model, editor.bundle().info.trained_on.empty() ? "not said to be aligned" : editor.bundle().info.trained_on));
  }
  if (request.crop_only || !request.crop.empty() || !editor.layout()) return std::nullopt;
  if (!request.detector.empty()) search.detector = load_detector(request.detector);
  return search;
}

/// "seen: Male, Young"
std::string text_of(const NamedLabels& source, bool given) {
  std::vector<std::string> has;
  for (const auto& [name, is_shown] : source) {
    if (is_shown) has.push_back(name);
  }
  return fmt::format("{} {}", given ? "given:" : "seen:", has.empty() ? "none" : fmt::format("{}", fmt::join(has, ", ")));
}

/// What was edited, in a line: "seen: Male; edited: 458 x 458 at (11, 91) of 480 x 640", "1 of 2 faces: 90 x 120 at (210, 80), seen: Male".
std::string text_of(const EditedPhoto& edited, const at::Tensor& photo, bool given) {
  if (edited.faces.empty()) return fmt::format("{}; edited: {}", text_of(edited.source, given), kept(edited.place, photo));
  std::vector<std::string> faces;
  for (const auto& [face, place, after, before, source, difference] : edited.faces) {
    faces.push_back(fmt::format("{:.0f} x {:.0f} at ({:.0f}, {:.0f}), {}", face.right - face.left, face.bottom - face.top, face.left,
                                face.top, text_of(source, given)));
  }
  return fmt::format("{}: {}", counted_of(edited.faces.size(), edited.faces_found, "face", "edited", "edited"), fmt::join(faces, "; "));
}

/// An edit that follows another without its own --set stands among the photos.
void refuse_edits_among_photos(const std::vector<std::string>& photos) {
  for (const std::string& photo : photos) {
    std::error_code ignored;
    if (photo.find('=') == std::string::npos || fs::exists(photo, ignored)) continue;
    throw InvalidArgument(fmt::format("'{}' is no photo: each edit takes a --set of its own, --set A=1 --set B=1", photo));
  }
}

/// "Eyeglasses +1"
std::string text_of(const AttributeEdit& edit) { return fmt::format("{} {:+g}", edit.name, edit.strength); }

/// The classes of a crop, in its place in the photo.
at::Tensor whole_mask(const at::Tensor& ids, const at::Tensor& photo, const Rect& place) {
  at::Tensor whole = at::full({photo.size(1), photo.size(2)}, kSecganClasses - 1, at::kByte);
  crop_image(whole, place).copy_(ids);
  return whole;
}

/// "A,B" as labels: these the photo has.
NamedLabels parse_labels(const std::string& text) {
  NamedLabels labels;
  for (const std::string& name : comma_list(text)) {
    if (name.empty()) throw InvalidArgument(fmt::format("--source '{}': a name between the commas is missing", text));
    labels.emplace_back(name, true);
  }
  return labels;
}

/// What each photo shows, by a list: the attributes that it and the bundle know.
class ListedSources {
 public:
  /// @throws InvalidArgument for photos that the list does not name, or a list without any of the attributes.
  ListedSources(const std::string& file, const AttributeSchema& known, const std::vector<PhotoOutputs>& photos)
      : list_(read_attribute_list(file, shared(file, known))), names_(list_.photos) {
    std::vector<std::string> unlisted, silent;
    std::map<size_t, std::string> rows;
    for (const PhotoOutputs& one : photos) {
      const std::optional<size_t> row = names_.find(one.photo.string());
      if (!row) {
        unlisted.push_back(one.photo.string());
      } else if (const auto [other, fresh] = rows.emplace(*row, one.photo.string()); !fresh) {
        throw InvalidArgument(fmt::format("--source-list '{}': '{}' may be '{}' or '{}': name it with its folder", file, list_.photos[*row],
                                          other->second, one.photo.string()));
      }
    }
    if (!unlisted.empty()) {
      throw InvalidArgument(fmt::format("--source-list '{}' does not name {} of {}: '{}'{}{}", file, unlisted.size(),
                                        counted(photos.size(), "photo"), unlisted[0], unlisted.size() == 1 ? "" : " and others",
                                        detail::hint_of_other_form(unlisted, list_.photos)));
    }
    for (const DataNote& note : list_.notes) tell("{}", note.text);
    std::ranges::copy_if(known.names(), std::back_inserter(silent),
                         [&](const std::string& name) { return !holds(list_.attributes, name); });
    if (!silent.empty()) tell("--source-list '{}' does not say {}: taken as absent", file, fmt::join(silent, ", "));
  }
  NamedLabels of(const fs::path& photo) const { return list_.row(static_cast<int64_t>(names_.find(photo.string()).value())); }

 private:
  static bool holds(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  }
  static std::vector<std::string> shared(const std::string& file, const AttributeSchema& known) {
    std::vector<std::string> both;
    const std::vector<std::string> columns = attribute_list_columns(file);
    std::ranges::copy_if(known.names(), std::back_inserter(both), [&](const std::string& name) { return holds(columns, name); });
    if (both.empty()) {
      throw InvalidArgument(
          fmt::format("--source-list '{}' has none of the bundle's attributes: {}", file, fmt::join(known.names(), ", ")));
    }
    return both;
  }

  AttributeList list_;
  PhotoNames names_;
};

/// What is written of a photo's edit.
struct Shown {
  at::Tensor picture;
  std::vector<at::Tensor> frames;  ///< of an animation, which then takes the picture's place
  EditedPhoto edited;
  std::vector<std::string> notes;
  Provenance made;
};

/// Edits photos as the command line says it.
class PhotoEdits {
 public:
  PhotoEdits(const Editor& editor, const EditRequest& options, std::vector<AttributeEdit> edits, std::optional<Sweep> sweep)
      : editor_(editor), options_(options), edits_(std::move(edits)), sweep_(std::move(sweep)) {
    // Wrong names end the command before the first photo is read.
    const at::Tensor nothing = at::zeros({1, editor.attributes().size()});
    for (const auto& way : ways()) editor.attributes().difference(nothing, way);
  }

  Shown operator()(const at::Tensor& photo, const std::string& name, const EditOptions& how) const {
    if (sweep_) return swept(photo, name, how);
    Shown shown{.edited = editor_.edit(photo, edits_, how)};
    shown.picture = options_.grid ? grid(photo, shown.edited, name, how) : picture_of(photo, shown.edited);
    shown.notes = shown.edited.notes;
    shown.made = shown.edited.provenance;
    return shown;
  }

 private:
  /// The edits of each picture: one, or as many as the sweep has strengths.
  std::vector<std::vector<AttributeEdit>> ways() const {
    std::vector<std::vector<AttributeEdit>> out{edits_};
    if (!sweep_) return out;
    out.assign(sweep_->strengths.size(), edits_);
    for (size_t i = 0; i < out.size(); ++i) out[i].push_back({sweep_->name, sweep_->strengths[i]});
    return out;
  }

  at::Tensor picture_of(const at::Tensor& photo, const EditedPhoto& one) const {
    return options_.whole ? whole_photo(photo, one) : one.photo;
  }

  /// The photo, each edit alone, then all together.
  at::Tensor grid(const at::Tensor& photo, const EditedPhoto& edited, const std::string& name, const EditOptions& how) const {
    std::vector<at::Tensor> row{options_.whole ? photo : edited.crop};
    std::vector<std::string> columns{"photo"};
    const bool several = edits_.size() > 1;
    for (const AttributeEdit& one : edits_) {
      if (several) row.push_back(picture_of(photo, editor_.edit(photo, {one}, how)));
      columns.push_back(text_of(one));
    }
    row.push_back(picture_of(photo, edited));
    if (several) columns.emplace_back("all");
    return labeled_grid({row}, columns, {name});
  }

  /// A column, or a frame, for each strength of the sweep.
  Shown swept(const at::Tensor& photo, const std::string& name, const EditOptions& how) const {
    constexpr int64_t kMostPixels = 100'000'000;  // that pictures are read of
    const Rect place = editor_.place(photo, how.crop);
    const bool whole = options_.whole || how.faces;
    const int64_t width = whole ? photo.size(2) : place.width, height = whole ? photo.size(1) : place.height;
    const auto count = std::ssize(sweep_->strengths);
    if (width * height > kMostPixels / count) {
      throw InvalidArgument(fmt::format("--sweep {}: {} pictures of {} x {} pixels are too many: at most 100 million pixels in all",
                                        sweep_->text, count, width, height));
    }
    Shown shown;
    std::vector<at::Tensor> pictures;
    std::vector<std::string> columns;
    std::vector<EditedPhoto> edited = editor_.edit_each(photo, ways(), how);
    for (size_t i = 0; i < edited.size(); ++i) {
      pictures.push_back(picture_of(photo, edited[i]));
      edited[i].photo = at::Tensor();
      columns.push_back(text_of({sweep_->name, sweep_->strengths[i]}));
      for (const std::string& note : edited[i].notes) {
        if (std::ranges::find(shown.notes, note) == shown.notes.end()) shown.notes.push_back(note);
      }
    }
    if (options_.animate) {
      // There and back.
      for (size_t i = pictures.size() - 1; i-- > 1;) pictures.push_back(pictures[i]);
      shown.frames = std::move(pictures);
    } else {
      shown.picture = labeled_grid({pictures}, columns, {name});
    }
    shown.edited = std::move(edited.front());
    shown.made = shown.edited.provenance;
    shown.made.edits.back() = sweep_->text;
    return shown;
  }

  const Editor& editor_;
  const EditRequest& options_;
  std::vector<AttributeEdit> edits_;
  std::optional<Sweep> sweep_;
};

/// A film's frame without its face.
Finished unedited(const at::Tensor& frame, const PhotoOutputs& outputs, const EditRequest& options) {
  Finished out{{encode_result(outputs.files[0], frame, options.no_provenance ? Provenance() : note())},
               fmt::format("{}  (no face: as it was)", printable(outputs.files[0].string()))};
  if (options.mask) out.bytes.push_back(encode_mask(at::full({frame.size(1), frame.size(2)}, kSecganClasses - 1, at::kByte), note()));
  return out;
}

/// @throws InvalidArgument for a folder of films, which would be searched for pictures
void require_films_by_name(const std::vector<std::string>& photos) {
  for (const std::string& photo : photos) {
    std::error_code error;
    for (fs::directory_iterator at(photo, error); !error && at != fs::directory_iterator(); at.increment(error)) {
      if (is_film(at->path()))
        throw InvalidArgument(fmt::format("--film: '{}' is a film in a folder: name films, not their folder", at->path().string()));
    }
  }
}

/// Whether the photos are films' files.
/// @throws InvalidArgument for a film that is not asked for as one, or among photos
bool are_films(const EditRequest& options) {
  std::vector<std::string> films;
  std::ranges::copy_if(options.photos, std::back_inserter(films), [](const std::string& photo) { return is_film(photo); });
  if (options.film) require_films_by_name(options.photos);
  if (films.empty()) return false;
  const std::string& first = films.front();
  if (!options.film) throw InvalidArgument(fmt::format("'{}' is a film: --film edits its frames", first));
  for (const std::string& photo : options.photos)
    if (!fs::exists(photo)) throw FileNotFound(fmt::format("'{}' is missing", photo));
  if (films.size() < options.photos.size()) throw InvalidArgument(fmt::format("--film: '{}' is a film, and others are photos", first));
  if (options.mask) throw InvalidArgument(fmt::format("--mask: '{}' is a film, of which no masks are written", first));
  return true;
}

/// A film's file: its frames as those of a folder, with its times and its sound.
void edit_film(const PhotoOutputs& one, const Editor& editor, const PhotoEdits& edited_of, EditOptions how, const EditRequest& options,
               bool source_given) {
  const Film film = look_at_film(editor, frames_of(one.photo), how);
  how.source = film.source;
  const std::string name = one.photo.filename().string();
  make_folder(one.files[0].parent_path());
  FilmWriter writer(one.files[0], one.photo);
  std::vector<std::string> notes;
  Provenance made;
  size_t frame = 0, edited = 0;
  {
    Progress progress("film", 0, static_cast<int64_t>(film.frames), std::cerr);
    MeasuredThreads threads(threads_for(find_device(options.device), 0));
    read_film(one.photo, [&](FilmFrame next) {
      if (!film.faces.empty()) how.faces = known_face(film.faces.at(frame));
      if (film.faces.empty() || how.faces) {
        threads.next();
        Shown shown = edited_of(next.picture, name, how);
        next.picture = shown.picture;
        made = shown.made;
        if (edited++ == 0) notes = shown.notes;
      }
      writer.add(next);
      progress.update(static_cast<int64_t>(++frame), 1, "edited");
      return true;
    });
  }
  const FilmLosses lost = writer.finish(options.no_provenance ? Provenance() : made);
  if (lost.sounds > 0)
    notes.push_back(
        fmt::format("{} of a kind that MP4 does not hold: left out", counted(lost.sounds, "track of sound", "tracks of sound")));
  if (lost.pictures > 0)
    notes.push_back(
        fmt::format("{} beside the one that is edited: left out", counted(lost.pictures, "track of pictures", "tracks of pictures")));
  if (lost.subtitles) notes.emplace_back("its subtitles are left out");
  say("{}  ({}, {}; edited: {})", printable(one.files[0].string()), counted(frame, "frame"), text_of(film.source, source_given), edited);
  for (const std::string& note : notes) tell("{}: {}", printable(one.photo.string()), note);
}

void edit(const EditRequest& options, bool source_given) {
  if (options.sets.empty() && options.sweep.empty()) throw InvalidArgument("--set is required, or --sweep");
  std::vector<AttributeEdit> edits;
  for (const std::string& text : options.sets) edits.push_back(parse_edit(text));
  std::optional<Sweep> sweep;
  if (!options.sweep.empty()) sweep = parse_sweep(options.sweep);
  for (const AttributeEdit& one : edits) {
    if (sweep && one.name == sweep->name) throw InvalidArgument(fmt::format("--set and --sweep both name {}: choose one", one.name));
  }
  EditOptions how{.upscaling = parse_name(kUpscalings, options.upscaling, "--upscaling"),
                  .crop = chosen_crop(options),
                  .region = parse_name(kEditRegions, options.region, "--region")};
  if (source_given) how.source = parse_labels(options.source);
  refuse_edits_among_photos(options.photos);
  const bool film_files = are_films(options);
  std::vector<Result> results{film_files ? Result::kFilm : options.animate ? Result::kAnimation : Result::kPicture};
  if (options.mask) results.push_back(Result::kMask);
  std::vector<PhotoOutputs> plan = plan_outputs(options.photos, options.out, results, options.overwrite);
  const Editor editor =
      Editor::from_pretrained(options.model, EditorOptions{.device = find_device(options.device),
                                                           .engine = find_engine(options.engine),
                                                           .precision = parse_name(kPrecisions, options.precision, "--precision")});
  const PhotoEdits edited_of(editor, options, std::move(edits), std::move(sweep));
  if (how.source) editor.attributes().labels(*how.source, "--source");
  how.faces = chosen_faces_of(options, editor);
  if (how.region == EditRegion::kExact) require_exact_regions(editor.bundle(), fmt::format("{}: --region exact", options.model));
  if (options.mask && !editor.bundle().parser)
    throw InvalidArgument(fmt::format("{}: --mask needs a parser: the bundle has none", options.model));
  std::optional<ListedSources> listed;
  if (!options.source_list.empty()) {
    listed.emplace(options.source_list, editor.attributes(), plan);
    source_given = true;
  }
  if (!source_given && editor.bundle().classifier.is_empty())
    throw InvalidArgument(fmt::format("--source is required: {} has no classifier, which would tell what a photo shows", options.model));

  const auto shown_of = [&](const at::Tensor& photo, const PhotoOutputs& outputs) {
    try {
      return edited_of(photo, outputs.photo.filename().string(), how);
    } catch (const NoFaceFound& error) {
      if (error.found() > 0) throw;
      throw Error(fmt::format("{}; --crop-only edits the bundle's crop of the photo all the same", error.what()));
    } catch (const NoDetector& error) {
      throw Error(fmt::format("{}; --crop-only edits the bundle's crop of the photo without", error.what()));
    }
  };
  if (options.film && how.faces) how.faces->unless_aligned = false;
  if (film_files) {
    size_t done = 0;
    for (const PhotoOutputs& one : plan) {
      if (succeeds(options, one, [&] { edit_film(one, editor, edited_of, how, options, source_given); })) ++done;
    }
    require_all(done, plan.size());
    return;
  }
  std::optional<Film> film;
  std::map<fs::path, size_t> frames;
  if (options.film) {
    order_by_number(plan);
    film = look_at_film(editor, frames_of(plan), how);
    how.source = film->source;
    for (size_t i = 0; i < plan.size(); ++i) frames.emplace(plan[i].photo, i);
  }
  each_photo(options, std::move(plan), [&](const at::Tensor& photo, const PhotoOutputs& outputs) {
    if (listed) how.source = listed->of(outputs.photo);
    if (film && !film->faces.empty()) {
      how.faces = known_face(film->faces.at(frames.at(outputs.photo)));
      if (!how.faces) return unedited(photo, outputs, options);
    }
    Shown shown = shown_of(photo, outputs);
    if (options.no_provenance) shown.made = {};
    constexpr double kSecondsOneWay = 1.5;
    Finished finished{{shown.frames.empty() ? encode_result(outputs.files[0], shown.picture, shown.made)
                                            : encode_animation(shown.frames, 2 * kSecondsOneWay / std::ssize(shown.frames), shown.made,
                                                               how.region == EditRegion::kExact)},
                      ""};
    if (options.mask) {
      const at::Tensor ids = editor.parse_edited(shown.edited);
      finished.bytes.push_back(encode_mask(options.whole ? whole_mask(ids, photo, shown.edited.place) : ids, shown.made));
    }
    finished.notes = shown.notes;
    if (shown.frames.empty() && how.region == EditRegion::kExact && encodes_anew(outputs.files[0]))
      finished.notes.emplace_back("a JPEG is encoded anew, which changes all pixels a little: photos that are PNG stay exact");
    finished.line = fmt::format("{}  ({})", printable(outputs.files[0].string()), text_of(shown.edited, photo, source_given));
    return finished;
  });
}

/// The mean of two pictures.
at::Tensor mixed(const at::Tensor& a, const at::Tensor& b) {
  at::Tensor out = at::empty(a.sizes(), at::kByte);
  each_band(a.size(1), a.size(2), [&](int64_t first, int64_t rows) {
    out.narrow(1, first, rows).copy_((a.narrow(1, first, rows).to(at::kShort) + b.narrow(1, first, rows)).div_(2, "floor"));
  });
  return out;
}

void parse(const PhotoRequest& options) {
  std::vector<PhotoOutputs> plan = plan_outputs(options.photos, options.out, {Result::kMask, Result::kOverlay}, options.overwrite);
  const Editor editor = Editor::from_pretrained(options.model, find_device(options.device));
  each_photo(options, std::move(plan), [&](const at::Tensor& photo, const PhotoOutputs& outputs) {
    const std::optional<Crop> crop = chosen_crop(options);
    const at::Tensor ids = editor.parse(photo, crop);
    std::vector<std::string> notes;
    if (!crop && editor.layout() && !is_own_size(*editor.layout(), {photo.size(2), photo.size(1)})) {
      notes.push_back(
          fmt::format("{} x {} pixels: cropped as the bundle's photos, as no face is searched; --crop says where one is, and "
                      "'secgan edit --mask' finds it",
                      photo.size(2), photo.size(1)));
    }
    const at::Tensor overlay = mixed(editor.crop(photo, crop), colorize(ids, Labels::kSecgan12));
    return Finished{{encode_mask(ids, note()), encode_result(outputs.files[1], overlay, note())},
                    fmt::format("{}\n{}", printable(outputs.files[0].string()), printable(outputs.files[1].string())),
                    std::move(notes)};
  });
}

}  // namespace

void add_editing(CLI::App& app) {
  {
    CLI::App& command = *app.add_subcommand("edit", "edit photos with a bundle");
    auto options = std::make_shared<EditRequest>();
    add_photos(command, *options, "the results, which keep the photos' names");
    command.add_option("--set", options->sets, "NAME=STRENGTH, as Eyeglasses=+1 (repeatable): positive adds, negative removes")
        ->allow_extra_args(false)
        ->type_name("NAME=X");
    CLI::Option* source =
        command.add_option("--source", options->source, "attributes that the photos have; default: as the bundle's classifier sees them")
            ->type_name("A,B");
    command
        .add_option("--source-list", options->source_list,
                    "a list of what each photo has, by name: CelebA's .txt, or a CSV file with a column of file names")
        ->type_name("FILE")
        ->excludes(source);
    command.add_flag("--whole", options->whole, "write the whole photo with the edit in its place, not the edited part alone");
    CLI::Option* face =
        command
            .add_option("--face", options->face,
                        "which of a photo's faces, which are found, aligned, edited and put back: largest, all, or a number "
                        "by size; default: the largest, where the bundle's photos are aligned and this one is not")
            ->type_name("WHICH");
    CLI::Option* detector = command
                                .add_option("--detector", options->detector,
                                            "a face detector's file, of secgan import --from facenet-pytorch; default: the installed one")
                                ->type_name("FILE");
    command.add_flag("--crop-only", options->crop_only, "search no face: crop the photo as the bundle's, and write the edited crop")
        ->excludes(face)
        ->excludes(detector);
    command.get_option("--crop")->excludes(face)->excludes(detector);
    CLI::Option* grid =
        command.add_flag("--grid", options->grid, "write photo, single edits and the whole edit side by side, with their names");
    CLI::Option* mask = command.add_flag("--mask", options->mask, "also write the edit's parse as palette PNG");
    CLI::Option* sweep =
        command
            .add_option(
                "--sweep", options->sweep,
                "NAME=FROM:TO:N, as Bangs=-1:1:9: write N strengths of an attribute side by side, with their names; --set holds in all")
            ->type_name("NAME=A:B:N")
            ->excludes(grid)
            ->excludes(mask);
    command
        .add_flag("--film", options->film,
                  "the photos are films, or one film's frames, in order: one face is followed and its points steadied, and attributes are "
                  "those that most "
                  "frames show, so that edits do not flicker")
        ->excludes(grid)
        ->excludes(sweep)
        ->excludes("--source-list");
    command.add_flag("--animate", options->animate, "write the sweep as an animated WebP, NAME.webp, there and back, 1.5 s each way")
        ->needs(sweep);
    command.add_flag(
        "--no-provenance", options->no_provenance,
        "leave out what files say of how they were made (secgan inspect): software, model, edits, and that a trained model had "
        "a part in them; replacing such files takes --overwrite");
    command
        .add_option("--upscaling", options->upscaling,
                    "resize: the network's picture; detail: the photo plus the change; auto: detail where the "
                    "photo has more pixels than the network")
        ->capture_default_str()
        ->type_name("NAME");
    command
        .add_option("--region", options->region,
                    "free: an edit may change every pixel; exact: only those where the attribute can show, by the parser and the mask "
                    "branch; every other one stays as it was, to the bit")
        ->capture_default_str()
        ->excludes(grid)
        ->type_name("NAME");
    command.add_option("--engine", options->engine, engine_help())->capture_default_str()->type_name("NAME");
    command
        .add_option("--precision", options->precision,
                    "of the generator's convolutions: float32, or bfloat16, faster where the processor has it")
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
}

}  // namespace secgan::cli
