"""Where training says how far it is."""

from __future__ import annotations

import re
import sys
from typing import Protocol, TextIO

_PROGRESS = re.compile(r"\S.* +\d+% ")


class _Writer(Protocol):
    def write(self, text: str, /) -> object: ...
    def flush(self) -> None: ...


class _OneLine:
    """A notebook's standard error: a line of progress takes the place of the one before, whatever else is said stays."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._width = 0  # of the line that stands there unfinished

    def write(self, text: str) -> None:
        for line in text.splitlines():
            if _PROGRESS.match(line):
                self._out.write("\r" + line.ljust(self._width))
                self._width = len(line)
                if " 100% " in line:
                    self._end()
            else:
                self._end()
                self._out.write(line + "\n")

    def flush(self) -> None:
        self._out.flush()

    def _end(self) -> None:
        if self._width:
            self._out.write("\n")
        self._width = 0


def stream() -> _Writer:
    """Standard error, as one line where it is a notebook's."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return _OneLine(sys.stderr) if hasattr(shell, "kernel") else sys.stderr
