"""SeCGAN's semantic branch in somebody else's AttGAN training script.

Everything below is plain PyTorch, an AttGAN as many scripts have it, but for the lines marked "# secgan": an import and five more. The
same run with and without the branch, on drawn faces.

Usage: python plug_into_your_gan.py PARSER_BUNDLE [--no-branch] [--steps N] [--resume FILE] [--save FILE]
"""

from __future__ import annotations

import argparse
import itertools
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

import secgan  # secgan

ATTRIBUTES = 9
# A small branch, for a CPU: without these, AttGAN's own size.
BRANCH: dict[str, Any] = dict(
    enc_dim=12, dec_dim=12, enc_layers=3, dec_layers=3, dim=8, fc_dim=64, n_layers=3, norm_fn="none", learning_rate=1e-3
)


class Generator(nn.Module):
    """Encoder, difference vector at the bottleneck, decoder with one skip."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()

        def down(i: int, o: int) -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(0.2))

        def up(i: int, o: int) -> nn.Sequential:
            return nn.Sequential(nn.ConvTranspose2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU())

        self.down = nn.ModuleList([down(3, width), down(width, 2 * width), down(2 * width, 4 * width)])
        self.up = nn.ModuleList([up(4 * width + ATTRIBUTES, 2 * width), up(4 * width, width)])
        self.out = nn.ConvTranspose2d(width, 3, 4, 2, 1)

    def forward(self, image: torch.Tensor, difference: torch.Tensor) -> torch.Tensor:
        skips = [image]
        for layer in self.down:
            skips.append(layer(skips[-1]))
        planes = difference[:, :, None, None].expand(-1, -1, *skips[-1].shape[2:])
        x = self.up[0](torch.cat([skips[-1], planes], 1))
        return torch.tanh(self.out(self.up[1](torch.cat([x, skips[2]], 1))))


class Discriminator(nn.Module):
    def __init__(self, image_size: int, width: int = 16) -> None:
        super().__init__()
        widths = [3, width, 2 * width, 4 * width, 4 * width]
        layers = [part for i, o in itertools.pairwise(widths) for part in (nn.Conv2d(i, o, 4, 2, 1), nn.LeakyReLU(0.2))]
        self.body = nn.Sequential(*layers, nn.Flatten())
        features = 4 * width * (image_size // 16) ** 2
        self.heads = nn.ModuleList([nn.Linear(features, 1), nn.Linear(features, ATTRIBUTES)])

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.body(image)
        return self.heads[0](features), self.heads[1](features)


def gradient_penalty(d: Discriminator, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    mix = torch.lerp(real, fake, torch.rand(len(real), 1, 1, 1)).requires_grad_()
    (gradient,) = torch.autograd.grad(d(mix)[0].sum(), mix, create_graph=True)
    return ((gradient.flatten(1).square().sum(1) + 1e-12).sqrt() - 1).square().mean()


def train(
    parser_bundle: str, steps: int, *, with_branch: bool = True, save: str = "", resume: str = "", image_size: int = 64
) -> tuple[Generator, list[float]]:
    torch.manual_seed(1)
    loader = DataLoader(secgan.synthetic_faces(count=2000, image_size=image_size), batch_size=16, shuffle=True, drop_last=True)
    g, d = Generator(), Discriminator(image_size)
    # Twice the generator's rate: at the same one the critic falls behind, and edits stall.
    opt_g, opt_d = torch.optim.Adam(g.parameters(), 1e-3, (0.5, 0.999)), torch.optim.Adam(d.parameters(), 2e-3, (0.5, 0.999))
    checkpoint: dict[str, Any] = {"g": g, "d": d, "opt_g": opt_g, "opt_d": opt_d}
    if with_branch:
        parser = secgan.FaceParser.from_pretrained(parser_bundle)  # secgan
        branch = secgan.SemanticBranch(parser, attributes=ATTRIBUTES, image_size=image_size, semantic_consistency=2, **BRANCH)  # secgan
        checkpoint["branch"] = branch  # secgan
    if resume:
        for name, state in torch.load(resume, weights_only=True).items():
            checkpoint[name].load_state_dict(state)

    consistency, step = [], 0
    while step < steps:
        for image, source, _ in loader:
            target = source[torch.randperm(len(source))]
            difference = target - source

            with torch.no_grad():
                fake = g(image, difference)
            (real_score, real_logits), (fake_score, _) = d(image), d(fake)
            loss_d = fake_score.mean() - real_score.mean() + 10 * gradient_penalty(d, image, fake)
            loss_d = loss_d + 4 * F.binary_cross_entropy_with_logits(real_logits, source)
            opt_d.zero_grad()
            loss_d.backward()
            opt_d.step()
            if with_branch:
                branch.discriminator_step(image, source, target)  # secgan

            edited, reconstruction = g(image, difference), g(image, torch.zeros_like(difference))
            fake_score, fake_logits = d(edited)
            loss_g = (
                -fake_score.mean() + 10 * F.binary_cross_entropy_with_logits(fake_logits, target) + 50 * F.l1_loss(reconstruction, image)
            )
            if with_branch:
                loss_g = loss_g + branch.generator_step(image, edited, source, target)  # secgan
                consistency.append(branch.losses["image_consistency"])
            opt_g.zero_grad()
            loss_g.backward()
            opt_g.step()

            step += 1
            if step % 50 == 0 or step == steps:
                print(
                    f"step {step}: reconstruction {F.l1_loss(reconstruction, image).item():.3f}"
                    + (f", consistency {consistency[-1]:.3f} nats" if with_branch else ""),
                    flush=True,
                )
            if step == steps:
                break
    if save:
        torch.save({name: part.state_dict() for name, part in checkpoint.items()}, save)
    return g, consistency


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("parser_bundle")
    arguments.add_argument("--no-branch", action="store_true", help="the host alone")
    arguments.add_argument("--steps", type=int, default=300)
    arguments.add_argument("--save", default="", help="write a checkpoint at the end")
    arguments.add_argument("--resume", default="", help="go on from a checkpoint")
    a = arguments.parse_args()
    train(a.parser_bundle, a.steps, with_branch=not a.no_branch, save=a.save, resume=a.resume)
