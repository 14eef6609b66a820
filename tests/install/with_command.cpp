// The command, with nothing added to it.
#include <secgan/command.hpp>

int main(int argc, char** argv) { return secgan::command(argc, argv); }
