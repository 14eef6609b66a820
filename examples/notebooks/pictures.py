"""Pictures in rows, for the notebooks beside this file."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import torch


def show(rows: Sequence[Sequence[torch.Tensor]], titles: Sequence[str] | None = None, size: float = 1.1) -> None:
    """Pictures ``[3, S, S]``, float in [-1, 1] or uint8, in a grid; titles above the first row."""
    figure, axes = plt.subplots(len(rows), len(rows[0]), figsize=(size * len(rows[0]), size * len(rows)), squeeze=False, dpi=72)
    for line, row in zip(axes, rows, strict=False):
        for axis, picture in zip(line, row, strict=False):
            shown = picture if picture.dtype == torch.uint8 else ((picture.clamp(-1, 1) + 1) * 127.5).byte()
            axis.imshow(shown.permute(1, 2, 0))
            axis.axis("off")
    for axis, title in zip(axes[0], titles or [], strict=False):
        axis.set_title(title, fontsize=7)
    figure.tight_layout(pad=0.2)
    plt.show()
