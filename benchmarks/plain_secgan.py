"""SeCGAN's training cycle as one writes it in plain PyTorch: the peer of benchmarks/train_step.py, with published networks."""

import argparse
import contextlib
import json
import pathlib
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests" / "python"))
from public_networks import (
    AttGanDiscriminator,
    AttGanGenerator,
    BiSeNet,
    StarGanDiscriminator,
    StarGanGenerator,
    StganDiscriminator,
    StganGenerator,
)

# The parser's nineteen classes to SeCGAN's twelve: skin, eyebrows, eyes, glasses, ears, earrings, nose, mouth, lips, neck, hair, others.
GROUPS = ([1], [2, 3], [4, 5], [6], [7, 8], [9], [10], [11], [12, 13], [14], [17], [0, 15, 16, 18])


def without_tanh(network: nn.Module, last: nn.Sequential) -> nn.Module:
    """The generator's values before its last layer: masks take a softmax of them."""
    last[-1] = nn.Identity()
    return network


def attgan(channels: int, attributes: int, side: int) -> tuple[nn.Module, nn.Module]:
    generator = AttGanGenerator(64, 5, "batchnorm", "lrelu", 64, 5, "batchnorm", "relu", attributes, 1, 0, channels)
    discriminator = AttGanDiscriminator(64, "instancenorm", "lrelu", 1024, "none", "relu", 5, side, attributes, channels)
    return without_tanh(generator, generator.dec_layers[-1].layers), discriminator


def stgan(channels: int, attributes: int, side: int) -> tuple[nn.Module, nn.Module]:
    generator = StganGenerator(attributes, 64, 5, 3, 3, True, True, channels)
    return without_tanh(generator, generator.decoder[-1]), StganDiscriminator(side, attributes, 64, 1024, 5, channels)


def stargan(channels: int, attributes: int, side: int) -> tuple[nn.Module, nn.Module]:
    generator = StarGanGenerator(64, attributes, 6, channels)
    return without_tanh(generator, generator.main), StarGanDiscriminator(side, 64, attributes, 6, channels)


UPDATES = 5  # of the discriminators, in a cycle
BACKBONES = {"attgan": attgan, "stgan": stgan, "stargan": stargan}


class Cycle:
    """Five updates of both discriminators, one of both generators."""

    def __init__(self, backbone: str, side: int, attributes: int, device: torch.device, bfloat16: bool) -> None:
        torch.manual_seed(1)
        self.device, self.bfloat16 = device, bfloat16
        self.photo, self.mask = (BACKBONES[backbone](channels, attributes, side) for channels in (3, 12))
        self.parser = BiSeNet().eval().requires_grad_(False)
        for network in (*self.photo, *self.mask, self.parser):
            network.to(device)
            if bfloat16:
                network.to(memory_format=torch.channels_last)
        self.optimizers = [torch.optim.Adam(n.parameters(), lr=2e-4, betas=(0.5, 0.999)) for n in (*self.photo, *self.mask)]
        mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        self.mean, self.deviation = (t.view(1, 3, 1, 1).to(device) for t in (mean, deviation))

    def autocast(self) -> contextlib.AbstractContextManager[None]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)

    def parse(self, photo: torch.Tensor) -> torch.Tensor:
        logits = self.parser(((photo + 1) / 2 - self.mean) / self.deviation)[0].float()
        log_probabilities = logits.log_softmax(1)
        return torch.cat([log_probabilities[:, group].logsumexp(1, keepdim=True) for group in GROUPS], 1)

    def train_discriminator(self, network: nn.Module, optimizer: torch.optim.Optimizer, real, fake, source) -> torch.Tensor:
        score, logits = network(real)
        fake_score, _ = network(fake)
        weight = torch.rand(real.shape[0], 1, 1, 1, device=real.device)
        between = torch.lerp(real, fake, weight).requires_grad_(True)
        gradient = torch.autograd.grad(network(between)[0].float().sum(), between, create_graph=True)[0]
        penalty = ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()
        loss = fake_score.float().mean() - score.float().mean() + 10 * penalty
        loss = loss + functional.binary_cross_entropy_with_logits(logits.float(), source)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    def discriminators(self, photo: torch.Tensor, source: torch.Tensor, target: torch.Tensor) -> list[torch.Tensor]:
        with self.autocast():
            with torch.no_grad():
                fake = self.photo[0](photo, target - source).tanh().float()
                probabilities = self.parse(photo)
                hard = torch.zeros_like(probabilities).scatter_(1, probabilities.argmax(1, keepdim=True), 1.0)
                fake_mask = self.mask[0](hard, target - source).float().softmax(1)
            first = self.train_discriminator(self.photo[1], self.optimizers[1], photo, fake, source)
            return [first, self.train_discriminator(self.mask[1], self.optimizers[3], probabilities.exp(), fake_mask, source)]

    def outputs(self, network: nn.Module, image: torch.Tensor, difference: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The edit and the reconstruction, of one pass through an encoder that does not see the difference."""
        differences = torch.cat([difference, torch.zeros_like(difference)])
        if isinstance(network, StarGanGenerator):
            both = network(torch.cat([image, image]), differences)
        else:
            both = network.decode([torch.cat([f, f]) for f in network.encode(image)], differences)
        return both.float().chunk(2)

    def generators(self, photo: torch.Tensor, source: torch.Tensor, target: torch.Tensor) -> list[torch.Tensor]:
        with self.autocast():
            edit, reconstruction = (t.tanh() for t in self.outputs(self.photo[0], photo, target - source))
            score, logits = self.photo[1](edit)
            with torch.no_grad():
                seen = self.parse(photo)
                hard = torch.zeros_like(seen).scatter_(1, seen.argmax(1, keepdim=True), 1.0)
            edit_mask, reconstruction_mask = self.outputs(self.mask[0], hard, target - source)
            mask_score, mask_logits = self.mask[1](edit_mask.softmax(1))
            of_photo, of_mask = self.parse(edit), edit_mask.log_softmax(1)
            bce = functional.binary_cross_entropy_with_logits
            loss = -score.float().mean() + 10 * bce(logits.float(), target) + 100 * (reconstruction - photo).abs().mean()
            loss = loss - of_photo.gather(1, of_mask.argmax(1, keepdim=True)).mean()
            mask_loss = -mask_score.float().mean() + 10 * bce(mask_logits.float(), target)
            mask_loss = mask_loss - 100 * (hard * reconstruction_mask.log_softmax(1)).sum(1).mean()
            mask_loss = mask_loss - of_mask.gather(1, of_photo.argmax(1, keepdim=True)).mean()
            losses = []
            for total, network, optimizer in ((loss, self.photo[0], self.optimizers[0]), (mask_loss, self.mask[0], self.optimizers[2])):
                optimizer.zero_grad()
                total.backward(inputs=list(network.parameters()), retain_graph=network is self.photo[0])
                optimizer.step()
                losses.append(total.detach())
            return losses

    def __call__(self, batches) -> list[float]:
        for batch in batches[:-1]:
            values = self.discriminators(*batch)
        return [float(value) for value in (*values, *self.generators(*batches[-1]))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", choices=list(BACKBONES), default="attgan")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--attributes", type=int, default=13)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    cycle = Cycle(args.backbone, args.image_size, args.attributes, device, args.precision == "bfloat16")
    seconds = []
    for repeat in range(-2, args.repeats):
        # As a loader hands them over: on the CPU, to be brought to the device.
        batches = []
        for _ in range(UPDATES + 1):
            photo = torch.randint(0, 256, (args.batch, 3, args.image_size, args.image_size), dtype=torch.uint8)
            source = torch.randint(0, 2, (args.batch, args.attributes)).float()
            batches.append((photo, source, source[torch.randperm(args.batch)]))
        if device.type == "cuda":
            torch.cuda.synchronize()
        begin = time.perf_counter()
        cycle([(photo.to(device).float() / 127.5 - 1, source.to(device), target.to(device)) for photo, source, target in batches])
        if device.type == "cuda":
            torch.cuda.synchronize()
        if repeat >= 0:
            seconds.append(time.perf_counter() - begin)
    on_gpu = device.type == "cuda"
    peak = torch.cuda.max_memory_allocated() if on_gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds_per_cycle": statistics.median(seconds), "peak_bytes": peak, "seconds": seconds, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
