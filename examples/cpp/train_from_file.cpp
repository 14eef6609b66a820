// An application's own settings file, with the library's settings inside it:  train_from_file SETTINGS.toml RUN
//
//     title = "bangs at 64 px"
//     [training.data]
//     kind = "synthetic"
//     [training.trainer]
//     steps = 2
#include <secgan/io/settings.hpp>
#include <secgan/training/train.hpp>

#include <exception>
#include <iostream>
#include <tuple>

// Any struct that lists its fields is read, checked and written like the library's.
struct AppSettings {
  std::string title = "a run";
  secgan::TrainSettings training{.task = secgan::small_scale_recipe()};

  static constexpr auto fields() {
    using O = AppSettings;
    return std::tuple{
        secgan::field<&O::title>("what this application calls the run"),
        secgan::field<&O::training>("what the library trains"),
    };
  }
};

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: train_from_file SETTINGS.toml RUN\n";
    return 2;
  }
  try {
    const auto settings = secgan::load_settings<AppSettings>(argv[1]);
    std::cout << settings.title << '\n';
    const secgan::TrainingOutcome outcome = secgan::train(settings.training, {.run = argv[2]});
    std::cout << outcome.steps << " steps; the bundle is " << argv[2] << "/bundle\n";
  } catch (const std::exception& error) {
    std::cerr << "train_from_file: " << error.what() << '\n';
    return 1;
  }
}
