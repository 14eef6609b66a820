#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "cli/commands.hpp"
#include "cli/printing.hpp"
#include "cli/settings.hpp"
#include "core/counted.hpp"
#include "core/format.hpp"
#include "secgan/core/error.hpp"
#include "secgan/data/attribute_list.hpp"
#include "secgan/data/packed.hpp"
#include "secgan/data/source.hpp"
#include "secgan/report/progress.hpp"

namespace secgan::cli {

void add_pack(CLI::App& app) {
  CLI::App& command = *app.add_subcommand(
      "pack", "write a data set's photos, cropped and resized, into one file that trainings read without decoding (--data packed)");
  auto flags = std::make_shared<SettingsFlags<DataSettings>>(command);
  auto out = std::make_shared<std::string>();
  auto masks = std::make_shared<bool>(false);
  add_data_source<&DataSettings::source>(*flags);
  flags->bind<&DataSettings::attributes>("--attributes", "A,B");
  flags->bind<&DataSettings::crop>("--crop", "CROP");
  flags->bind<&DataSettings::image_size>("--image-size", "N");
  flags->bind<&DataSettings::count>("--count", "N");
  command.add_flag("--masks", *masks, "pack the masks as well");
  command.add_option("--out", *out, "the file: new, or a packed data set, which is replaced")->required()->type_name("FILE");
  command.callback([=] {
    DataSettings settings = flags->resolve();
    const DataSource& source = settings.source;
    if (source.kind == DataKind::kFolder && settings.attributes.empty() && !source.labels.empty())
      settings.attributes = attribute_list_columns(source.labels);
    const bool labeled = !settings.attributes.empty() || source.kind == DataKind::kSynthetic;
    std::optional<Progress> progress;
    const auto [count, notes] = pack_dataset(settings, labeled, *masks, *out, [&](int64_t done, int64_t all) {
      if (!progress) progress.emplace("pack", 0, all, std::cerr);
      progress->update(done, 1, "");
    });
    if (progress) progress->finish();
    for (const DataNote& note : notes) tell("{}", note.line());
    say("{} of {} px in {}; --data packed --root {} --image-size {} reads {}", counted(count, "photo"), settings.image_size,
        printable(*out), printable(*out), settings.image_size, count == 1 ? "it" : "them");
  });
}

}  // namespace secgan::cli
