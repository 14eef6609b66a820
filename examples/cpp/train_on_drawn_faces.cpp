// Trains a parser, then SeCGAN's two branches on drawn faces:  train_on_drawn_faces RUN PHOTO.png [STEPS]
// PHOTO.png gets one drawn face, to edit with edit_photo.
#include <secgan/data/synthetic_faces.hpp>
#include <secgan/image/image_file.hpp>
#include <secgan/training/train.hpp>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: train_on_drawn_faces RUN PHOTO.png [STEPS]\n";
    return 2;
  }
  const std::filesystem::path run = argv[1];
  const int64_t steps = argc > 3 ? std::atoll(argv[3]) : 1800;
  try {
    const auto faces = std::make_shared<secgan::SyntheticFaces>(secgan::SyntheticFacesOptions{.count = 2000, .image_size = 64});
    secgan::write_image(argv[2], faces->get(0).image);

    // The parser, 16 photos a step.
    secgan::ParserTask parser(faces, {}, "none");
    secgan::Trainer({.steps = steps, .sample_every = 0}, run / "parser", std::cerr).run(parser, /*resume=*/false);

    // Both branches, tied through the parser. Another backbone is another name.
    secgan::SecganTask task(faces, secgan::small_scale_recipe("attgan"), parser.bundle());
    secgan::Trainer({.steps = steps, .sample_every = steps}, run / "secgan", std::cerr).run(task, /*resume=*/false);
    std::cout << "bundle: " << (run / "secgan" / "bundle").string() << '\n';
  } catch (const std::exception& error) {
    std::cerr << "train_on_drawn_faces: " << error.what() << '\n';
    return 1;
  }
}
