"""Faces to train and test on."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch.utils import data

from . import _core
from ._arguments import call, integer, label_tensor, mapping, names, path
from .options import DataSettings


class Face(NamedTuple):
    """One sample of :class:`Faces`; tensors only, so that a ``DataLoader`` collates it."""

    image: torch.Tensor  #: ``[3, S, S]`` float32 in [-1, 1]
    labels: torch.Tensor  #: ``[A]`` float32, 0 or 1; of length 0 where the source has no attributes
    mask: torch.Tensor  #: ``[S, S]`` uint8 class ids; of size 0 where the source has no masks


class Faces(data.Dataset[Face]):
    """A data set of faces, as :func:`synthetic_faces` and :func:`open_dataset` give it. Worker processes open it anew from a pickle."""

    def __init__(self, opener: Callable[..., _core.Dataset], *arguments: Any) -> None:
        if not callable(opener):
            raise ValueError(f"Faces are opened by secgan.open_dataset(...) or secgan.synthetic_faces(...), found {opener!r}")
        self._opened_by = (opener, *arguments)
        self._native = call(opener, *arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return Faces, self._opened_by

    def __repr__(self) -> str:
        return f"Faces({len(self)} of {self.image_size} px; {', '.join(self.attributes) or 'no attributes'})"

    @property
    def attributes(self) -> list[str]:
        """Names of the labels, in their order."""
        return self._native.attributes()

    @property
    def image_size(self) -> int:
        """Side of the photos in pixels."""
        return self._native.image_size()

    def __len__(self) -> int:
        return self._native.size()

    def __getitem__(self, index: int) -> Face:
        size, index = len(self), integer(index, "index")
        if not -size <= index < size:
            raise IndexError(f"index {index} is outside the data set of {size}")
        sample = self._native.get(index % size)
        labels = torch.empty(0) if sample.labels is None else sample.labels
        return Face(sample.image, labels, torch.empty(0, dtype=torch.uint8) if sample.mask is None else sample.mask)

    def name(self, index: int) -> str:
        """The photo's own name, without folder and extension."""
        return call(self._native.get, index).id

    @property
    def notes(self) -> list[str]:
        """What opening the data set found out about its lists and folders, one line each."""
        return [text for text, _ in self._native.notes()]

    def flip(self, labels: torch.Tensor, attribute: int) -> torch.Tensor:
        """Labels ``[N, A]``, 0 or 1, with one attribute flipped, and those that exclude it consistent with that.

        Raises:
            ValueError: other labels or shapes, or an attribute that is not there.
        """
        return call(self._native.flip, label_tensor(labels, "labels"), attribute)


def synthetic_faces(count: int = 8000, image_size: int = 64, seed: int = 1) -> Faces:
    """Drawn faces with true labels and masks: no download. Sample i follows from the seed and i alone.

    Raises:
        ValueError: a value that breaks a rule.
    """
    return Faces(_core.synthetic_faces, count, image_size, seed)


def open_dataset(settings: DataSettings, split: str = "train", *, attributes: bool = True, masks: bool = False) -> Faces:
    """CelebA, CelebAMask-HQ, a folder of photos or drawn faces, as training opens them.

    What the data set's lists say and its files do not is a warning.

    Args:
        settings: as ``settings["data"]`` of :func:`secgan.default_settings`.
        split: ``"train"``, ``"validation"`` or ``"test"``.
        attributes, masks: what will be read.

    Raises:
        ValueError: unknown settings (the known ones are listed) or values that break a rule.
        FileNotFoundError: a file or folder of the data set is missing.
        RuntimeError: a list that cannot be read, as "file:line: what is wrong".
    """
    chosen = mapping(settings, "settings", "a mapping, as {'kind': 'synthetic'}")
    faces = Faces(_core.open_dataset, chosen, split, attributes, masks)
    _warn(faces._native.notes())
    return faces


def _warn(notes: Iterable[tuple[str, bool]]) -> None:
    for text, _ in notes:
        warnings.warn(text, stacklevel=3)


class AttributeList(Mapping[str, dict[str, bool]]):
    """What photos show, by their names: ``editor.edit(photo, source=attributes[photo], Bangs=1)``. Pickles hold the file's name."""

    def __init__(self, native: _core.AttributeList, *read_from: Any) -> None:
        self._native = native
        self._read_from = read_from

    def __reduce__(self) -> tuple[Any, ...]:
        return read_attribute_list, self._read_from

    def __repr__(self) -> str:
        return f"AttributeList of {len(self)} photos: {', '.join(self.attributes)}"

    @property
    def attributes(self) -> list[str]:
        """Names of the labels, in their order."""
        return self._native.attributes

    @property
    def labels(self) -> torch.Tensor:
        """``[N, A]`` float32, 0 or 1: a row per photo, in the list's order."""
        return self._native.labels

    def __getitem__(self, photo: str | os.PathLike[str]) -> dict[str, bool]:
        """The row of a photo: named as in the list, or by a path to it, or with another picture ending."""
        index = self._native.find(os.fspath(photo))
        if index is None:
            raise KeyError(photo)
        return self._native.row(index)

    def __iter__(self) -> Iterator[str]:
        return iter(self._native.photos)

    def __len__(self) -> int:
        return len(self._native.photos)


def read_attribute_list(file: str | os.PathLike[str], attributes: Iterable[str] | None = None) -> AttributeList:
    """A list of what photos show: CelebA's .txt or .csv file, or any table of text with a line of names before the rows.

    Args:
        file: cells between spaces, commas, semicolons or tabs; labels 1, 0, -1, True, False; UTF-8, or UTF-16 with a byte-order mark.
        attributes: those to read; None: all.

    Raises:
        ValueError: an attribute that the list lacks, or one name in place of a list.
        FileNotFoundError: there is no such file.
        RuntimeError: a list that cannot be read, as "file:line: what is wrong".
    """
    read_from = (path(file, "file"), None if attributes is None else names(attributes, "attributes", "a list of names or None"))
    native = _core.read_attribute_list(*read_from)
    _warn(native.notes())
    return AttributeList(native, *read_from)
