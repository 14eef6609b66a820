"""Pictures in rows, for the notebooks beside this file."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from IPython.display import display
from PIL import Image, ImageDraw, ImageFont


def show(rows: Sequence[Sequence[torch.Tensor]], titles: Sequence[str] = (), side: int = 96) -> None:
    """Pictures ``[3, S, S]``, float in [-1, 1] or uint8, in a grid; titles above the first row; each at least ``side`` pixels wide."""
    scale = -(-side // rows[0][0].shape[-1])
    step = scale * rows[0][0].shape[-1] + 4
    top = 14 if titles else 0
    sheet = Image.new("RGB", (step * len(rows[0]) - 4, top + step * len(rows) - 4), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            shown = picture if picture.dtype == torch.uint8 else ((picture.clamp(-1, 1) + 1) * 127.5).round().byte()
            tile = Image.fromarray(shown.permute(1, 2, 0).contiguous().numpy())
            sheet.paste(tile.resize((step - 4, step - 4), Image.Resampling.NEAREST), (step * x, top + step * y))
    for x, title in enumerate(titles):
        ImageDraw.Draw(sheet).text((step * x, 0), title, "black", ImageFont.load_default(9.5))
    display(sheet.quantize(256, kmeans=3, dither=Image.Dither.NONE))  # a palette: a third of the bytes
