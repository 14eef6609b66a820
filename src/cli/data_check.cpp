#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/printing.hpp"
#include "cli/settings.hpp"
#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/some_of.hpp"
#include "secgan/data/attribute_list.hpp"
#include "secgan/data/check.hpp"
#include "secgan/data/source.hpp"
#include "secgan/report/progress.hpp"

namespace secgan::cli {
namespace {

constexpr int64_t kLearnable = 200;  // photos that show an attribute, and as many that do not

struct Part {
  std::string name;
  AttributeCounts counts;
};

/// Each split by itself; one that is empty is none.
std::vector<Part> parts_of(const DataSettings& settings) {
  std::vector<Part> parts;
  if (settings.source.whole_folder) return {{"all", count_attributes(*open_to_check(settings, std::nullopt, true, false))}};
  for (const auto& [name, split] : kSplits) {
    try {
      parts.push_back({std::string(name), count_attributes(*open_to_check(settings, split, true, false))});
    } catch (const Error&) {  // empty, or what opening all of them has told
    }
  }
  return parts;
}

/// How often each attribute is seen in each split, and those that are seen, or missing, too seldom to be learned.
void say_attributes(const DataSettings& settings, const std::vector<std::string>& attributes) {
  const std::vector<Part> parts = parts_of(settings);
  if (parts.empty() || std::ranges::all_of(parts, [](const Part& part) { return part.counts.photos == 0; })) return;
  constexpr int kColumn = 22;
  std::string heading = fmt::format("{:<22}", "attribute");
  for (const Part& part : parts) heading += fmt::format("{:>{}}", fmt::format("{}, {}", part.name, part.counts.photos), kColumn);
  say("{}", heading);
  for (size_t a = 0; a < attributes.size(); ++a) {
    std::string line = fmt::format("{:<22}", attributes[a]);
    for (const auto& [name, counts] : parts) {
      const double share = counts.photos > 0 ? 100.0 * static_cast<double>(counts.shown[a]) / static_cast<double>(counts.photos) : 0;
      line += fmt::format("{:>{}}", fmt::format("{} ({:.1f} %)", counts.shown[a], share), kColumn);
    }
    say("{}", line);
  }
  const auto& [name, train] = parts.front();
  for (size_t a = 0; a < attributes.size(); ++a) {
    const int64_t shown = train.shown[a], hidden = train.photos - shown;
    if (std::min(shown, hidden) >= kLearnable) continue;
    const int64_t fewer = std::min(shown, hidden);
    const std::string_view verb = shown <= hidden ? (fewer == 1 ? "shows" : "show") : (fewer == 1 ? "lacks" : "lack");
    say("warning: {}: {} of {} {} it, too few to learn (at least {})", attributes[a], counted(fewer, "photo"), name, verb, kLearnable);
  }
}

}  // namespace

void add_data_check(CLI::App& app) {
  CLI::App& command =
      *app.add_subcommand("data-check", "read every sample of a data set and tell what is wrong, one line for each kind of fault");
  auto flags = std::make_shared<SettingsFlags<DataSettings>>(command);
  auto masks = std::make_shared<bool>(false);
  add_data_source<&DataSettings::source>(*flags);
  flags->bind<&DataSettings::attributes>("--attributes", "A,B");
  flags->bind<&DataSettings::crop>("--crop", "CROP");
  flags->bind<&DataSettings::image_size>("--image-size", "N");
  command.add_flag("--masks", *masks, "read the masks as well, as --mask-folder says, too");
  command.callback([=] {
    DataSettings settings = flags->resolve();
    // A list that is named is read, whichever of its attributes: all of them.
    if (const DataSource& source = settings.source;
        source.kind == DataKind::kFolder && settings.attributes.empty() && !source.labels.empty())
      settings.attributes = attribute_list_columns(source.labels);
    const bool labeled = !settings.attributes.empty() || settings.source.kind == DataKind::kSynthetic;
    const auto data = open_to_check(settings, std::nullopt, labeled, *masks || !settings.source.mask_folder.empty());
    bool contradicted = false;
    for (const DataNote& note : data->notes()) {
      say("{}", note.text);
      contradicted |= note.wrong;
    }
    if (labeled) say_attributes(settings, data->attributes().names());
    Progress progress("data", 0, data->size(), std::cerr);
    const auto problems = check_data(*data, 2, [&](int64_t done) { progress.update(done, 1, ""); });
    progress.finish();
    constexpr size_t kExamples = 10;
    for (const DataFault& fault : group_problems(problems)) {
      const auto& samples = fault.samples;
      if (samples.size() == 1) {
        say("{}", fault.problem);
        continue;
      }
      say("{} samples, as {}; they are {}", samples.size(), fault.problem, some_of(samples, kExamples, ""));
    }
    if (!problems.empty()) throw Error(fmt::format("{} of {} cannot be used", problems.size(), counted(data->size(), "sample")));
    if (contradicted) throw Error(fmt::format("{} can be used; the lists of the data set do not add up", counted(data->size(), "sample")));
    say("{}", counted(data->size(), "sample, and it is fine", "samples, all fine"));
  });
}

}  // namespace secgan::cli
