"""Photo in, edited photo out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy
import torch

from . import _core
from .networks import Generator


def read_image(file: str | os.PathLike[str]) -> torch.Tensor:
    """A JPEG or PNG file as ``[3, H, W]`` uint8 RGB.

    Raises:
        FileNotFoundError: there is none.
        RuntimeError: it is damaged, truncated or no picture; the message names it.
    """
    return _core.read_image(os.fspath(file))


def write_image(file: str | os.PathLike[str], image: torch.Tensor) -> None:
    """Writes ``[3, H, W]`` uint8 as .png or .jpg, whole or not at all."""
    _core.write_image(os.fspath(file), image)


class EditedPhoto(NamedTuple):
    """What :meth:`Editor.edit` gives."""

    photo: torch.Tensor  #: ``[3, h, w]`` uint8: the crop, edited, at its own size
    crop: torch.Tensor  #: ``[3, h, w]`` uint8: the same part of the original
    source: dict[str, bool]  #: what the photo showed, as given or predicted
    difference: dict[str, float]  #: what the generator was asked for


def _photo(image: Any) -> torch.Tensor:
    if isinstance(image, (str, os.PathLike)):
        return read_image(image)
    if isinstance(image, torch.Tensor):
        return image
    array = numpy.asarray(image)  # PIL pictures and arrays: height, width, channels
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != numpy.uint8:
        raise ValueError(f"image must be a file, a [3, H, W] tensor or a [H, W, 3] uint8 array, found {array.dtype} {list(array.shape)}")
    return torch.from_numpy(numpy.ascontiguousarray(array.transpose(2, 0, 1)))


class Editor:
    """A trained bundle, ready to edit photos of any size."""

    def __init__(self, native: Any) -> None:
        self._native = native

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> Editor:
        """Loads a bundle folder (config.json and model.safetensors); nothing in it can run code."""
        return cls(_core.Editor.from_pretrained(os.fspath(folder)))

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Writes the bundle, whole or not at all.

        Raises:
            RuntimeError: ``folder`` holds anything but a bundle; it is left as it is.
        """
        self._native.save_pretrained(os.fspath(folder))

    @property
    def attributes(self) -> list[str]:
        """Names that :meth:`edit` knows."""
        return self._native.attributes()

    @property
    def info(self) -> dict[str, Any]:
        """Image size, crop, attributes, intensity and license of the bundle."""
        return self._native.info()

    @property
    def generator(self) -> Generator:
        """The photo generator, sharing its weights with the editor."""
        return Generator._wrap(self._native.generator())

    def predict(self, image: Any) -> dict[str, float]:
        """What the bundle's classifier sees: probabilities by attribute."""
        return self._native.predict(_photo(image))

    def parse(self, image: Any) -> torch.Tensor:
        """``[h, w]`` uint8 ids of the twelve classes, at the crop's own size."""
        return self._native.parse(_photo(image))

    def edit(self, image: Any, *, source: Mapping[str, bool] | None = None, upscaling: str = "resize", **edits: float) -> EditedPhoto:
        """Edits one photo: ``editor.edit("face.jpg", Eyeglasses=+1, Blond_Hair=0.5)``.

        Args:
            image: a file, a ``[3, H, W]`` uint8 tensor, a ``[H, W, 3]`` uint8 array or a PIL picture.
            source: attributes that the photo has (missing ones: not); None: predicted.
            upscaling: ``"resize"``: the network's picture at the crop's size; ``"detail"``: the photo plus the change.
            **edits: strength by attribute; positive adds, negative removes, 1 is what training used.

        Raises:
            ValueError: an unknown attribute (the known ones are listed), or edits that exclude each other.
        """
        return self.edit_all([image], edits, source=source, upscaling=upscaling)[0]

    def edit_all(
        self,
        images: Iterable[Any],
        edits: Mapping[str, float],
        *,
        source: Mapping[str, bool] | None = None,
        upscaling: str = "resize",
    ) -> list[EditedPhoto]:
        """The same edits of many photos of any sizes: the networks see several at once. Arguments and errors as in :meth:`edit`."""
        photos = [_photo(image) for image in images]
        edited = self._native.edit(photos, dict(edits), None if source is None else dict(source), upscaling)
        return [EditedPhoto(one.photo, one.crop, one.source, one.difference) for one in edited]
