// Edits one attribute of a photo:  edit_photo BUNDLE PHOTO ATTRIBUTE STRENGTH OUT.png
#include <secgan/editing/editor.hpp>
#include <secgan/image/image_file.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: edit_photo BUNDLE PHOTO ATTRIBUTE STRENGTH OUT.png\n";
    return 2;
  }
  char* end = nullptr;
  const double strength = std::strtod(argv[4], &end);
  if (end == argv[4] || *end != '\0') {
    std::cerr << "edit_photo: STRENGTH must be a number, found '" << argv[4] << "'\n";
    return 2;
  }
  try {
    secgan::Editor editor = secgan::Editor::from_pretrained(argv[1]);
    const secgan::EditedPhoto edited = editor.edit(secgan::read_image(argv[2]), {{argv[3], strength}});
    secgan::write_image(argv[5], edited.photo, edited.provenance);
    std::cout << "wrote " << argv[5] << ", " << edited.photo.size(2) << " x " << edited.photo.size(1) << " pixels\n";
  } catch (const std::exception& error) {
    std::cerr << "edit_photo: " << error.what() << '\n';
    return 1;
  }
}
