"""Photo in, edited photo out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch

from . import _core
from ._photos import Photo, photo_tensor
from .networks import Generator


def read_image(file: Photo) -> torch.Tensor:
    """A photo as ``[3, H, W]`` uint8 RGB: upright, in sRGB, without alpha.

    Args:
        file: a path, a file's bytes or a binary file that is open, of JPEG, PNG, WebP, TIFF or BMP; or a PIL picture, which gives what its
            file gives.

    Raises:
        FileNotFoundError: there is none.
        RuntimeError: it is damaged, truncated or no picture; the message names it.
    """
    return photo_tensor(file)


def write_image(file: str | os.PathLike[str], image: Photo) -> None:
    """Writes ``[3, H, W]`` uint8, or whatever :func:`read_image` takes, as .png or .jpg, whole or not at all."""
    _core.write_image(os.fspath(file), photo_tensor(image))


class EditedPhoto(NamedTuple):
    """What :meth:`Editor.edit` gives."""

    photo: torch.Tensor  #: ``[3, h, w]`` uint8: the crop, edited, at its own size
    crop: torch.Tensor  #: ``[3, h, w]`` uint8: the same part of the original
    source: dict[str, bool]  #: what the photo showed, as given or predicted
    difference: dict[str, float]  #: what the generator was asked for


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

    def predict(self, image: Photo) -> dict[str, float]:
        """What the bundle's classifier sees: probabilities by attribute."""
        return self._native.predict(photo_tensor(image))

    def parse(self, image: Photo) -> torch.Tensor:
        """``[h, w]`` uint8 ids of the twelve classes, at the crop's own size."""
        return self._native.parse(photo_tensor(image))

    def edit(self, image: Photo, *, source: Mapping[str, bool] | None = None, upscaling: str = "resize", **edits: float) -> EditedPhoto:
        """Edits one photo: ``editor.edit("face.jpg", Eyeglasses=+1, Blond_Hair=0.5)``.

        Args:
            image: a path, a file's bytes or a binary file that is open, a PIL picture, a ``[3, H, W]`` uint8 tensor or a ``[H, W, 3]``
                uint8 array.
            source: attributes that the photo has (missing ones: not); None: predicted.
            upscaling: ``"resize"``: the network's picture at the crop's size; ``"detail"``: the photo plus the change.
            **edits: strength by attribute; positive adds, negative removes, 1 is what training used.

        Raises:
            ValueError: an unknown attribute (the known ones are listed), or edits that exclude each other.
        """
        return self.edit_all([image], edits, source=source, upscaling=upscaling)[0]

    def edit_all(
        self,
        images: Iterable[Photo],
        edits: Mapping[str, float],
        *,
        source: Mapping[str, bool] | None = None,
        upscaling: str = "resize",
    ) -> list[EditedPhoto]:
        """The same edits of many photos of any sizes: the networks see several at once. Arguments and errors as in :meth:`edit`."""
        photos = [photo_tensor(image) for image in images]
        edited = self._native.edit(photos, dict(edits), None if source is None else dict(source), upscaling)
        return [EditedPhoto(one.photo, one.crop, one.source, one.difference) for one in edited]
