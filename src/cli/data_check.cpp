#include <iostream>

#include "cli/commands.hpp"
#include "cli/printing.hpp"
#include "cli/settings.hpp"
#include "core/format.hpp"
#include "secgan/data/check.hpp"
#include "secgan/data/source.hpp"
#include "secgan/report/progress.hpp"

namespace secgan::cli {

void add_data_check(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("data-check", "read every sample of a data set and list what is wrong");
  auto flags = std::make_shared<SettingsFlags<DataSettings>>(command);
  auto masks = std::make_shared<bool>(false);
  add_data_source<&DataSettings::source>(*flags);
  flags->bind<&DataSettings::attributes>("--attributes", "A,B");
  flags->bind<&DataSettings::crop>("--crop", "CROP");
  flags->bind<&DataSettings::image_size>("--image-size", "N");
  command.add_flag("--masks", *masks, "read the masks as well");
  command.callback([=] {
    DataSettings settings = flags->resolve();
    settings.cache = false;
    validate(settings);
    int64_t samples = 0, problems = 0;
    for (const auto& [name, split] : kSplits) {
      const auto data = open_dataset(settings, split, !settings.attributes.empty(), *masks);
      samples += data->size();
      Progress progress(std::string(name), 0, data->size(), std::cerr);
      const auto problems_here = check_data(*data, 2, [&](int64_t done) { progress.update(done, 1, ""); });
      progress.finish();
      for (const DataProblem& problem : problems_here) {
        say("{}", problem.problem);
        ++problems;
      }
    }
    if (problems > 0) throw Error(fmt::format("{} of {} samples cannot be used", problems, samples));
    say("{} samples, all fine", samples);
  });
}

}  // namespace secgan::cli
