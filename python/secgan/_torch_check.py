"""The extension belongs to one minor version of torch: LibTorch's ABI changes with each."""

import pathlib
import re

import torch

_stamp = pathlib.Path(__file__).with_name("_built_for.txt")


def _minor(version: str) -> str:
    return ".".join(re.findall(r"\d+", version)[:2])


if _stamp.exists() and _minor(_stamp.read_text()) != _minor(torch.__version__):
    raise ImportError(
        f"secgan was built for torch {_minor(_stamp.read_text())}, found torch {torch.__version__}: "
        "install that torch, or build secgan anew with `pip install --no-build-isolation .`"
    )
