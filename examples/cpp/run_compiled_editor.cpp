// Runs an editor that secgan.export(editor, "aoti", "editor.pt2") compiled: no Python, and nothing of this library but its
// picture files. Usage: run_compiled_editor EDITOR.pt2 PHOTO ATTRIBUTE STRENGTH OUT.png
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include <secgan/image/image_file.hpp>
#include <secgan/image/transforms.hpp>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: run_compiled_editor EDITOR.pt2 PHOTO ATTRIBUTE STRENGTH OUT.png\n";
    return 2;
  }
  char* end = nullptr;
  const double strength = std::strtod(argv[4], &end);
  if (end == argv[4] || *end != '\0') {
    std::cerr << "run_compiled_editor: STRENGTH must be a number, found '" << argv[4] << "'\n";
    return 2;
  }
  try {
    const torch::NoGradGuard no_grad;
    torch::inductor::AOTIModelPackageLoader editor(argv[1]);
    const auto info = nlohmann::json::parse(editor.get_metadata().at("secgan"));
    const auto names = info["attributes"].get<std::vector<std::string>>();
    const auto place = std::find(names.begin(), names.end(), argv[3]) - names.begin();
    if (place == std::ssize(names)) throw std::runtime_error("the editor knows no attribute '" + std::string(argv[3]) + "'");
    if (info["inputs"].size() != 2) throw std::runtime_error("the editor asks for the photo's own labels: not in this example");

    const torch::Tensor photo = secgan::read_image(argv[2]);
    const secgan::Crop crop = secgan::parse_crop(info["crop"].get<std::string>());
    const secgan::PhotoSize of = secgan::parse_photo_size(info["photo_size"].get<std::string>());
    const secgan::Rect rect = secgan::crop_rect_of_any(crop, of, photo.size(2), photo.size(1));
    const int64_t side = info["image_size"];
    const torch::Tensor input = secgan::to_float(secgan::resize_image(secgan::crop_image(photo, rect), side, side)).unsqueeze(0);
    torch::Tensor difference = torch::zeros({1, std::ssize(names)});
    difference[0][place] = strength;

    const torch::Tensor edited = editor.run({input, difference})[0];
    secgan::write_image(argv[5], secgan::to_bytes(edited[0]));
    std::cout << "wrote " << argv[5] << '\n';
  } catch (const std::exception& error) {
    std::cerr << "run_compiled_editor: " << error.what() << '\n';
    return 1;
  }
}
