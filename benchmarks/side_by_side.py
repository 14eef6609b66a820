"""What the comparisons share: commands in processes of their own, turn by turn, and what is said of them."""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Result = dict[str, Any]
FOLDER = pathlib.Path(__file__).parent


def arguments(description: str, /, **defaults: int | str) -> argparse.ArgumentParser:
    """A parser with a flag of each default's name and type, and --secgan, the command of this Python's environment."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    for name, default in defaults.items():
        parser.add_argument(flag(name), type=type(default), default=default)
    own = shutil.which("secgan", path=str(pathlib.Path(sys.executable).parent))
    parser.add_argument("--secgan", default=own or shutil.which("secgan") or "secgan", help="the command")
    return parser


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def flags(args: argparse.Namespace, *names: str) -> list[str]:
    """The arguments of these names as they are said to another process."""
    return [word for name in names for word in (flag(name), str(getattr(args, name)))]


def result_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Result:
    """The JSON that a command prints; its last words where it fails."""
    try:
        done = subprocess.run(command, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False)
    except OSError as error:
        raise SystemExit(str(error)) from None
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {(done.stderr.strip() or f'exit code {done.returncode}').splitlines()[-1]}")
    result: Result = json.loads(done.stdout)
    return result


def in_turns(rounds: int, subjects: Mapping[str, Callable[[], Any]]) -> dict[str, list[Any]]:
    """What each subject gives in each round. The order is reversed from round to round, so that none always comes first."""
    results: dict[str, list[Any]] = {name: [] for name in subjects}
    for turn in range(rounds):
        for name in list(subjects)[:: 1 if turn % 2 == 0 else -1]:
            results[name].append(subjects[name]())
    return results


def seconds(rounds: Sequence[Result]) -> list[float]:
    """Of every repeat of every round."""
    return [value for one in rounds for value in one["seconds"]]


def each(rounds: Sequence[Result], unit: float, digits: int) -> str:
    """The median of each round, and the fastest repeat."""
    medians = ", ".join(f"{unit * statistics.median(one['seconds']):.{digits}f}" for one in rounds)
    return f"(rounds: {medians}; fastest repeat {unit * min(seconds(rounds)):.{digits}f})"


def machine(ours: Result, args: argparse.Namespace, **versions: str) -> str:
    """One line: processor, threads and versions. `ours` is a result of `secgan bench`."""
    at = ours["machine"]
    named = {"LibTorch": at["libtorch"], **versions, "Python": platform.python_version()}
    return f"{at['processor']}, {at['device']}, {args.threads} threads, " + ", ".join(f"{name} {what}" for name, what in named.items())
