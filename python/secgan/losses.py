"""The same losses as modules."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn

from . import functional


class LogProbabilities(Protocol):
    """What :class:`SemanticConsistency` asks of a parser, as :class:`secgan.FaceParser` offers it."""

    def log_probabilities(self, photo: torch.Tensor) -> torch.Tensor:
        """Photo ``[N, 3, H, W]`` in [-1, 1] → ``[N, K, H, W]``, differentiable in the photo."""
        ...


class SoftCrossEntropy(nn.Module):
    """:func:`secgan.functional.soft_cross_entropy` as a module."""

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits and target ``[N, K, H, W]`` → a scalar."""
        return functional.soft_cross_entropy(logits, target)


class SemanticConsistency(nn.Module):
    """Semantic consistency of an edited photo and an edited mask.

    Args:
        parser: the frozen parser; its gradient reaches the photo, never its own weights.
        target: see :func:`secgan.functional.semantic_consistency`.
    """

    def __init__(self, parser: LogProbabilities, target: str = "hard") -> None:
        super().__init__()
        self.parser = parser
        self.target = target

    def forward(self, photo: torch.Tensor, mask_log_probs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Photo ``[N, 3, H, W]`` in [-1, 1], mask_log_probs ``[N, K, H, W]`` → ``(image_term, mask_term)``."""
        return functional.semantic_consistency(self.parser.log_probabilities(photo), mask_log_probs, self.target)
