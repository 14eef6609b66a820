"""The networks that FID and ssFID are computed with. Their weights are the user's: nothing is downloaded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn

from . import _core
from ._arguments import call, path
from ._module import Module, NativeModule


class _Extractor(NativeModule):
    """Stays in evaluation mode, without gradients: batch statistics would make features depend on the batch."""

    def _begin(self, native: _core.InceptionV3 | _core.ResNet) -> None:
        nn.Module.__init__(self)
        self._adopt(native)
        self.requires_grad_(False)
        self.eval()

    def train(self: Module, mode: bool = True) -> Module:
        """Stays in evaluation mode."""
        return super().train(False)

    if TYPE_CHECKING:

        def __call__(self, photos: torch.Tensor) -> torch.Tensor: ...


class InceptionV3(_Extractor):
    """The Inception v3 of FID and the Inception Score (arXiv 1512.00567): photos in, features ``[N, 2048]`` out.

    Photos are uint8 RGB ``[N, 3, H, W]``, as files hold them, of any size: the whole photo is brought to 299 x 299 as
    pytorch-fid does it (bilinear, no antialias) and to [-1, 1]. State dictionaries have the keys of pytorch-fid's checkpoint
    ``pt_inception-2015-12-05-6726825d.pth``. Torchvision's Inception v3 is another network.

    Args:
        weights: that file, from the release ``fid_weights`` of the pytorch-fid project, or what its ``InceptionV3`` module
            saves (``blocks.…``; it has no classifier, and then there are no logits); ``.pth`` or safetensors. None: weights of
            no meaning, for ``load_state_dict`` to replace.

    Raises:
        FileNotFoundError: there is no such file.
        RuntimeError: it is damaged or holds another network: one line names the first entry that differs.
    """

    _native_type = _core.InceptionV3

    def __init__(self, weights: str | os.PathLike[str] | None = None) -> None:
        self._begin(_core.InceptionV3() if weights is None else _core.InceptionV3.read(path(weights, "weights")))

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        """Photos ``[N, 3, H, W]`` uint8 → features ``[N, 2048]``, at least 0.

        Raises:
            ValueError: photos of another type or shape, or none.
        """
        return self.features(photos)

    def features(self, photos: torch.Tensor, dims: int = 2048, resize: str = "bilinear") -> torch.Tensor:
        """The same of an earlier block, or with another filter.

        Args:
            photos: as for the call.
            dims: 64, 192, 768 or 2048, of the block's map, which is averaged → ``[N, dims]``.
            resize: how photos reach 299 pixels: ``"bilinear"`` (pytorch-fid's), ``"bilinear-antialias"`` (PIL's) or ``"none"``.

        Raises:
            ValueError: other dims or filters, or photos of another size where nothing is resized.
        """
        return self._call("features", photos, dims, resize)

    def logits(self, photos: torch.Tensor, bias: bool = True) -> torch.Tensor:
        """Photos → class logits ``[N, 1008]``.

        Args:
            photos: as for the call.
            bias: False leaves the classifier's bias out, as the Inception Score's first code (arXiv 1606.03498) does.

        Raises:
            ValueError: the weights came without a classifier.
        """
        return self._call("logits", self.features(photos), bias)


class SwavResNet50(_Extractor):
    """The ResNet-50 that SwAV trained (arXiv 2006.09882), as ssFID uses it: photos in, features ``[N, 2048]`` out.

    Photos are uint8 RGB ``[N, 3, H, W]``, as files hold them, of any size: their shorter side is brought to 224 (antialiased
    bilinear on 8 bits), nothing is cropped, and ImageNet's mean and deviation are taken out. State dictionaries have
    torchvision's keys, without ``fc``.

    Args:
        weights: ``swav_800ep_pretrain.pth.tar`` of the SwAV project; the heads in it are ignored. ``.pth`` or safetensors.
            None: weights of no meaning, for ``load_state_dict`` to replace.

    Raises:
        FileNotFoundError: there is no such file.
        RuntimeError: it is damaged or holds another network: one line names the first entry that differs.
    """

    _native_type = _core.ResNet

    def __init__(self, weights: str | os.PathLike[str] | None = None) -> None:
        self._begin(_core.ResNet.swav() if weights is None else _core.ResNet.read_swav(path(weights, "weights")))

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        """Photos ``[N, 3, H, W]`` uint8 → features ``[N, 2048]``, at least 0.

        Raises:
            ValueError: photos of another type or shape, or none.
        """
        return self._call("features", photos)


class ProgramExtractor:
    """A custom network as a program in a file: photos in, features ``[N, dims]`` out; for metric objects and :func:`secgan.evaluate`.

    Args:
        file: TorchScript, or a package of ``torch._inductor.aoti_compile_and_package``: photos ``[N, 3, S, S]``, any N, normalized →
            ``[N, D]``, or ``[N, D, h, w]``, which is averaged. It is a program: load none that you do not trust.
        input_size: S.
        resize: how photos reach it: ``"bilinear"``, ``"bilinear-antialias"`` or ``"none"``.
        normalization: ``"imagenet"``, or ``"none"``: [-1, 1].

    Raises:
        ValueError: options that break a rule.
        FileNotFoundError: there is no such file.
        RuntimeError: it is no such program; one line names what is wrong.
    """

    def __init__(
        self,
        file: str | os.PathLike[str],
        *,
        input_size: int = 224,
        resize: Literal["bilinear", "bilinear-antialias", "none"] = "bilinear-antialias",
        normalization: Literal["imagenet", "none"] = "imagenet",
    ) -> None:
        program = {"file": path(file, "file"), "input_size": input_size, "resize": resize, "normalization": normalization}
        self._native = _core.FeatureExtractor.of_program(program)

    @property
    def name(self) -> str:
        """The file's."""
        return self._native.name

    @property
    def dims(self) -> int:
        """How many features."""
        return self._native.dims

    @property
    def input(self) -> str:
        """How photos reach the network, in words."""
        return self._native.input

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the file."""
        return self._native.fingerprint

    def __call__(self, photos: torch.Tensor, chunk: int = 32) -> torch.Tensor:
        """Photos ``[N, 3, H, W]`` uint8 → features ``[N, dims]``; ``chunk`` photos go through the network at once."""
        return call(self._native.__call__, photos, chunk)
