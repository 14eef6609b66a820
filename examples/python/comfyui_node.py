"""A node for ComfyUI that edits attributes of faces: copy this file into ComfyUI's folder custom_nodes.

secgan has to be installed where ComfyUI runs. The node "Edit face attributes" then stands under image/secgan.
"""

from __future__ import annotations

import functools
from typing import Any

import torch

import secgan


@functools.lru_cache(maxsize=2)
def _editor(bundle: str) -> secgan.Editor:
    return secgan.Editor.from_pretrained(bundle)


def parse_edits(text: str) -> dict[str, float]:
    """Lines or commas between ``Eyeglasses=+1`` and ``Bangs=-0.5``."""
    edits = {}
    for part in text.replace(",", "\n").split("\n"):
        if not part.strip():
            continue
        name, _, strength = (word.strip() for word in part.partition("="))
        try:
            edits[name] = float(strength)
        except ValueError:
            raise ValueError(f"edits: '{part.strip()}' is not NAME=STRENGTH, as Eyeglasses=+1") from None
    if not edits:
        raise ValueError("edits are empty: write NAME=STRENGTH, as Eyeglasses=+1")
    return edits


class EditFaceAttributes:
    """(images, bundle, edits) -> the same images, edited."""

    CATEGORY = "image/secgan"
    FUNCTION = "edit"
    RETURN_TYPES = ("IMAGE",)
    DESCRIPTION = "Edits attributes of face photos with a secgan bundle."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, Any]]:  # noqa: N802 (ComfyUI's name)
        return {
            "required": {
                "image": ("IMAGE",),
                "bundle": (
                    "STRING",
                    {"default": "models/drawn-faces", "tooltip": "a bundle's folder, or owner/name on the Hugging Face Hub"},
                ),
                "edits": ("STRING", {"default": "Eyeglasses=+1", "multiline": True}),
                "faces": (["auto", "largest", "all", "crop"], {"tooltip": "crop: search no face, edit the bundle's crop of the image"}),
                "region": (["free", "exact"],),
            }
        }

    def edit(self, image: torch.Tensor, bundle: str, edits: str, faces: str = "auto", region: str = "free") -> tuple[torch.Tensor]:
        """
        Args:
            image: ``[N, H, W, 3]`` in [0, 1], as ComfyUI has images.
        """
        editor, wanted = _editor(bundle), parse_edits(edits)
        searched = None if faces == "crop" or (faces == "auto" and not editor.finds_faces) else faces
        photos = [(one.clamp(0, 1) * 255).round().to(torch.uint8).permute(2, 0, 1).contiguous() for one in image.cpu()]
        results = [editor.edit(photo, wanted, faces=searched, region=region).whole for photo in photos]
        return (torch.stack([one.permute(1, 2, 0).float() / 255 for one in results]),)


NODE_CLASS_MAPPINGS = {"SecganEditFaceAttributes": EditFaceAttributes}
NODE_DISPLAY_NAME_MAPPINGS = {"SecganEditFaceAttributes": "Edit face attributes"}
