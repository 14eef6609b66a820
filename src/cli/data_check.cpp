#include <iostream>

#include "cli/commands.hpp"
#include "cli/printing.hpp"
#include "cli/settings.hpp"
#include "core/counted.hpp"
#include "core/format.hpp"
#include "core/some_of.hpp"
#include "secgan/data/check.hpp"
#include "secgan/data/source.hpp"
#include "secgan/report/progress.hpp"

namespace secgan::cli {

void add_data_check(CLI::App& app) {
  CLI::App& command =
      *app.add_subcommand("data-check", "read every sample of a data set and tell what is wrong, one line for each kind of fault");
  auto flags = std::make_shared<SettingsFlags<DataSettings>>(command);
  auto masks = std::make_shared<bool>(false);
  add_data_source<&DataSettings::source>(*flags);
  flags->bind<&DataSettings::attributes>("--attributes", "A,B");
  flags->bind<&DataSettings::crop>("--crop", "CROP");
  flags->bind<&DataSettings::image_size>("--image-size", "N");
  command.add_flag("--masks", *masks, "read the masks as well");
  command.callback([=] {
    const DataSettings settings = flags->resolve();
    const auto data = open_whole_dataset(settings, !settings.attributes.empty(), *masks);
    bool contradicted = false;
    for (const DataNote& note : data->notes()) {
      say("{}", note.text);
      contradicted |= note.wrong;
    }
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
