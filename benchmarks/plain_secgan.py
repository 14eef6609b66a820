"""SeCGAN's training cycle as one writes it in plain PyTorch: the peer of benchmarks/train_step.py, with AttGAN's published networks."""

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
from public_networks import BiSeNet

# The parser's nineteen classes to SeCGAN's twelve: skin, eyebrows, eyes, glasses, ears, earrings, nose, mouth, lips, neck, hair, others.
GROUPS = ([1], [2, 3], [4, 5], [6], [7, 8], [9], [10], [11], [12, 13], [14], [17], [0, 15, 16, 18])


def down(inputs: int, outputs: int, norm: type[nn.Module], activation: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, 1), norm(outputs, affine=True), activation)


class Generator(nn.Module):
    def __init__(self, channels: int, attributes: int, dim: int = 64, layers: int = 5) -> None:
        super().__init__()
        widths = [min(dim * 2**i, 1024) for i in range(layers)]
        self.encoder = nn.ModuleList(
            down(inputs, outputs, nn.BatchNorm2d, nn.LeakyReLU(0.2)) for inputs, outputs in zip([channels, *widths], widths, strict=False)
        )
        self.decoder = nn.ModuleList()
        inputs = widths[-1] + attributes
        for i in range(layers):
            outputs = widths[layers - 1 - i]
            if i == layers - 1:
                self.decoder.append(nn.ConvTranspose2d(inputs, channels, 4, 2, 1))
                break
            up = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1)
            self.decoder.append(nn.Sequential(up, nn.BatchNorm2d(outputs), nn.ReLU()))
            inputs = outputs + (widths[layers - 2] + attributes if i == 0 else 0)  # one shortcut, attributes injected once

    def encode(self, image: torch.Tensor) -> list[torch.Tensor]:
        features = []
        for layer in self.encoder:
            image = layer(image)
            features.append(image)
        return features

    def decode(self, features: list[torch.Tensor], attributes: torch.Tensor) -> torch.Tensor:
        def tiled(z: torch.Tensor) -> torch.Tensor:
            return attributes[:, :, None, None].expand(-1, -1, *z.shape[2:])

        z = torch.cat([features[-1], tiled(features[-1])], 1)
        for i, layer in enumerate(self.decoder):
            z = layer(z)
            if i == 0:
                z = torch.cat([z, features[-2], tiled(z)], 1)
        return z


class Discriminator(nn.Module):
    def __init__(self, channels: int, attributes: int, side: int, dim: int = 64, layers: int = 5) -> None:
        super().__init__()
        widths = [min(dim * 2**i, 1024) for i in range(layers)]
        self.features = nn.Sequential(
            *(
                down(inputs, outputs, nn.InstanceNorm2d, nn.LeakyReLU(0.2))
                for inputs, outputs in zip([channels, *widths], widths, strict=False)
            )
        )
        flat, hidden = widths[-1] * (side // 2**layers) ** 2, 1024
        self.critic = nn.Sequential(nn.Linear(flat, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1))
        self.attributes = nn.Sequential(nn.Linear(flat, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, attributes))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        flat = self.features(image).flatten(1)
        return self.critic(flat), self.attributes(flat)


class Cycle:
    """Five updates of both discriminators, one of both generators."""

    def __init__(self, side: int, attributes: int, device: torch.device, bfloat16: bool, updates: int = 5) -> None:
        torch.manual_seed(1)
        self.device, self.bfloat16, self.updates = device, bfloat16, updates
        self.photo = Generator(3, attributes), Discriminator(3, attributes, side)
        self.mask = Generator(12, attributes), Discriminator(12, attributes, side)
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
                fake = self.photo[0].decode(self.photo[0].encode(photo), target - source).tanh().float()
                probabilities = self.parse(photo)
                hard = torch.zeros_like(probabilities).scatter_(1, probabilities.argmax(1, keepdim=True), 1.0)
                fake_mask = self.mask[0].decode(self.mask[0].encode(hard), target - source).float().softmax(1)
            first = self.train_discriminator(self.photo[1], self.optimizers[1], photo, fake, source)
            return [first, self.train_discriminator(self.mask[1], self.optimizers[3], probabilities.exp(), fake_mask, source)]

    def outputs(self, network: Generator, image: torch.Tensor, difference: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = [torch.cat([f, f]) for f in network.encode(image)]
        both = network.decode(features, torch.cat([difference, torch.zeros_like(difference)])).float()
        return both.chunk(2)

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
    cycle = Cycle(args.image_size, args.attributes, device, args.precision == "bfloat16")
    seconds = []
    for repeat in range(-2, args.repeats):
        # As a loader hands them over: on the CPU, to be brought to the device.
        batches = []
        for _ in range(cycle.updates + 1):
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
