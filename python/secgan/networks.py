"""Generators, discriminators and parser networks by name; attribute classifiers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from . import _core
from ._arguments import call, integer, items, names, path, text
from ._module import NativeModule


class Generator(NativeModule):
    """Image and difference vector in, edited image out. Made by :func:`create_generator`."""

    _native_type = _core.Generator

    if TYPE_CHECKING:

        def __call__(self, image: torch.Tensor, attributes: torch.Tensor) -> torch.Tensor: ...  # noqa: D102  (as forward)

    def forward(self, image: torch.Tensor, attributes: torch.Tensor) -> torch.Tensor:
        """Image ``[N, C, S, S]``, attributes ``[N, A]`` → ``[N, C, S, S]``."""
        return self._call("forward", image, attributes)

    def encode(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Features of an image, finest first. With attention the first is the image itself."""
        return self._call("encode", image)

    def decode(self, features: Sequence[torch.Tensor], attributes: torch.Tensor) -> torch.Tensor:
        """The edit that the difference vector asks for, from what :meth:`encode` gave."""
        return self._call("decode", items(features, "features", "a list of tensors"), attributes)


class Discriminator(NativeModule):
    """Image in, (adversarial ``[N, 1]``, attribute logits ``[N, A]``) out. Made by :func:`create_discriminator`."""

    _native_type = _core.Discriminator

    if TYPE_CHECKING:

        def __call__(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]: ...  # noqa: D102  (as forward)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Image ``[N, C, S, S]`` → adversarial ``[N, 1]`` (StarGAN: a patch map) and attribute logits ``[N, A]``."""
        return self._call("forward", image)


class Parser(NativeModule):
    """Photo ``[N, 3, H, W]`` in, class logits out. Made by :func:`create_parser`.

    In evaluation the main logits ``[N, K, H, W]``; in training a list with those of every head.
    """

    _native_type = _core.Parser

    def forward(self, photo: torch.Tensor) -> torch.Tensor | list[torch.Tensor]:
        """Photo ``[N, 3, H, W]``, normalized as the network expects → logits."""
        return self._call("heads" if self.training else "forward", photo)


class Classifier(NativeModule):
    """Photo in, a logit per attribute out. Made by :func:`create_classifier`, or loaded by :meth:`from_pretrained`.

    Beside a training of your own: a loss from a frozen one teaches a generator, another one judges its edits.
    """

    _native_type = _core.AttributeClassifier

    attributes: list[str]  #: what the logits are of, in their order; empty where only their number is known

    def _adopt(self, native: Any) -> None:
        super()._adopt(native)
        self.attributes = []

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> Classifier:
        """The classifier of a bundle folder, in evaluation mode; nothing in the folder can run code.

        Raises:
            FileNotFoundError: there is none.
            RuntimeError: the bundle is damaged.
            ValueError: it has no classifier.
        """
        native, attributes = call(_core.AttributeClassifier.from_bundle, path(folder, "folder"))
        classifier = cls._wrap(native)
        classifier.attributes = attributes
        return classifier

    if TYPE_CHECKING:

        def __call__(self, photo: torch.Tensor) -> torch.Tensor: ...  # noqa: D102  (as forward)

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        """Photo ``[N, 3, S, S]`` in [-1, 1] → logits ``[N, A]``; above 0 the attribute is there."""
        return self._call("forward", photo)

    def encode(self, photo: torch.Tensor) -> torch.Tensor:
        """Photo ``[N, 3, S, S]`` in [-1, 1] → ``[N, C, S', S']`` with S' at most 4: what the last layers see."""
        return self._call("features", photo)


def _names_and_count(attributes: int | Sequence[str]) -> tuple[list[str], int]:
    """The names, where they are given, and their number."""
    rule = "a count or a list of names"
    if isinstance(attributes, Iterable) and not isinstance(attributes, torch.Tensor):
        named = names(attributes, "attributes", rule)
        return named, len(named)
    return [], integer(attributes, "attributes", rule)


def _count(attributes: int | Sequence[str]) -> int:
    return _names_and_count(attributes)[1]


def create_generator(
    name: str,
    *,
    attributes: int | Sequence[str],
    image_size: int = 128,
    image_channels: int = 3,
    output: str = "tanh",
    **options: Any,
) -> Generator:
    """A new generator.

    Args:
        name: one of :func:`list_generators`.
        attributes: how many, or their names.
        image_size: side in pixels.
        image_channels: 3 for photos, the number of classes for masks.
        output: ``"tanh"`` (photos), ``"attention"`` (photos that keep every pixel where the network sees nothing to edit),
            ``"softmax"`` (probabilities over channels) or ``"logits"``.
        **options: of the backbone, named as in its public version (``enc_dim``, ``shortcut_layers``, ...).

    Raises:
        ValueError: an unknown name or option (the known ones are listed), or a value that breaks a rule.
    """
    return Generator(call(_core.Generator.create, text(name, "name"), _count(attributes), image_size, image_channels, output, options))


def create_discriminator(
    name: str, *, attributes: int | Sequence[str], image_size: int = 128, image_channels: int = 3, **options: Any
) -> Discriminator:
    """A new discriminator; arguments and errors as in :func:`create_generator`."""
    return Discriminator(call(_core.Discriminator.create, text(name, "name"), _count(attributes), image_size, image_channels, options))


def create_parser(name: str, *, classes: int = 19, **options: Any) -> Parser:
    """A new parser network.

    Args:
        name: one of :func:`list_parsers`.
        classes: 19 for the public label sets.
        **options: of the U-Net (``dim``, ``levels``); the others have none.

    Raises:
        ValueError: an unknown name or option (the known ones are listed), or a value that breaks a rule.
    """
    return Parser(call(_core.Parser.create, text(name, "name"), classes, options))


def create_classifier(*, attributes: int | Sequence[str], image_size: int = 128, **options: Any) -> Classifier:
    """A new attribute classifier, to train.

    Args:
        attributes: how many, or their names.
        image_size: side in pixels, a multiple of 32.
        **options: ``dim``, the channels of its first convolution, ``max_dim``, their cap, and ``members``, networks that answer together,
            by the mean of their logits.

    Raises:
        ValueError: an unknown option (the known ones are listed), or a value that breaks a rule.
    """
    named, count = _names_and_count(attributes)
    classifier = Classifier(call(_core.AttributeClassifier.create, count, image_size, options))
    classifier.attributes = named
    return classifier


def list_generators() -> list[str]:
    """Names that :func:`create_generator` knows."""
    return _core.backbones()


def list_discriminators() -> list[str]:
    """Names that :func:`create_discriminator` knows."""
    return _core.backbones()


def list_parsers() -> list[str]:
    """Names that :func:`create_parser` knows."""
    return _core.parser_networks()
