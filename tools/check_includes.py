#!/usr/bin/env python3
"""Checks that includes point down between the rooms of include/secgan and src (docs/architecture.md), and that secgan.hpp is whole."""

import pathlib
import re
import sys

# From the ground up. A room may include every room of a floor below its own, and none beside it.
FLOORS = [
    ["core", "ops"],
    ["io", "report"],
    ["nn", "image"],
    ["models", "parsing", "losses", "metrics", "alignment", "openvino"],
    ["bundle", "data"],
    ["editing"],
    ["training", "evaluation"],
    ["study", "bench", "serve", "film"],
    ["cli"],
]
# Narrower than the floors say: what must not know of networks, and the one arrow on a floor.
NEVER = {"io": {"ops"}, "report": {"ops"}, "losses": {"nn", "image", "io", "report"}, "metrics": {"nn"}}
BESIDE = {"ops": {"core"}}
# What secgan.hpp names as apart from itself.
APART = {"secgan.hpp", "command.hpp", "metrics/frechet_eigen.hpp"}


def allowed(room: str) -> set[str]:
    floor = next(i for i, rooms in enumerate(FLOORS) if room in rooms)
    below = {other for rooms in FLOORS[:floor] for other in rooms}
    return (below | BESIDE.get(room, set())) - NEVER.get(room, set())


def main() -> int:
    root = pathlib.Path(__file__).parents[1]
    rooms = {room for floor in FLOORS for room in floor}
    wrong = []
    for top in ("include/secgan", "src"):
        for file in sorted((root / top).glob("*/*.[ch]pp")):
            room = file.parent.name
            if room not in rooms:
                wrong.append(f"{file.relative_to(root)}: room '{room}' is on no floor of {pathlib.Path(__file__).name}")
                continue
            for number, line in enumerate(file.read_text().splitlines(), 1):
                found = re.match(r'#include "(?:secgan/)?(\w+)/', line)
                if found and found[1] not in {room, "secgan"} and found[1] not in allowed(room):
                    wrong.append(f"{file.relative_to(root)}:{number}: {room} must not include {found[1]}")
                if room == "io" and re.match(r"#include <torch/nn", line):
                    wrong.append(f"{file.relative_to(root)}:{number}: io holds file formats, not networks")
    public = root / "include" / "secgan"
    named = set(re.findall(r'#include "secgan/(.+)"', (public / "secgan.hpp").read_text()))
    headers = {file.relative_to(public).as_posix() for file in public.rglob("*.hpp")} - APART
    wrong += [f"include/secgan/secgan.hpp: lacks {header}" for header in sorted(headers - named)]
    print("\n".join(wrong) if wrong else "includes point down")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
