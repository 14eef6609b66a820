"""Weights out of what the public repositories save."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

from . import _core
from ._arguments import call, names, path
from .extractors import InceptionV3, SwavResNet50
from .networks import Classifier, Discriminator, Generator, Parser
from .options import ImportOptions


def load_weights(
    module: Generator | Discriminator | Parser | Classifier | InceptionV3 | SwavResNet50, file: str | os.PathLike[str], *, entry: str = ""
) -> None:
    """Loads a network's weights from a file of AttGAN-PyTorch, STGAN-pytorch, StarGAN, face-parsing, pytorch-fid or SwAV, or safetensors.

    Dictionaries bare or nested, beside whatever else there is, under the names of wrappers (``module.``, ``_orig_mod.``, ``model.``), of
    any PyTorch version; the index of weights in several parts. Of two states that fit, an average over training is taken, with a
    warning. Nothing in the file is run.

    Args:
        entry: where in the file, as ``"G"`` or ``"state_dict.model"``; empty: wherever a state fits.

    Raises:
        ValueError: another kind of module.
        FileNotFoundError: there is none.
        RuntimeError: the file is damaged, or belongs to another network: the message names the first entry that
            differs, what the file seems to hold and the options that would fit; or a tensor is not finite; or several
            states fit of which none is an average. The module is then unchanged.
    """
    if not isinstance(module, (Generator, Discriminator, Parser, Classifier, InceptionV3, SwavResNet50)):
        raise ValueError(
            f"module must be a network of secgan (create_generator, create_discriminator, create_parser, create_classifier, InceptionV3, "
            f"SwavResNet50), found {type(module).__name__}"
        )
    _tell(call(module._in_step().load_weights, path(file, "file"), entry))


def _tell(note: str) -> None:
    if note:
        warnings.warn(note, UserWarning, stacklevel=3)


def import_weights(
    origin: str,
    file: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    attributes: Sequence[str] = (),
    image_size: int | None = None,
    crop: str = "",
    intensity: float | None = None,
    classifier: str | os.PathLike[str] = "",
    parser: str | os.PathLike[str] = "",
    license: str = "",
    entry: str = "",
    licence: str | None = None,
) -> None:
    """Turns such a file into a bundle for :class:`secgan.Editor`: ``secgan import`` as a function.

    Args:
        origin: ``"attgan-pytorch"``, ``"stgan-pytorch"``, ``"stargan"``, ``"face-parsing"`` or ``"face-parsing-yakhyo"``.
        file: what that repository saved.
        out: the bundle's folder: a new or empty one, or an older bundle, which is replaced.
        attributes: the generator's, in its order; default: the repository's published list.
        image_size: side of the photos it was trained on; default 128, parsers 512.
        crop: ``"none"``, ``"center"``, ``"center:N"`` or ``"box:x,y,w,h"``; default: the repository's own.
        intensity: what strength 1 means; default: as the repository's test script.
        classifier, parser: bundles whose classifier and parser are included.
        license: of the weights, for people to read.
        entry: which of several states in the file, as ``"G_ema"``; default: the one that fits, an average over training first, which a
            warning tells.
        licence: the former name of ``license``; deprecated.

    Raises:
        FileNotFoundError: there is no such file.
        RuntimeError: it is damaged or holds something else, or ``out`` holds anything but a bundle.
        ValueError: an unknown origin, or options that do not fit the file.
    """
    if licence is not None:
        warnings.warn("import_weights(licence=…) is now license=…", DeprecationWarning, stacklevel=2)
        license = licence
    options = ImportOptions(
        attributes=names(attributes, "attributes"),
        image_size=image_size,
        crop=crop,
        intensity=intensity,
        classifier=path(classifier, "classifier") if classifier else "",
        parser=path(parser, "parser") if parser else "",
        license=license,
        entry=entry,
    )
    _tell(call(_core.import_weights, origin, path(file, "file"), path(out, "out"), dict(options)))
