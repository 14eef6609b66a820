#!/usr/bin/env python3
"""Checks that includes point one way between the folders of include/secgan and src (docs/architecture.md)."""

import pathlib
import re
import sys

# What each folder may include, beside itself.
ALLOWED = {
    "core": set(),
    "nn": {"core"},
    "ops": {"core"},
    "losses": {"core", "ops"},
    "models": {"core", "nn", "losses"},
    "parsing": {"core", "nn"},
    "data": {"core", "io"},
    "metrics": {"core", "io"},
    "io": {"core", "nn", "models", "parsing"},
    "training": {"core", "nn", "ops", "losses", "models", "parsing", "data", "io", "editing"},
    "editing": {"core", "nn", "ops", "losses", "models", "parsing", "data", "io", "metrics"},
    "evaluation": {"core", "nn", "ops", "losses", "models", "parsing", "data", "io", "metrics", "editing", "training"},
    "cli": None,  # everything
}


def main() -> int:
    root = pathlib.Path(__file__).parents[1]
    wrong = []
    for top in ("include/secgan", "src"):
        for file in sorted((root / top).glob("*/*.[ch]pp")):
            folder = file.parent.name
            for number, line in enumerate(file.read_text().splitlines(), 1):
                found = re.match(r'#include "(?:secgan/)?(\w+)/', line)
                if not found or found[1] == folder or found[1] == "secgan":
                    continue
                if folder not in ALLOWED:
                    wrong.append(f"{file.relative_to(root)}: folder '{folder}' is not in {pathlib.Path(__file__).name}")
                    break
                if ALLOWED[folder] is not None and found[1] not in ALLOWED[folder]:
                    wrong.append(f"{file.relative_to(root)}:{number}: {folder} must not include {found[1]}")
    print("\n".join(wrong) if wrong else "includes point one way")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
