"""The frozen face parser."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from . import _core
from ._arguments import call, integer, items, path, shown
from .networks import Parser


def class_names(labels: str) -> list[str]:
    """Class names of ``"secgan-12"``, ``"celebamask-hq"`` or ``"face-parsing"``, by id."""
    return call(_core.class_names, labels)


def class_palette(labels: str) -> list[tuple[int, int, int]]:
    """RGB colors of a label set, by id."""
    return [(red, green, blue) for red, green, blue in call(_core.class_palette, labels)]


def _load_program(file: str) -> nn.Module:
    if not pathlib.Path(file).exists():
        raise FileNotFoundError(f"{file}: no such file")
    try:
        if file.endswith(".pt2"):
            return torch.export.load(file).module()
        return torch.jit.load(file, map_location="cpu")
    except Exception as error:
        raise RuntimeError(f"{file}: neither TorchScript nor an exported program ({str(error).splitlines()[0]})") from None


def _groups(labels: Sequence[Sequence[int]]) -> list[list[int]]:
    rule = "the name of a label set or a list of groups of class ids"
    return [[integer(one, "labels", rule) for one in items(group, "labels", rule)] for group in items(labels, "labels", rule)]


class FaceParser(nn.Module):
    """Any segmentation network as SeCGAN's P: photo in [-1, 1] → probabilities ``[N, 12, H, W]``.

    The network is frozen: evaluation mode, no gradient for its weights. The photo keeps its gradient.

    Args:
        network: one of :func:`secgan.create_parser`, any ``nn.Module``, any callable; photo → logits ``[N, K, h, w]``
            (of a tuple or list the first). Or a file: TorchScript (``.pt``, ``.ts``) or an exported program (``.pt2``,
            of ``torch.export.save``). Both are programs: load none that you do not trust.
        labels: the order of its classes: ``"face-parsing"``, ``"celebamask-hq"``, ``"secgan-12"``, or a list of
            groups of class ids.
        input_size: side to which photos are resized for the network; None: as they come.
        normalization: ``"imagenet"`` or ``"none"`` ([-1, 1] as it is).

    Raises:
        ValueError: unknown names, groups that are no partition, or a network whose classes do not fit.
        TypeError: a network that is none, or another argument of another type.
        FileNotFoundError: there is no such file.
    """

    def __init__(
        self,
        network: nn.Module | Callable[[torch.Tensor], torch.Tensor] | str | os.PathLike[str],
        *,
        labels: str | Sequence[Sequence[int]] = "face-parsing",
        input_size: int | None = None,
        normalization: str = "imagenet",
    ) -> None:
        super().__init__()
        if isinstance(network, (str, os.PathLike)):
            network = _load_program(path(network, "network", "a network or a file"))
        if not callable(network):
            raise TypeError(f"network must be a network or a file, found {shown(network)}")
        self.network = network
        if isinstance(network, nn.Module):
            if not isinstance(network, torch.fx.GraphModule):  # exported programs have one mode, and refuse eval()
                network.eval()
            for parameter in network.parameters():  # TorchScript has no requires_grad_()
                parameter.requires_grad_(False)
        self._settings = (labels if isinstance(labels, str) else _groups(labels), normalization, input_size)
        self._connect()

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> FaceParser:
        """The parser of a bundle folder, called as the bundle says; nothing in the folder can run code.

        Raises:
            FileNotFoundError: there is none.
            RuntimeError: the bundle is damaged.
            ValueError: it has no parser.
        """
        native = _core.FaceParser.from_bundle(path(folder, "folder"))
        return cls(Parser._wrap(native.network), **native.options)

    def _connect(self) -> None:
        labels, normalization, input_size = self._settings
        network = self.network

        def main_logits(photo: torch.Tensor) -> torch.Tensor:
            output = network(photo)
            return output[0] if isinstance(output, (tuple, list)) else output

        self._native = call(_core.FaceParser, main_logits, _core.ClassMerge(labels), normalization, input_size or 0)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_native"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._connect()

    def train(self, mode: bool = True) -> FaceParser:
        """Stays in evaluation mode: batch statistics would change what the parser says."""
        return super().train(False)

    def log_probabilities(self, photo: torch.Tensor) -> torch.Tensor:
        """Photo ``[N, 3, H, W]`` in [-1, 1] → log-probabilities ``[N, 12, H, W]``, differentiable in the photo."""
        return call(self._native.log_probabilities, photo)

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        """Photo ``[N, 3, H, W]`` in [-1, 1] → probabilities ``[N, 12, H, W]``."""
        return self.log_probabilities(photo).exp()
