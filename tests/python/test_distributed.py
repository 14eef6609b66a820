"""Processes of one torch.distributed job: a host's DistributedDataParallel loop with a SemanticBranch, and the trainer."""

import torch
from torch import distributed, multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel

import secgan

SMALL = dict(attributes=2, image_size=16, enc_dim=4, dec_dim=4, enc_layers=2, dec_layers=2, dim=4, fc_dim=8, n_layers=2)
INDEPENDENT = dict(enc_norm_fn="none", dec_norm_fn="none")  # no norm over the batch
SAMPLES = 4


class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-2, 2, 36).view(12, 3, 1, 1))

    def forward(self, photo):
        return nn.functional.conv2d(photo, self.weight)


class Painter(nn.Module):
    """Somebody's generator."""

    def __init__(self, attributes=2):
        super().__init__()
        self.conv = nn.Conv2d(3 + attributes, 3, 3, padding=1)

    def forward(self, image, difference):
        return torch.tanh(self.conv(torch.cat([image, difference[:, :, None, None].expand(-1, -1, *image.shape[2:])], 1)))


def branch(**options):
    return secgan.SemanticBranch(secgan.FaceParser(Segmenter(), labels="secgan-12", normalization="none"), **{**SMALL, **options})


def host(branch, rank, size, *, counts=None):
    """Three steps on this rank's share of the batches.  Returns the host's weights and the branch's state."""
    torch.manual_seed(4)
    painter = Painter()
    model = DistributedDataParallel(painter) if size > 1 else painter
    optimizer = torch.optim.Adam(painter.parameters(), 1e-3)
    for step in range(3):
        random = torch.Generator().manual_seed(step)
        image = torch.rand(SAMPLES, 3, 16, 16, generator=random) * 2 - 1
        source = torch.randint(0, 2, (SAMPLES, 2), generator=random).float()
        target = 1 - source
        n = SAMPLES // size
        own = slice(rank * n, rank * n + (n if counts is None else counts[rank]))
        image, source, target = image[own], source[own], target[own]
        edited = model(image, target - source)
        branch.discriminator_step(image, source, target)
        loss = branch.generator_step(image, edited, source, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {**{f"host.{k}": v for k, v in painter.state_dict().items()}, **branch.state_dict()}


def train(folder, batch, seed):
    """The trainer with a custom network whose first weights differ from process to process."""
    torch.manual_seed(seed)
    painter = Painter(attributes=9)
    settings = {
        "data": {"kind": "synthetic", "image_size": 32, "count": 8},
        "task": {
            "mask_branch": False,
            "photo_discriminator": {"attgan": {"dim": 4, "fc_dim": 4, "n_layers": 2}},
            "discriminator_updates": 1,
            "loader": {"batch": batch},
        },
        "trainer": {"steps": 2, "log_every": 1, "sample_every": 0},
    }
    assert secgan.train(settings, folder, photo_generator=painter).finished
    return painter.state_dict()


def rank_of_two(rank, folder):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    results = {
        "equal": host(branch(**INDEPENDENT), rank, 2),
        "seeds and norms": host(branch(seed=rank), rank, 2),
        "accumulated": host(branch(accumulate=3, **INDEPENDENT), rank, 2),
        "one is empty": host(branch(**INDEPENDENT), rank, 2, counts=[SAMPLES // 2, 0]),
        "apart": host(branch(synchronize=False, **INDEPENDENT), rank, 2),
        "trainer": train(f"{folder}/run{rank}", 2, seed=rank),
    }
    torch.save(results, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def largest_difference(one, two):
    """Of weights; of optimizers' moments, as large as gradients and their squares, relative to the largest in a tensor."""
    assert one.keys() == two.keys()

    def scale(name):
        return max(1.0, two[name].abs().max().item()) if "_optimizer." in name else 1.0

    return max((one[name].double() - two[name].double()).abs().max().item() / scale(name) for name in one)


def test_ranks_stay_equal_and_do_what_one_process_does(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    multiprocessing.spawn(rank_of_two, (str(tmp_path),), nprocs=2)
    one, two = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    for case in one:
        same = largest_difference(one[case], two[case]) == 0
        assert same == (case != "apart"), case
    assert largest_difference(one["equal"], host(branch(**INDEPENDENT), 0, 1)) < 1e-5
    assert largest_difference(one["accumulated"], host(branch(accumulate=3, **INDEPENDENT), 0, 1)) < 1e-5
    assert largest_difference(one["trainer"], train(tmp_path / "alone", 4, seed=0)) < 1e-5
    assert (tmp_path / "run0" / "checkpoint.safetensors").exists() and not (tmp_path / "run1").exists()
