#pragma once

namespace secgan {

/// The `secgan` command (CMake target secgan::command), for a program that adds to it first: custom backbones (add_backbone) are then known
/// to train, import, edit and models by their names.
/// @return the exit status: 0, 1 (failed) or 2 (wrong use); what went wrong is one line on standard error
int command(int argc, char** argv);

}  // namespace secgan
