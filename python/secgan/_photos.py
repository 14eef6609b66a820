"""What people hold photos in, and ``[3, H, W]`` uint8 RGB: the same of a file, its bytes and the PIL picture that was opened from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any, TypeAlias, Union

import numpy
import torch

from . import _core
from ._arguments import call, path, shown

if TYPE_CHECKING:
    from PIL import Image

#: A path, the bytes of a file or a binary file that is open; a PIL picture; ``[H, W, 3]`` or ``[3, H, W]`` uint8 RGB.
Photo: TypeAlias = Union[
    str, "os.PathLike[str]", bytes, bytearray, memoryview, IO[bytes], "Image.Image", "numpy.ndarray[Any, Any]", torch.Tensor
]

_ORIENTATION = 0x0112  # EXIF's tag


def photo_tensor(image: Photo) -> torch.Tensor:
    """``[3, H, W]`` uint8 RGB of whatever a photo comes in."""
    if isinstance(image, torch.Tensor):
        return image
    if isinstance(image, (str, os.PathLike)):
        return call(_core.read_image, path(image, "image"))
    if isinstance(image, (bytes, bytearray, memoryview)):
        return _core.decode_image(bytes(image), "picture")
    pil = sys.modules.get("PIL.Image")  # whoever has a picture has imported it
    if pil is not None and isinstance(image, pil.Image):
        return _from_pil(image)
    if hasattr(image, "read"):
        return _from_file(image)
    return _from_array(image)


def photo_tensors(images: Iterable[Photo]) -> list[torch.Tensor]:
    """The same of several."""
    if isinstance(images, (str, bytes, bytearray, memoryview, os.PathLike)) or hasattr(images, "read"):  # whose parts are no photos
        raise ValueError(f"images must be a list of photos, as [photo], found one: {type(images).__name__}")
    if not isinstance(images, Iterable):
        raise TypeError(f"images must be a list of photos, as [photo], found {shown(images)}")
    return [photo_tensor(image) for image in images]


def _from_file(file: Any) -> torch.Tensor:
    content = file.read()
    name = getattr(file, "name", None)
    name = name if isinstance(name, str) else "picture"
    if not isinstance(content, bytes):
        raise ValueError(f"'{name}' must be open in binary mode ('rb'), found {type(content).__name__} in it")
    return _core.decode_image(content, name)


def _from_pil(picture: Image.Image) -> torch.Tensor:
    picture.load()
    mode, info = picture.mode, picture.info
    if mode.startswith("I;16") or (mode == "I" and picture.format == "PNG"):  # older Pillow opens 16-bit PNG as "I"
        pixels = ((numpy.asarray(picture).astype(numpy.int64) * 255 + 32895) >> 16).astype(numpy.uint8)  # rounded, as files are read
    elif mode in {"I", "F"}:
        raise ValueError(f"a PIL picture of mode '{mode}' has no range of its own: scale it to 0 to 255, then .convert('RGB')")
    else:
        plain = {"1": "L", "La": "LA", "P": "RGBA", "PA": "RGBA", "RGBa": "RGBA"}  # alpha is dropped, with no color mixed in
        kept = {"L", "LA", "RGB", "RGBA", "RGBX", "CMYK"}
        try:
            pixels = numpy.array(picture if mode in kept else picture.convert(plain.get(mode, "RGB")))
        except (ValueError, OSError, ImportError) as problem:
            raise ValueError(f"a PIL picture of mode '{mode}' cannot be taken: .convert('RGB') it first ({problem})") from None
        if pixels.ndim == 3 and mode != "CMYK":
            pixels = pixels[..., : 1 if pixels.shape[2] == 2 else 3]
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    profile = info.get("icc_profile") or b""
    if not profile and "srgb" not in info:
        profile = _core.profile_of_gamma(info.get("gamma"), info.get("chromaticity"))
    return _core.photo_from_pixels(torch.from_numpy(numpy.ascontiguousarray(pixels)), profile, _orientation(picture))


def _orientation(picture: Image.Image) -> int:
    try:
        value: Any = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # metadata that Pillow cannot read turn nothing, as in a file
        return 1
    if isinstance(value, bytes) and len(value) == 1:
        value = value[0]
    return int(value) if value in range(1, 9) else 1


def _from_array(image: Any) -> torch.Tensor:
    array = numpy.asarray(image)
    if array.ndim == 3 and array.shape[2] == 3 and array.dtype == numpy.uint8:
        return torch.from_numpy(numpy.ascontiguousarray(array.transpose(2, 0, 1)))
    advice = ""
    if array.dtype == object or array.ndim == 0:
        raise ValueError(f"image must be a file, its bytes, a PIL picture, a tensor or an array, found {type(image).__name__}")
    if array.dtype.kind == "f":
        advice = ": scale it to 0 to 255 and .astype(numpy.uint8)"
    elif array.ndim == 3 and array.shape[0] == 3:
        advice = ": .transpose(1, 2, 0) puts channels last"
    elif array.ndim == 3 and array.shape[2] == 4:
        advice = ": [..., :3] drops alpha"
    elif array.ndim == 2:
        advice = ": numpy.stack([image] * 3, -1) makes gray RGB"
    raise ValueError(f"an array must be [H, W, 3] uint8, found {array.dtype} {list(array.shape)}{advice}")
