"""The networks that FID and ssFID are computed with. Their weights are the user's: nothing is downloaded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch
from torch import nn

from . import _core
from ._module import NativeModule


class _Extractor(NativeModule):
    """Stays in evaluation mode, without gradients: batch statistics would make features depend on the batch."""

    def _begin(self, native: _core.InceptionV3 | _core.ResNet) -> None:
        nn.Module.__init__(self)
        self._adopt(native)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True):  # noqa: ANN201
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
        self._begin(_core.InceptionV3("{}") if weights is None else _core.InceptionV3.read(os.fspath(weights)))

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        """photos ``[N, 3, H, W]`` uint8 → features ``[N, 2048]``, at least 0.

        Raises:
            ValueError: photos of another type or shape, or none.
        """
        return self.features(photos)

    def features(self, photos: torch.Tensor, dims: int = 2048) -> torch.Tensor:
        """The same of an earlier block: ``dims`` 64, 192, 768 or 2048, averaged over its map → ``[N, dims]``."""
        return self._call("features", photos, dims)

    def logits(self, photos: torch.Tensor, bias: bool = True) -> torch.Tensor:
        """photos → class logits ``[N, 1008]``.

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
        weights: ``swav_800ep_pretrain.pth.tar`` of the SwAV project; the heads in it are passed over. ``.pth`` or safetensors.
            None: weights of no meaning, for ``load_state_dict`` to replace.

    Raises:
        FileNotFoundError: there is no such file.
        RuntimeError: it is damaged or holds another network: one line names the first entry that differs.
    """

    _native_type = _core.ResNet

    def __init__(self, weights: str | os.PathLike[str] | None = None) -> None:
        self._begin(_core.ResNet(_core.swav_options()) if weights is None else _core.ResNet.read_swav(os.fspath(weights)))

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        """photos ``[N, 3, H, W]`` uint8 → features ``[N, 2048]``, at least 0.

        Raises:
            ValueError: photos of another type or shape, or none.
        """
        return self._call("features", photos)
