"""Custom networks in secgan's trainer: plain torch modules as photo generator and photo discriminator.

Usage: python custom_network.py RUN_FOLDER PARSER_BUNDLE [STEPS]
"""

import itertools
import sys

import torch
from torch import nn

import secgan


class ResidualEdit(nn.Module):
    """(image [N, 3, S, S], difference [N, A]) -> edit in [-1, 1]."""

    def __init__(self, attributes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3 + attributes, 24, 5, padding=2),
            nn.GELU(),
            nn.Conv2d(24, 24, 5, padding=2),
            nn.GELU(),
            nn.Conv2d(24, 3, 5, padding=2),
        )

    def forward(self, image: torch.Tensor, difference: torch.Tensor) -> torch.Tensor:
        planes = difference[:, :, None, None].expand(-1, -1, *image.shape[2:])
        return torch.tanh(2 * image + self.layers(torch.cat([image, planes], 1)))


class Critic(nn.Module):
    """image -> (adversarial [N, 1], attribute logits [N, A]); smooth activations, as it is differentiated twice."""

    def __init__(self, attributes: int) -> None:
        super().__init__()
        widths = [3, 16, 32, 64, 64]
        self.body = nn.Sequential(
            *[part for a, b in itertools.pairwise(widths) for part in (nn.Conv2d(a, b, 4, 2, 1), nn.SiLU())], nn.Flatten()
        )
        self.head = nn.Linear(64 * 4 * 4, 1 + attributes)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        scores = self.head(self.body(image))
        return scores[:, :1], scores[:, 1:]


def main(run: str, parser: str, steps: int = 200) -> None:
    settings = secgan.default_settings(small=True)
    settings["data"].update({"kind": "synthetic", "image_size": 64, "count": 256})
    settings["parser"] = parser
    settings["trainer"].update({"steps": steps, "sample_every": 0})
    attributes = 9  # of the drawn faces

    torch.manual_seed(0)
    generator, critic = ResidualEdit(attributes), Critic(attributes)
    outcome = secgan.train(settings, run, photo_generator=generator, photo_discriminator=critic)
    print(f"{outcome.steps} steps in {outcome.seconds:.0f} s; averaged weights: {run}/photo_generator.safetensors")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:4]))
