"""Generators, discriminators and parser networks by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from . import _core
from ._arguments import call, integer, items, names, text
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


def _count(attributes: int | Sequence[str]) -> int:
    rule = "a count or a list of names"
    if isinstance(attributes, Iterable) and not isinstance(attributes, torch.Tensor):
        return len(names(attributes, "attributes", rule))
    return integer(attributes, "attributes", rule)


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


def list_generators() -> list[str]:
    """Names that :func:`create_generator` knows."""
    return _core.backbones()


def list_discriminators() -> list[str]:
    """Names that :func:`create_discriminator` knows."""
    return _core.backbones()


def list_parsers() -> list[str]:
    """Names that :func:`create_parser` knows."""
    return _core.parser_networks()
