"""The ``secgan`` command: hands over to the program inside the package."""

import os
import pathlib
import sys


def main() -> None:
    program = pathlib.Path(__file__).with_name("bin") / "secgan"
    os.execv(program, [str(program), *sys.argv[1:]])
