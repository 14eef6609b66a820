"""Writes the stub of the extension module from its docstrings' signatures: make_stubs.py [FILE].

The tests compare the result with python/secgan/_core.pyi.
"""

import pathlib
import sys
import tempfile

import torch  # noqa: F401  (before the extension)
from pybind11_stubgen import main


def generate() -> str:
    with tempfile.TemporaryDirectory() as folder:
        sys.argv = ["pybind11-stubgen", "secgan._core", "--output-dir", folder, "--exit-code"]
        main()
        return (pathlib.Path(folder) / "secgan" / "_core.pyi").read_text()


if __name__ == "__main__":
    default = pathlib.Path(__file__).parents[1] / "python" / "secgan" / "_core.pyi"
    pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else default).write_text(generate())
