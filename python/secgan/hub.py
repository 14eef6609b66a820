"""Bundles on the Hugging Face Hub, where ``huggingface_hub`` is installed."""

from __future__ import annotations

import importlib
import os
import pathlib
import re
import tempfile
from collections.abc import Callable
from typing import Any

from . import _core
from ._arguments import path

_FILES = ["config.json", "model.safetensors"]
_CARD = "README.md"


def _hub() -> Any:
    try:
        return importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise ImportError("the Hugging Face Hub needs huggingface_hub, which is not installed: pip install huggingface_hub") from error


def bundle_folder(folder: str | os.PathLike[str], revision: str | None = None) -> str:
    """The folder itself, or that of a repository's files in the Hub's cache.

    Raises:
        FileNotFoundError: the text names no folder, but may name a repository, and that cannot be fetched; the message says why.
        ValueError: a revision of a folder.
    """
    name = path(folder, "folder")
    is_repository = re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name) is not None and isinstance(folder, str)
    if pathlib.Path(name).exists() or not is_repository:
        if revision is not None:
            raise ValueError(f"revision is of a repository on the Hub, found {revision!r} for the folder {name!r}")
        return name
    try:
        return os.fspath(_hub().snapshot_download(name, revision=revision, allow_patterns=_FILES))
    except Exception as error:  # whatever the Hub and the network raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise FileNotFoundError(f"{name!r} is no folder here, and as a repository on the Hub it cannot be fetched: {reason}") from error


def push_folder(save: Callable[[str], None], repository: str, *, private: bool | None, token: str | None, message: str) -> str:
    """Uploads what ``save`` writes into a folder."""
    hub = _hub()
    api = hub.HfApi(token=token)
    api.create_repo(repository, private=private, exist_ok=True)
    left_out = []
    if api.file_exists(repository, _CARD):
        card = pathlib.Path(hub.hf_hub_download(repository, _CARD, token=token)).read_text(encoding="utf-8", errors="replace")
        if _core.own_card not in card:
            left_out.append(_CARD)
    with tempfile.TemporaryDirectory() as folder:
        place = str(pathlib.Path(folder, "bundle"))
        save(place)
        commit = api.upload_folder(repo_id=repository, folder_path=place, commit_message=message, ignore_patterns=left_out)
    return str(commit.commit_url)
