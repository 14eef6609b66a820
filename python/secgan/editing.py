"""Photo in, edited photo out."""

from __future__ import annotations

import os
import pathlib
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import torch

from . import _core
from ._arguments import call, is_mapping, label, mapping, names, path
from ._photos import Photo, photo_tensor, photo_tensors
from .hub import bundle_folder, push_folder
from .networks import Generator

if TYPE_CHECKING:
    from PIL import Image


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


def write_image(file: str | os.PathLike[str], image: Photo, *, provenance: Mapping[str, Any] | None = None) -> None:
    """Writes ``[3, H, W]`` uint8, or whatever :func:`read_image` takes, as .png or .jpg, whole or not at all.

    Args:
        provenance: what the file says of how it was made, as :attr:`EditedPhoto.provenance`; None: nothing.
    """
    made = None if provenance is None else mapping(provenance, "provenance", "a mapping, as EditedPhoto.provenance, or None")
    call(_core.write_image, path(file, "file"), photo_tensor(image), made)


def inspect_image(file: str | os.PathLike[str]) -> dict[str, Any]:
    """What a picture's file is and says of itself: ``kind``, ``width``, ``height``, ``bytes``, ``pictures`` and ``provenance``.

    ``pictures`` counts an animation's frames and a file's pages, of which everything else describes the first. ``provenance`` is as
    :attr:`EditedPhoto.provenance`, empty texts for what the file does not say, or None where it says nothing of this: a mark, and no proof.
    Errors as :func:`read_image`.
    """
    return call(_core.inspect_image, path(file, "file"))


class EditWarning(UserWarning):
    """What a person should know of an edit that was carried out all the same."""


class FoundFace(NamedTuple):
    """A face in a photo, in its pixels."""

    box: tuple[float, float, float, float]  #: left, top, right and bottom
    score: float  #: how sure the detector was, 0 to 1
    points: list[tuple[float, float]]  #: eyes, nose and corners of the mouth, of each pair the one on the picture's left first


class EditedFace(NamedTuple):
    """A face that was found in a photo, aligned as the bundle's photos are, edited, and put back."""

    face: FoundFace
    photo: torch.Tensor  #: ``[3, h, w]`` uint8: the aligned face, edited
    crop: torch.Tensor  #: ``[3, h, w]`` uint8: the aligned face as it was
    source: dict[str, bool]  #: what it showed, as given or predicted
    difference: dict[str, float]  #: what the generator was asked for
    quad: list[tuple[float, float]]  #: corners in the photo of what the networks saw; outside of it nothing changed


#: Finds faces: from ``[3, H, W]`` uint8 to five points (x, y) for each upright face: eyes, nose, corners of the mouth, the left ones first.
Detector = Callable[[torch.Tensor], Iterable[Any]]


class EditedPhoto(NamedTuple):
    """What :meth:`Editor.edit` gives. A notebook shows it as a picture."""

    photo: torch.Tensor  #: ``[3, h, w]`` uint8: the crop, edited, at its own size
    crop: torch.Tensor  #: ``[3, h, w]`` uint8: the same part of the original
    source: dict[str, bool]  #: what the photo showed, as given or predicted
    difference: dict[str, float]  #: what the generator was asked for
    place: tuple[int, int, int, int]  #: x, y, width and height of the crop in the original
    notes: list[str]  #: what a person should know, a line each; :class:`EditWarning` says them too
    original: torch.Tensor  #: ``[3, H, W]`` uint8: the photo as it was given
    #: what :meth:`save` writes into the file of how it was made: ``source_type``, ``software``, ``model``, ``model_hash``, ``edits``
    provenance: dict[str, Any]
    #: where faces were searched, those that were edited, the largest first; ``photo`` is then the whole photo, ``source`` the first one's
    faces: tuple[EditedFace, ...] = ()
    faces_found: int = 0  #: with those that were not edited

    @property
    def whole(self) -> torch.Tensor:
        """``[3, H, W]`` uint8: the original with the edit put in, blended where the crop ends inside it."""
        return _core.whole_photo(self.original, self.photo, self.place)

    @property
    def image(self) -> Image.Image:
        """The edited crop as a PIL picture."""
        try:
            from PIL import Image
        except ImportError:
            raise RuntimeError("image needs the package Pillow: pip install pillow") from None
        return Image.fromarray(self.photo.permute(1, 2, 0).contiguous().numpy())

    def save(self, file: str | os.PathLike[str], *, whole: bool = False, provenance: bool = True) -> None:
        """Writes the edited crop, or the whole photo with the edit put in, as .png or .jpg, with its provenance unless that is False."""
        write_image(file, self.whole if whole else self.photo, provenance=self.provenance if provenance else None)

    def _repr_png_(self) -> bytes:
        return _core.encode_png(self.photo)

    def __repr__(self) -> str:
        x, y, width, height = self.place
        asked = ", ".join(f"{name} {value:+g}" for name, value in self.difference.items() if value)
        _, high, wide = self.original.shape
        return f"EditedPhoto({width} x {height} at ({x}, {y}) of {wide} x {high}, asked for {asked or 'nothing'})"


def _face(native: _core.FoundFace) -> FoundFace:
    return FoundFace(native.box, native.score, native.points)


def _finder(detector: str | os.PathLike[str] | Detector | None) -> Any:
    return detector if detector is None or callable(detector) else path(detector, "detector", "a function, a file or None")


def find_faces(image: Photo, *, detector: str | os.PathLike[str] | Detector | None = None, refine: bool = True) -> list[FoundFace]:
    """The faces of a photo, the largest first, as :meth:`Editor.edit` finds them: upright ones, or where there is none those that lie.

    Args:
        image: whatever :func:`read_image` takes.
        detector: as of :meth:`Editor.edit`.
        refine: takes MTCNN's points from a second look at each face, cut out upright, as editing does. False: those of facenet-pytorch's
            ``detect``, to rounding. Functions' points stay as they are.

    Raises:
        FileNotFoundError: no detector is installed; the message says how to get one.
    """
    return [_face(face) for face in call(_core.find_faces, photo_tensor(image), _finder(detector), refine)]


_EDITS = "a mapping, as {'Bangs': 1}"


def _labels(source: Mapping[str, bool] | Iterable[str] | None) -> list[tuple[str, bool]] | None:
    if source is None:
        return None
    rule = "names or a mapping of names, as ['Male'] or {'Male': True}"
    if is_mapping(source):
        return [(name, label(has, f"source: '{name}'")) for name, has in mapping(source, "source", rule).items()]
    return [(name, True) for name in names(source, "source", rule)]


def _revive(files: dict[str, bytes], options: dict[str, str], bundle: str = "") -> Editor:
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder, bundle or "bundle")  # results say its name
        place.mkdir()
        for name, content in files.items():
            (place / name).write_bytes(content)
        return Editor.from_pretrained(place, **options)


class Editor:
    """A trained bundle, ready to edit photos of any size. Opened by :meth:`from_pretrained`; pickles and copies hold its weights."""

    def __init__(self, native: _core.Editor) -> None:
        if not isinstance(native, _core.Editor):
            raise ValueError(f"an Editor is opened from a bundle's folder: secgan.Editor.from_pretrained({native!r})")
        self._native = native

    @classmethod
    def from_pretrained(
        cls,
        folder: str | os.PathLike[str],
        *,
        device: str | torch.device = "cpu",
        engine: str = "auto",
        precision: str = "float32",
        revision: str | None = None,
    ) -> Editor:
        """Loads a bundle folder (config.json and model.safetensors); nothing in it can run code.

        Args:
            folder: the bundle's, or, where no such folder is, the name of a repository on the Hugging Face Hub, ``"owner/name"``, which
                ``huggingface_hub`` fetches into its cache.
            revision: a branch, tag or commit of that repository; None: its main branch.
            device: of the networks, ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
            engine: what runs the generator: ``"openvino"``, an option that is there where the library was built with it; ``"libtorch"``; or
                ``"auto"``: OpenVINO where it is there. Compiling pays from some eight photos on: but for ``"openvino"``, the first ones
                are edited by the plain modules.
            precision: of the generator's convolutions, ``"float32"`` or ``"bfloat16"``.

        Raises:
            ValueError: a device or an engine that is not there; those that are, are named.
            FileNotFoundError: neither a bundle's folder nor a repository that can be fetched.
        """
        return cls(call(_core.Editor.from_pretrained, bundle_folder(folder, revision), str(device), engine, precision))

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Writes the bundle, whole or not at all.

        Raises:
            RuntimeError: ``folder`` holds anything but a bundle; it is left as it is.
        """
        self._native.save_pretrained(path(folder, "folder"))

    def push_to_hub(
        self, repository: str, *, private: bool | None = None, token: str | None = None, message: str = "A bundle of secgan"
    ) -> str:
        """Uploads the bundle with its card (README.md) to a model repository on the Hugging Face Hub.

        The repository is made where it is missing; a card there that is somebody's own stays.

        Args:
            repository: ``"owner/name"``.
            token: of the Hub; None: the one that ``hf auth login`` keeps.

        Returns:
            The commit's address.

        Raises:
            ImportError: ``huggingface_hub`` is not installed.
        """
        return push_folder(self.save_pretrained, repository, private=private, token=token, message=message)

    def __reduce__(self) -> tuple[Any, ...]:
        """The bundle's files, engine and precision: pickles and copies need no folder, and are on the CPU."""
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder, "bundle")
            self.save_pretrained(place)
            files = {file.name: file.read_bytes() for file in place.iterdir()}
            return _revive, (files, self._native.options(), self._native.bundle_name())

    def __repr__(self) -> str:
        return f"Editor({self._native.summary()}; {', '.join(self.attributes) or 'no attributes'})"

    def to(self, device: str | torch.device) -> Editor:
        """Moves the networks, as ``device`` of :meth:`from_pretrained`; photos and results stay on the CPU. Gives the editor itself."""
        self._native.to(str(device))
        return self

    @property
    def engine(self) -> str:
        """The engine that made the last edit, or will make the first, with its version: ``"openvino 2026.4.1"``."""
        return self._native.engine()

    @property
    def attributes(self) -> list[str]:
        """Names that :meth:`edit` knows, in the generator's order."""
        return self._native.attributes()

    @property
    def finds_faces(self) -> bool:
        """Whether ``faces`` of :meth:`edit` may be asked for: the bundle's photos are aligned, and it is known how."""
        return self._native.finds_faces()

    @property
    def info(self) -> dict[str, Any]:
        """Image size, crop, attributes, intensity, license and data of the bundle."""
        return self._native.info()

    @property
    def generator(self) -> Generator:
        """The photo generator, sharing its weights with the editor.

        Raises:
            RuntimeError: the bundle has none.
        """
        native = self._native.generator()
        try:
            native.config()
        except RuntimeError:  # an empty holder's
            raise RuntimeError(f"{self._native.bundle_name()}: the bundle has no generator") from None
        return Generator._wrap(native)

    def predict(self, image: Photo, *, crop: str | None = None) -> dict[str, float]:
        """What the bundle's classifier sees: probabilities by attribute. Photo and crop as in :meth:`edit`."""
        return call(self._native.predict, photo_tensor(image), crop)

    def parse(self, image: Photo, *, crop: str | None = None) -> torch.Tensor:
        """``[h, w]`` uint8 ids of the twelve classes, at the crop's own size. Photo and crop as in :meth:`edit`."""
        return call(self._native.parse, photo_tensor(image), crop)

    @overload
    def edit(
        self,
        image: list[Any] | tuple[Any, ...],
        edits: Mapping[str, float] = ...,
        /,
        *,
        source: Mapping[str, bool] | Iterable[str] | None = ...,
        upscaling: str = ...,
        crop: str | None = ...,
        faces: str | int | None = ...,
        detector: str | os.PathLike[str] | Detector | None = ...,
        region: str = ...,
        **more: float,
    ) -> list[EditedPhoto]: ...

    @overload
    def edit(
        self,
        image: Photo,
        edits: Mapping[str, float] = ...,
        /,
        *,
        source: Mapping[str, bool] | Iterable[str] | None = ...,
        upscaling: str = ...,
        crop: str | None = ...,
        faces: str | int | None = ...,
        detector: str | os.PathLike[str] | Detector | None = ...,
        region: str = ...,
        **more: float,
    ) -> EditedPhoto: ...

    def edit(
        self,
        image: Any,
        edits: Mapping[str, float] = MappingProxyType({}),
        /,
        *,
        source: Mapping[str, bool] | Iterable[str] | None = None,
        upscaling: str = "auto",
        crop: str | None = None,
        faces: str | int | None = None,
        detector: str | os.PathLike[str] | Detector | None = None,
        region: str = "free",
        **more: float,
    ) -> EditedPhoto | list[EditedPhoto]:
        """Edits one photo, or a list of them: ``editor.edit("face.jpg", Eyeglasses=+1, Blond_Hair=0.5)``.

        Args:
            image: a path, a file's bytes or a binary file that is open, a PIL picture, a ``[3, H, W]`` uint8 tensor or a ``[H, W, 3]``
                uint8 array; a list of those gives a list.
            edits: strength by attribute, for names that are no keywords: ``{"5_o_Clock_Shadow": 1}``. Positive adds, negative
                removes, 1 is what training used.
            source: attributes that the photo has, as names or ``{name: bool}`` (or 1 and 0; missing ones: not); None: predicted.
            upscaling: ``"resize"``: the network's picture at the crop's size; ``"detail"``: the photo plus the change; ``"auto"``:
                ``"detail"`` where the crop is larger than what the network takes.
            crop: the part with the face, in pixels of this photo: ``"none"``, ``"center"``, ``"center:N"`` or ``"box:x,y,w,h"``; None:
                as the bundle's data set was cropped, at this photo's scale.
            faces: find the photo's faces, align them as the bundle's photos are, and put their edits back: ``"largest"``, ``"all"``, a
                number by size from 1, or ``"auto"``: the largest, unless the photo is aligned already. None: no search, the crop is edited.
            detector: who finds them, as a function or the file of another detector; None: the installed one.
            region: ``"free"``: an edit may change every pixel; ``"exact"``: only those where its attributes can show, by the parser and
                the mask branch, which the bundle must have; every other one stays as it was, to the bit.
            **more: further edits, ``Eyeglasses=1``.

        Raises:
            ValueError: an unknown attribute (the known ones are listed), edits that exclude each other, a label in ``source`` that is
                neither True nor False, or a crop that leaves the photo.
            TypeError: an argument of another type; the message names it.
            RuntimeError: a file that is no photo (or missing: FileNotFoundError), an edit that is not finite, or a photo in which no face
                was found.
            FileNotFoundError: a face is searched, and no detector installed; the message says how to get it.
        """
        named = mapping(edits, "edits", _EDITS)
        twice = sorted(named.keys() & more.keys())
        if twice:
            raise ValueError(f"attribute '{twice[0]}' is given twice")
        many = isinstance(image, (list, tuple))
        edited = self._edit(
            image if many else [image],
            {**named, **more},
            source=source,
            upscaling=upscaling,
            crop=crop,
            faces=faces,
            detector=detector,
            region=region,
        )
        return edited if many else edited[0]

    def edit_all(
        self,
        images: Iterable[Photo],
        edits: Mapping[str, float],
        *,
        source: Mapping[str, bool] | Iterable[str] | None = None,
        upscaling: str = "auto",
        crop: str | None = None,
        faces: str | int | None = None,
        detector: str | os.PathLike[str] | Detector | None = None,
        region: str = "free",
    ) -> list[EditedPhoto]:
        """The same edits of many photos of any sizes: the networks see several at once. Arguments and errors as in :meth:`edit`."""
        named = mapping(edits, "edits", _EDITS)
        return self._edit(images, named, source=source, upscaling=upscaling, crop=crop, faces=faces, detector=detector, region=region)

    def _edit(
        self,
        images: Iterable[Photo],
        edits: dict[str, float],
        *,
        source: Mapping[str, bool] | Iterable[str] | None,
        upscaling: str,
        crop: str | None,
        faces: str | int | None,
        detector: str | os.PathLike[str] | Detector | None,
        region: str,
    ) -> list[EditedPhoto]:
        photos = photo_tensors(images)
        which = None if faces is None else str(faces)
        out = []
        edited = call(self._native.edit, photos, edits, _labels(source), upscaling, crop, which, _finder(detector), region)
        for photo, one in zip(photos, edited, strict=True):
            for note in one.notes:
                warnings.warn(note, EditWarning, stacklevel=3)
            found = tuple(
                EditedFace(_face(face.face), face.photo, face.crop, face.source, face.difference, face.quad) for face in one.faces
            )
            out.append(
                EditedPhoto(
                    one.photo, one.crop, one.source, one.difference, one.place, one.notes, photo, one.provenance, found, one.faces_found
                )
            )
        return out
