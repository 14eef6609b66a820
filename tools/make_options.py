#!/usr/bin/env python3
"""Writes what follows from the option structs' lists of fields: the tables of docs/options.md and python/secgan/options.py.

Usage: make_options.py COMMAND [ROOT]    COMMAND: the secgan program; ROOT: where to write, by default this project

The tests compare the result with what the project holds.
"""

import json
import pathlib
import subprocess
import sys

PROJECT = pathlib.Path(__file__).parents[1]
BEGIN, END = "<!-- tables: tools/make_options.py -->", "<!-- end of tables -->"

HEAD = '''"""Settings as typed dictionaries, so that a type checker finds a wrong key. Written by tools/make_options.py.

Every key may be left out. Defaults and rules: docs/options.md, or ``secgan options``.
"""

from __future__ import annotations

from typing import Literal, TypedDict
'''

KINDS = {
    "bool": "bool",
    "int": "int",
    "float": "float",
    "text": "str",
    "optional int": "int | None",
    "optional float": "float | None",
    "list of text": "list[str]",
    "list of int": "list[int]",
}
# Of the command alone: nothing in Python takes them.
COMMAND_ONLY = {"StudySettings"}


def annotation(field: dict) -> str:
    if field["kind"] == "struct":
        return field["type"]
    if field["kind"] == "name":
        return f"Literal[{', '.join(json.dumps(name) for name in field['names'])}]"
    return KINDS[field["kind"]]


def python_types(structs: dict) -> str:
    parts = [HEAD]
    for name, fields in structs.items():
        if name in COMMAND_ONLY:
            continue
        lines = [f"class {name}(TypedDict, total=False):"]
        for field in fields:
            lines += [f"    #: {field['meaning']}", f"    {field['name']}: {annotation(field)}"]
        parts.append("\n".join(lines) + "\n")
    return "\n\n".join(parts)


def documentation(page: str, tables: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables.strip()}\n\n{END}{after}"


def main() -> int:
    command = sys.argv[1]
    root = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else PROJECT

    def options(*flags: str) -> str:
        return subprocess.run([command, "options", *flags], check=True, capture_output=True, text=True).stdout

    for folder in ("python/secgan", "docs"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "python/secgan/options.py").write_text(python_types(json.loads(options("--json"))))
    page = (PROJECT / "docs/options.md").read_text()
    (root / "docs/options.md").write_text(documentation(page, options()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
