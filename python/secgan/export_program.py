"""``python -m secgan.export_program MODEL FILE``: secgan.export from the command line."""

from __future__ import annotations

import argparse
import pathlib
import sys
import zipfile
from collections.abc import Sequence

from .editing import Editor
from .exporting import _FORMATS, export

_ENDINGS = {ending: name for name, (_, ending) in _FORMATS.items()}


def _is_ours(file: pathlib.Path) -> bool:
    """Whether a file is a program that this command wrote: by the note that secgan.export puts into each."""
    if file.suffix == ".onnx":
        return b"\n\x06secgan" in file.read_bytes()  # a key of the metadata
    try:
        with zipfile.ZipFile(file) as package:
            if file.suffix == ".pt":
                return any(name.endswith("/extra/secgan") for name in package.namelist())
            return any(name.endswith("metadata.json") and b'"secgan"' in package.read(name) for name in package.namelist())
    except (zipfile.BadZipFile, NotImplementedError, EOFError):
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes a bundle's generator as a program; see :func:`secgan.export`.

    Returns:
        The exit code: 1 where nothing can be read or written, 2 for arguments that are none.
    """
    known = ", ".join(f"{ending} ({name})" for ending, name in _ENDINGS.items())
    parser = argparse.ArgumentParser(
        prog="python -m secgan.export_program",
        description="Write a bundle's generator as a program that runs without this library (secgan.export says what it takes and gives).",
    )
    parser.add_argument("model", metavar="MODEL", help="the bundle's folder")
    parser.add_argument("file", metavar="FILE", help=f"the program, by its ending: {known}")
    given = parser.parse_args(arguments)
    ending = pathlib.Path(given.file).suffix
    if ending not in _ENDINGS:
        parser.error(f"'{given.file}' ends in none of {known}")
    file = pathlib.Path(given.file)
    try:
        if file.is_file() and file.stat().st_size > 0 and not _is_ours(file):
            parser.error(f"'{given.file}' is there and was not made by this command: choose another name, or remove it")
        export(Editor.from_pretrained(given.model), _ENDINGS[ending], given.file)
    except (RuntimeError, ValueError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
