#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/outputs.hpp"
#include "cli/printing.hpp"
#include "core/format.hpp"
#include "film/film_file.hpp"
#include "io/json.hpp"
#include "secgan/core/error.hpp"
#include "secgan/image/image_file.hpp"
#include "secgan/io/file.hpp"

namespace secgan::cli {
namespace {

struct InspectRequest {
  std::vector<std::string> files;
  std::string json;
};

nlohmann::ordered_json entry_of(const std::string& file, const PictureFacts& facts) {
  nlohmann::ordered_json out = {{"file", file},           {"kind", facts.kind},   {"width", facts.width},
                                {"height", facts.height}, {"bytes", facts.bytes}, {"pictures", facts.pictures}};
  out["provenance"] = facts.provenance.empty() ? nlohmann::ordered_json() : detail::to_json(facts.provenance);
  return out;
}

/// A film's facts as a picture's of several.
PictureFacts facts_of(const std::string& file) {
  if (!is_film(file)) return inspect_image(file);
  const FilmFacts film = inspect_film(file);
  return {.kind = "film",
          .width = film.width,
          .height = film.height,
          .bytes = static_cast<int64_t>(std::filesystem::file_size(file)),
          .pictures = film.frames,
          .provenance = film.provenance};
}

void print_facts(const std::string& file, const PictureFacts& facts) {
  const std::string several = facts.kind == "film" ? fmt::format(", {} frames", facts.pictures)
                              : facts.pictures > 1 ? fmt::format(", the first of {} pictures", facts.pictures)
                                                   : "";
  say("{}: {}, {} x {} pixels, {} bytes{}", printable(file), facts.kind, facts.width, facts.height, facts.bytes, several);
  const Provenance& made = facts.provenance;
  if (made.empty()) return say("  no provenance: the file does not say how it was made");
  const auto line = [](std::string_view what, std::string_view text) { say("  {:<21}{}", what, text.empty() ? "not said" : text); };
  line("digital source type", made.source_type);
  line("software", made.software);
  line("model", made.model);
  line("model hash", made.model_hash);
  line("edits", fmt::format("{}", fmt::join(made.edits, ", ")));
}

/// All files are looked at, whichever cannot be read.
void inspect(const InspectRequest& request) {
  require_json_place(request.json, {"files"});
  nlohmann::ordered_json entries = nlohmann::ordered_json::array();
  std::vector<std::string> problems;
  for (const std::string& file : request.files) {
    try {
      const PictureFacts facts = facts_of(file);
      entries.push_back(entry_of(file, facts));
      if (request.json != "-") print_facts(file, facts);
    } catch (const Error& error) {
      entries.push_back({{"file", file}, {"error", error.what()}});
      problems.emplace_back(error.what());
    }
  }
  if (!request.json.empty()) {
    // In ASCII: it may be a terminal that shows it, and names of files may be any bytes.
    const std::string text =
        nlohmann::ordered_json{{"files", entries}}.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    if (request.json == "-") {
      print_bytes(stdout, text);
    } else {
      write_file(request.json, text);
    }
  }
  for (size_t i = 0; i + 1 < problems.size(); ++i) tell("secgan inspect: {}", problems[i]);
  if (!problems.empty()) throw Error(problems.back());
}

}  // namespace

void add_inspect(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("inspect", "tell what pictures' files say of how they were made; a mark, and no proof");
  auto request = std::make_shared<InspectRequest>();
  command.add_option("files", request->files, "JPEG, PNG, WebP, TIFF or BMP files, or films")->required()->type_name("FILE...");
  add_json_option(command, request->json, "also write it to a file");
  command.callback([=] { inspect(*request); });
}

}  // namespace secgan::cli
