"""SeCGAN's semantic branch in a training loop that knows nothing of this library."""

import copy
import io
import pathlib
import pickle
import subprocess
import sys

import pytest
import torch
from torch import nn

import secgan

SMALL = dict(attributes=2, image_size=16, enc_dim=4, dec_dim=4, enc_layers=2, dec_layers=2, dim=4, fc_dim=8, n_layers=2)


class Segmenter(nn.Module):
    def __init__(self, classes=12):
        super().__init__()
        self.conv = nn.Conv2d(3, classes, 3, padding=1)
        with torch.no_grad():
            self.conv.weight.copy_(torch.linspace(-2, 2, self.conv.weight.numel()).view_as(self.conv.weight))
            self.conv.bias.zero_()

    def forward(self, photo):
        return self.conv(photo)


def parser():
    return secgan.FaceParser(Segmenter(), labels="secgan-12", normalization="none")


def make(**options):
    return secgan.SemanticBranch(parser(), **{**SMALL, **options})


class Host(nn.Module):
    """Somebody's generator and discriminator."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.g = nn.Sequential(
            nn.Conv2d(5, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout2d(0.2), nn.Conv2d(8, 3, 3, padding=1), nn.Tanh()
        )
        self.d = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(128, 3))

    def edit(self, image, difference):
        return self.g(torch.cat([image, difference[:, :, None, None].expand(-1, -1, 16, 16)], 1))


def batch(n=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(n, 3, 16, 16, generator=generator) * 2 - 1
    source = torch.randint(0, 2, (n, 2), generator=generator).float()
    return image, source, source.roll(1, 0)


def host_run(branch, steps, host=None, first=0, optimizers=None, freeze=False):
    host = host or Host()
    if optimizers is None:
        optimizers = torch.optim.Adam(host.g.parameters(), 1e-3), torch.optim.Adam(host.d.parameters(), 1e-3)
    for step in range(first, first + steps):
        torch.manual_seed(100 + step)
        image, source, target = batch(seed=step)
        edited = host.edit(image, target - source)
        loss_d = host.d(edited.detach())[:, 0].mean() - host.d(image)[:, 0].mean()
        optimizers[1].zero_grad()
        loss_d.backward()
        optimizers[1].step()
        if branch is not None:
            branch.discriminator_step(image, source, target)
        host.d.requires_grad_(not freeze)
        loss_g = -host.d(edited)[:, 0].mean() + 10 * (host.edit(image, torch.zeros_like(source)) - image).abs().mean()
        if branch is not None:
            loss_g = loss_g + branch.generator_step(image, edited, source, target)
        optimizers[0].zero_grad()
        loss_g.backward()
        optimizers[0].step()
        host.d.requires_grad_(True)
    return host, optimizers


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_the_loss_is_the_papers_formula():
    branch = make(semantic_consistency=3.0)
    image, source, target = batch()
    edited = (image * 0.9).requires_grad_()
    before = copy.deepcopy(branch)
    loss = branch.generator_step(image, edited, source, target)
    # From its parts: the mask branch's edit of the hard parse, and the parser's view of the host's edit.
    mask = torch.nn.functional.one_hot(branch.parser(image).argmax(1), 12).permute(0, 3, 1, 2).float()
    network = secgan.create_generator(
        "attgan",
        image_channels=12,
        output="logits",
        **{k: SMALL[k] for k in ("attributes", "image_size", "enc_dim", "dec_dim", "enc_layers", "dec_layers")},
    )
    network.load_state_dict({k.removeprefix("generator."): v for k, v in before.state_dict().items() if k.startswith("generator.")})
    both = network.decode([torch.cat([f, f]) for f in network.encode(mask)], torch.cat([target - source, torch.zeros_like(source)]))
    wanted = both[: len(image)].argmax(1, keepdim=True)
    expected = -3.0 * branch.parser.log_probabilities(edited).gather(1, wanted).mean()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(*(torch.autograd.grad(x, edited)[0] for x in (loss, expected)))
    assert branch.losses["image_consistency"] == pytest.approx(loss.item() / 3)


def test_both_steps_train_the_branch_and_nothing_of_the_host():
    branch, host = make(), Host().train()
    host.d.eval()
    image, source, target = batch()
    edited = host.edit(image, target - source)
    for p in host.parameters():
        p.grad = torch.ones_like(p)
    state = copy.deepcopy(host.state_dict())
    modes = [m.training for m in host.modules()]
    random = torch.get_rng_state()
    before = {k: v.clone() for k, v in branch.state_dict().items()}
    figures = branch.discriminator_step(image, source, target)
    assert set(figures) == {"adversarial", "gradient_penalty", "attribute"} and all(isinstance(v, float) for v in figures.values())
    after_d = {k: v.clone() for k, v in branch.state_dict().items()}
    loss = branch.generator_step(image, edited, source, target)
    assert loss.shape == () and loss.requires_grad
    after_g = branch.state_dict()

    def moved(a, b):
        return {k.split(".")[0] for k in a if not torch.equal(a[k], b[k])}

    # The generator's batch norm sees the masks in the discriminator's step as well.
    assert moved(before, after_d) == {"discriminator", "discriminator_optimizer", "discriminator_steps", "generator"}
    assert all("running" in k or "tracked" in k for k in before if k.startswith("generator.") and not torch.equal(before[k], after_d[k]))
    assert moved(after_d, after_g) == {"generator", "generator_optimizer"}
    assert same(state, host.state_dict()) and modes == [m.training for m in host.modules()]
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(p.grad, torch.ones_like(p)) for p in host.parameters())
    assert not any(p.grad is not None for p in branch.parser.parameters())


def test_the_hosts_backward_reaches_the_host_only():
    branch = make()
    host, _ = host_run(branch, 1)
    grads = {k: p.grad.clone() for k, p in branch.named_parameters() if p.grad is not None}
    image, source, target = batch(seed=9)
    loss = branch.generator_step(image, host.edit(image, target - source), source, target)
    grads = {k: p.grad.clone() for k, p in branch.named_parameters() if p.grad is not None}
    host.zero_grad()
    loss.backward()
    assert all(torch.equal(grads[k], p.grad) for k, p in branch.named_parameters() if p.grad is not None)
    assert all(p.grad is not None for p in host.g.parameters()) and all(p.grad is None for p in host.d.parameters())


def test_a_checkpoint_resumes_exactly():
    straight = make()
    host, _ = host_run(straight, 4)
    first = make()
    half, optimizers = host_run(first, 2)
    file = io.BytesIO()
    torch.save({"host": half.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "branch": first.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    again, other = make(seed=5), Host()
    other.load_state_dict(saved["host"])
    optimizers = torch.optim.Adam(other.g.parameters(), 1e-3), torch.optim.Adam(other.d.parameters(), 1e-3)
    for optimizer, state in zip(optimizers, saved["optimizers"], strict=False):
        optimizer.load_state_dict(state)
    again.load_state_dict(saved["branch"])
    host_run(again, 2, other, 2, optimizers)
    assert same(again.state_dict(), straight.state_dict()) and same(other.state_dict(), host.state_dict())


def test_the_seed_decides_the_first_weights_and_where_the_penalty_is_taken():
    torch.manual_seed(1)
    a = make()
    torch.manual_seed(2)
    assert same(a.state_dict(), make().state_dict()) and not same(a.state_dict(), make(seed=5).state_dict())
    image, source, target = batch()
    first, second = (a.discriminator_step(image, source, target)["gradient_penalty"] for _ in range(2))
    b = make()
    assert b.discriminator_step(image, source, target)["gradient_penalty"] == first != second


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_go_on_alike_and_apart(twin):
    branch = make()
    host_run(branch, 1)
    other = twin(branch)
    assert same(branch.state_dict(), other.state_dict())
    host_run(branch, 1, first=1)
    assert not same(branch.state_dict(), other.state_dict())
    host_run(other, 1, first=1)
    assert same(branch.state_dict(), other.state_dict())


def test_a_host_that_freezes_its_discriminator_sees_no_difference():
    a, b = make(), make()
    one, _ = host_run(a, 2)
    two, _ = host_run(b, 2, freeze=True)
    assert same(one.state_dict(), two.state_dict()) and same(a.state_dict(), b.state_dict())


def test_it_changes_what_the_host_learns():
    assert not same(host_run(make(), 2)[0].state_dict(), host_run(None, 2)[0].state_dict())


def test_masks_are_augmented_for_their_discriminator_and_a_checkpoint_resumes_it():
    augment = {"shift": 0.5, "flip": 0.5}
    branch, plain, resumed = make(augment=augment), make(), make(augment=augment, seed=3)
    image, source, target = batch()

    def cycle(of):
        figures = of.discriminator_step(image, source, target)
        of.generator_step(image, (image * 0.9).requires_grad_(), source, target)
        return figures | {f"generator {name}": value for name, value in of.losses.items()}

    assert cycle(branch)["adversarial"] != cycle(plain)["adversarial"]
    resumed.load_state_dict(branch.state_dict())
    assert cycle(resumed) == cycle(branch)
    with pytest.raises(ValueError, match="masks have no brightness and no contrast, found 0 and 0.5"):
        make(augment={"contrast": 0.5})
    with pytest.raises(ValueError, match="shift 2 is not in"):
        make(augment={"shift": 2})


def test_accumulated_calls_equal_their_mean():
    """Without batch norm, two halves of a batch step as the whole does."""
    options = dict(enc_norm_fn="none", dec_norm_fn="none", norm_fn="none", losses={"mask": {"gradient_penalty": 0}})
    whole, halves = make(**options), make(accumulate=2, **options)
    image, source, target = batch(4)
    edited = (image * 0.8).requires_grad_()
    whole.discriminator_step(image, source, target)
    whole.generator_step(image, edited, source, target)
    for part in (slice(0, 2), slice(2, 4)):
        halves.discriminator_step(image[part], source[part], target[part])
    start = halves.state_dict()["generator.enc_layers.0.layers.0.weight"].clone()
    for part in (slice(0, 2), slice(2, 4)):
        assert torch.equal(halves.state_dict()["generator.enc_layers.0.layers.0.weight"], start)
        halves.generator_step(image[part], edited[part], source[part], target[part])
    for (key, a), b in zip(whole.state_dict().items(), halves.state_dict().values(), strict=False):
        if key != "discriminator_steps" and "moment" not in key:
            torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-3, msg=key)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_it_works_under_the_hosts_autocast(dtype):
    branch, host = make(), Host()
    optimizer = torch.optim.Adam(host.g.parameters(), 1e-3)
    with torch.autocast("cpu", dtype=dtype):
        for step in range(3):
            image, source, target = batch(seed=step)
            edited = host.edit(image, target - source)
            assert edited.dtype == dtype
            branch.discriminator_step(image, source, target)
            loss = branch.generator_step(image, edited, source, target)
            assert loss.dtype == torch.float32
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            assert torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == dtype and torch.is_autocast_cache_enabled()
    assert all(v.isfinite().all() for v in branch.state_dict().values())
    if dtype is torch.float16:  # in float32, for want of a gradient scaler
        plain = make()
        edited = torch.zeros(4, 3, 16, 16, requires_grad=True)
        other = copy.deepcopy(plain)
        with torch.autocast("cpu", dtype=dtype):
            a = plain.generator_step(batch()[0], edited, *batch()[1:])
        assert torch.equal(a, other.generator_step(batch()[0], edited, *batch()[1:]))


def test_float64_and_moves():
    branch = make().double()
    image, source, target = batch()
    loss = branch.generator_step(image.double(), image.double().requires_grad_(), source, target)
    assert loss.dtype == torch.float64 and branch.parser.network.conv.weight.dtype == torch.float64
    assert all(v.dtype == torch.float64 for v in branch.state_dict().values() if v.is_floating_point())


@pytest.mark.parametrize("backbone", ["stgan", "stargan"])
def test_other_backbones(backbone):
    options = dict(attributes=2, image_size=32, conv_dim=4, image=None)
    options.pop("image")
    if backbone == "stgan":
        options.update(n_layers=3, fc_dim=8, shortcut_layers=1)
    else:
        options.update(repeat_num=2)
    branch = secgan.SemanticBranch(parser(), backbone=backbone, **options)
    image = torch.rand(2, 3, 32, 32)
    source = torch.eye(2)
    branch.discriminator_step(image, source, 1 - source)
    assert branch.generator_step(image, image.clone().requires_grad_(), source, 1 - source).isfinite()


def test_wrong_input_is_named():
    branch = make()
    image, source, target = batch()
    state = {k: v.clone() for k, v in branch.state_dict().items()}
    for arguments, message in (
        ((image[:, :2], source, target), r"image must be \[N, 3, S, S\].*found \[4, 2, 16, 16\]"),
        ((image, source[:, :1], target), r"source must be \[N, A\].*found \[4, 1\]"),
        ((image, source, target * 2 - 1), "target must be 0 or 1, found -1"),
        ((image * 127.5, source, target), r"image must lie in \[-1, 1\], found 12"),
        ((image.int(), source, target), "image must be floating point, found int32"),
        ((image.to("meta"), source, target), "source must be on the image's device meta, found cpu"),
    ):
        with pytest.raises(ValueError, match=message):
            branch.discriminator_step(*arguments)
    with pytest.raises(ValueError, match=r"image and edited must have the same shape, found \[4, 3, 16, 16\] and \[2, 3, 16, 16\]"):
        branch.generator_step(image, image[:2], source, target)
    with pytest.raises(ValueError, match="edited must hang on the graph of the generator that made it"):
        branch.generator_step(image, image.clone(), source, target)
    with pytest.raises(ValueError, match="unknown key 'enc_dims'; known: acti_fn, "):
        make(enc_dims=3)
    with pytest.raises(ValueError, match="backbone 'biggan' is unknown; known: attgan"):
        make(backbone="biggan")
    with pytest.raises(ValueError, match="parser must be a secgan.FaceParser, found Segmenter"):
        secgan.SemanticBranch(Segmenter(), **SMALL)
    with pytest.raises(ValueError, match="19"):
        secgan.SemanticBranch(secgan.FaceParser(Segmenter(12), labels="face-parsing"), **SMALL).discriminator_step(image, source, target)
    with pytest.raises(ValueError, match="accumulate 0 is not positive"):
        make(accumulate=0)
    with pytest.raises(NotImplementedError, match="discriminator_step"):
        branch(image)
    assert same(state, branch.state_dict())
    with pytest.raises(RuntimeError, match="size mismatch"):
        branch.load_state_dict(make(enc_dim=8).state_dict())
    assert branch.discriminator_step(image[:0], source[:0], target[:0]) == {}
    assert branch.generator_step(image[:0], image[:0], source[:0], target[:0]) == 0


def test_the_example_of_a_foreign_trainer(tmp_path):
    """With and without the branch; its checkpoint resumes; at most six lines are the branch's."""
    root = pathlib.Path(__file__).parents[2]
    example = root / "examples" / "python" / "plug_into_your_gan.py"
    assert sum(line.rstrip().endswith("# secgan") for line in example.read_text().splitlines()) <= 6

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, str(example), str(root / "models" / "drawn-faces"), "--steps", "2", *arguments], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    file = tmp_path / "checkpoint.pt"
    assert "consistency" in run("--save", str(file)) and "consistency" in run("--resume", str(file))
    assert "reconstruction" in run("--no-branch") and "consistency" not in run("--no-branch")
    assert "branch" in torch.load(file, weights_only=True)
