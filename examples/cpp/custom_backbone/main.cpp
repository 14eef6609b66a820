// The secgan command with a fourth backbone: `custom_backbone train --backbone residual …`, and edit, models, import as ever.
#include <secgan/command.hpp>

#include "residual.hpp"

int main(int argc, char** argv) {
  secgan::add_backbone(residual_backbone());
  return secgan::command(argc, argv);
}
