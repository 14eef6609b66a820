"""SeCGAN's losses as functions. Registered as ``torch.ops.secgan.*``: autograd to any order, meta, torch.compile."""

from __future__ import annotations

import torch

from ._arguments import tensor


def soft_cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of a target distribution against softmax(logits), in nats, mean over pixels and batch.

    Args:
        logits: ``[N, K, H, W]``, any real.
        target: ``[N, K, H, W]``, probabilities over K.

    Returns:
        A scalar; 0 for an empty batch.

    Raises:
        ValueError: other shapes.
        TypeError: what is no tensor.
    """
    return torch.ops.secgan.soft_cross_entropy(tensor(logits, "logits"), tensor(target, "target"))


def semantic_consistency(
    image_log_probs: torch.Tensor, mask_log_probs: torch.Tensor, target: str = "hard"
) -> tuple[torch.Tensor, torch.Tensor]:
    """SeCGAN's semantic consistency between the edited photo as parsed and the edited mask, in nats.

    Args:
        image_log_probs: ``[N, K, H, W]``, log P(x_out).
        mask_log_probs: ``[N, K, H, W]``, log of the edited mask.
        target: what the constant side is: ``"hard"`` (one-hot, detached), ``"soft"`` (probabilities, detached) or
            ``"straight_through"``.

    Returns:
        ``(image_term, mask_term)``: the first trains the photo branch, the second the mask branch.

    Raises:
        ValueError: other shapes, or an unknown target.
        TypeError: what is no tensor.
    """
    photo, mask = tensor(image_log_probs, "image_log_probs"), tensor(mask_log_probs, "mask_log_probs")
    return torch.ops.secgan.semantic_consistency(photo, mask, target)
