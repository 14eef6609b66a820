import concurrent.futures
import io
import json
import pathlib
import subprocess
import sys
import types

import pytest
import torch
from torch import nn

import secgan

ROOT = pathlib.Path(__file__).parents[2]
BUNDLE = ROOT / "models" / "drawn-faces"
ATTRIBUTES = 9


def settings(**trainer):
    out = secgan.default_settings(small=True)
    out["data"].update(kind="synthetic", image_size=64, count=40)
    out["task"]["loader"].update(batch=4, seed=3)
    out["parser"] = str(BUNDLE)
    out["trainer"].update({"steps": 3, "log_every": 1, "sample_every": 0, "checkpoint_every": 0, **trainer})
    out["threads"] = 1
    return out


def test_the_small_recipe_for_photos_is_another():
    drawn, photos = (secgan.default_settings(small=True, photos=photos)["task"] for photos in (False, True))
    assert (drawn["discriminator_updates"], photos["discriminator_updates"]) == (3, 5)
    assert (drawn["discriminator_lead"], photos["discriminator_lead"]) == (150, 0)
    networks = [f"{branch}_{network}" for branch in ("photo", "mask") for network in ("generator", "discriminator")]
    assert [{task[network]["backbone"] for network in networks} for task in (drawn, photos)] == [{"attgan"}, {"stgan"}]
    critics = drawn["photo_discriminator"]["attgan"], photos["photo_discriminator"]["stgan"]
    assert [critics[0]["dim"], critics[1]["conv_dim"]] == [16, 32]
    assert [(critic["max_dim"], critic["fc_dim"]) for critic in critics] == [(128, 128), (256, 256)]
    weights = [{task["losses"][branch]["semantic_consistency"] for branch in ("photo", "mask")} for task in (drawn, photos)]
    assert weights == [{10}, {0.3}]
    taught = secgan.default_settings(small=True, photos=True, with_classifier=True)["task"]
    assert [task["losses"]["photo"]["generator_classifier"] for task in (photos, taught)] == [0, 5]
    assert [task["classifier_augment"]["shift"] for task in (photos, taught)] == [0, 0.1]
    assert [task["losses"]["kept_attributes"] for task in (drawn, photos, taught)] == ["labels", "labels", "seen"]
    plain, teacher = (secgan.default_classifier_settings(small)["task"] for small in (False, True))
    assert teacher["training"]["augment"] == taught["classifier_augment"] and not any(plain["training"]["augment"].values())
    assert [task["classifier"]["members"] for task in (plain, teacher)] == [1, 4]


class Shift(nn.Module):
    """Adds a color per attribute; its batch norm has state that is no parameter."""

    def __init__(self, channels=3):
        super().__init__()
        self.color = nn.Linear(ATTRIBUTES, channels)
        self.body = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels))
        self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)

    def forward(self, image, difference):
        return image + 0.1 * self.body(image) + self.color(difference)[:, :, None, None]


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.SiLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 1 + ATTRIBUTES))

    def forward(self, image):
        scores = self.body(image)
        return scores[:, :1], scores[:, 1:]


def networks():
    torch.manual_seed(5)
    return {"photo_generator": Shift(), "photo_discriminator": Critic(), "mask_generator": Shift(12)}


def state(module):
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def test_custom_modules_are_trained_in_place(tmp_path):
    own = networks()
    before = {name: state(module) for name, module in own.items()}
    outcome = secgan.train(settings(), tmp_path / "run", **own)
    assert outcome.steps == 3 and outcome.finished
    for name, module in own.items():
        after = state(module)
        changed = {key for key in after if not torch.equal(after[key], before[name][key])}
        expected = {key for key in after if key != "frozen"}
        assert changed == expected, name
    from safetensors.torch import load_file

    average = load_file(tmp_path / "run" / "photo_generator.safetensors")
    assert set(average) == set(state(own["photo_generator"]))
    assert all(average[key].shape == tensor.shape for key, tensor in state(own["photo_generator"]).items())
    assert not torch.equal(average["color.weight"], own["photo_generator"].color.weight)
    config = json.loads((tmp_path / "run" / "bundle" / "config.json").read_text())
    assert "generator" not in config["networks"] and "parser" in config["networks"]


def test_custom_networks_resume_bit_for_bit(tmp_path):
    straight = networks()
    secgan.train(settings(steps=4), tmp_path / "straight", **straight)
    half = networks()
    # The schedule is relative to the run's length: the same run, cut at its checkpoint.
    secgan.train(settings(steps=4, checkpoint_every=2), tmp_path / "whole", **half)
    assert all(torch.equal(a, b) for m in straight for a, b in zip(state(straight[m]).values(), state(half[m]).values(), strict=False))
    resumed = networks()
    first = settings(steps=4)
    first["trainer"].update(decay_start=1.0)
    second = json.loads(json.dumps(first))
    first["trainer"]["steps"] = 2
    secgan.train(first, tmp_path / "cut", **networks())
    secgan.train(second, tmp_path / "cut", resume=True, **resumed)
    reference = networks()
    secgan.train(second, tmp_path / "reference", **reference)
    for name in resumed:
        for key, tensor in state(reference[name]).items():
            assert torch.equal(state(resumed[name])[key], tensor), (name, key)


class Dropping(nn.Module):
    """Draws in every step, from the process's generator as all modules of torch do; checkpointed, it draws the same again."""

    def __init__(self, checkpointed, channels=3):
        super().__init__()
        self.checkpointed = checkpointed
        self.color = nn.Linear(ATTRIBUTES, channels)
        self.body = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.SiLU(), nn.Dropout(0.5), nn.Conv2d(channels, channels, 1))

    def forward(self, image, difference):
        body = torch.utils.checkpoint.checkpoint(self.body, image, use_reentrant=False) if self.checkpointed else self.body(image)
        return image + body + self.color(difference)[:, :, None, None]


def test_dropout_follows_from_seed_and_step(tmp_path):
    def trained(name, host_seed, *, steps=4, resume=False, checkpointed=False, seed=3):
        torch.manual_seed(5)
        module = Dropping(checkpointed)
        torch.manual_seed(host_seed)
        before = torch.get_rng_state()
        chosen = settings(steps=steps)
        chosen["trainer"]["decay_start"] = 1.0
        chosen["task"].update(mask_branch=False)
        chosen["task"]["loader"]["seed"] = seed
        chosen["parser"] = ""
        secgan.train(chosen, tmp_path / name, photo_generator=module, resume=resume)
        assert torch.equal(torch.get_rng_state(), before), "the host goes on drawing where it was"
        return state(module)

    def same(one, other):
        return all(torch.equal(one[key], other[key]) for key in one)

    whole = trained("whole", 1)
    assert same(trained("again", 2), whole)
    trained("cut", 3, steps=2)
    assert same(trained("cut", 4, resume=True), whole)
    assert same(trained("checkpointed", 5, checkpointed=True), whole)
    assert not same(trained("other", 1, seed=4), whole)


def test_trainings_in_threads_are_those_of_one_after_the_other_and_leave_the_host_its_random_state(tmp_path):
    from safetensors.torch import load_file

    def train(name, seed):
        secgan.train_classifier(
            {
                "data": {"kind": "synthetic", "image_size": 32, "count": 12},
                "task": {"classifier": {"dim": 4, "max_dim": 8}, "training": {"loader": {"batch": 4, "seed": seed}}},
                "trainer": {"steps": 3, "log_every": 1, "sample_every": 0},
                "threads": 1,
            },
            tmp_path / name,
        )
        return load_file(tmp_path / name / "checkpoint.safetensors")

    alone = [train(f"alone{seed}", seed) for seed in (1, 2)]
    torch.manual_seed(9)
    expected = torch.rand(2000)
    torch.manual_seed(9)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        beside = [pool.submit(train, f"beside{seed}", seed) for seed in (1, 2)]
        drawn = torch.stack([torch.rand(()) for _ in range(2000)])
        beside = [run.result() for run in beside]
    for one, other in zip(alone, beside, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert torch.equal(drawn, expected)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (lambda image, difference: image[:, :2], "your generator's output must be"),
        (lambda image, difference: 1 / 0, "division by zero"),
    ],
)
def test_what_is_wrong_with_a_custom_network_is_said(output, message, tmp_path):
    class Wrong(Shift):
        def forward(self, image, difference):
            return output(image, difference)

    with pytest.raises((ValueError, RuntimeError, ZeroDivisionError), match=message):
        secgan.train(settings(), tmp_path / "run", photo_generator=Wrong())


def test_a_function_is_no_module():
    with pytest.raises(ValueError, match="photo_generator must be a torch.nn.Module, found function"):
        secgan.train(settings(), "nowhere", photo_generator=lambda image, difference: image)


class Segmenter(nn.Module):
    def __init__(self, classes=19):
        super().__init__()
        torch.manual_seed(11)
        self.conv = nn.Conv2d(3, classes, 3, padding=1)

    def forward(self, photo):
        return self.conv(photo)


def parsers(tmp_path):
    network = Segmenter().eval()
    example = torch.rand(2, 3, 64, 64)
    torch.jit.save(torch.jit.trace(network, example), tmp_path / "parser.pt")
    batch = torch.export.Dim("batch", min=1, max=64)
    torch.export.save(torch.export.export(network, (example,), dynamic_shapes=({0: batch},)), tmp_path / "parser.pt2")
    return {
        "module": Segmenter(),
        "function": network.forward,
        "torchscript": tmp_path / "parser.pt",
        "exported program": str(tmp_path / "parser.pt2"),
    }


def test_a_parser_may_be_a_module_a_function_or_a_program(tmp_path):
    photo = (torch.rand(2, 3, 64, 64) * 2 - 1).requires_grad_()
    outputs = {}
    for name, network in parsers(tmp_path).items():
        parser = secgan.FaceParser(network)
        log_probabilities = parser.log_probabilities(photo)
        (gradient,) = torch.autograd.grad(log_probabilities[:, 3].sum(), photo)
        outputs[name] = (log_probabilities.detach(), gradient)
        assert not any(p.requires_grad for p in parser.parameters()) or name == "function"
    for log_probabilities, gradient in outputs.values():
        torch.testing.assert_close(log_probabilities, outputs["module"][0])
        torch.testing.assert_close(gradient, outputs["module"][1])
    assert outputs["module"][1].abs().sum() > 0


def test_runs_with_the_same_parser_in_every_form_agree(tmp_path):
    weights = []
    for name, network in parsers(tmp_path).items():
        config = settings(steps=2)
        config["parser"] = ""
        run = tmp_path / name.replace(" ", "-")
        if name == "torchscript":  # through the settings, as the command does
            config["parser_program"]["file"] = str(network)
            secgan.train(config, run)
        else:
            secgan.train(config, run, parser=secgan.FaceParser(network))
        weights.append(secgan.Editor.from_pretrained(run / "bundle"))
    photo = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)
    pictures = [editor.edit(photo, source={}, Bangs=1).photo for editor in weights]
    for picture in pictures[1:]:
        assert (picture.float() - pictures[0].float()).abs().max() <= 2


def test_two_parsers_are_one_too_many(tmp_path):
    with pytest.raises(ValueError, match="a bundle, a program or a custom one, not several"):
        secgan.train(settings(), tmp_path / "run", parser=secgan.FaceParser(Segmenter()))


def test_a_parser_file_that_is_none(tmp_path):
    (tmp_path / "p.pt").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(RuntimeError, match="p.pt: neither TorchScript nor an exported program"):
        secgan.FaceParser(tmp_path / "p.pt")
    with pytest.raises(FileNotFoundError, match="nowhere.pt2"):
        secgan.FaceParser("nowhere.pt2")
    config = settings()
    config["parser"], config["parser_program"]["file"] = "", str(tmp_path / "p.pt")
    with pytest.raises(RuntimeError, match="p.pt: not a TorchScript file"):
        secgan.train(config, tmp_path / "run")
    torch.save({"weight": torch.ones(1)}, tmp_path / "p.pt")  # its state, where the program is wanted
    with pytest.raises(RuntimeError, match="p.pt: not a TorchScript file: it is a torch.save file$"):
        secgan.train(config, tmp_path / "run")


def test_unknown_settings_are_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="trainer: unknown key 'stepz'; known: steps"):
        secgan.train({"trainer": {"stepz": 3}}, tmp_path / "run")


def test_ctrl_c_stops_after_a_step_with_a_checkpoint(tmp_path):
    code = f"""
import json, os, signal, sys, threading
import secgan
config = json.loads(sys.argv[1])
threading.Timer(3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
outcome = secgan.train(config, {str(tmp_path / "run")!r})
print(outcome.finished, outcome.steps)
"""
    done = subprocess.run([sys.executable, "-c", code, json.dumps(settings(steps=100000))], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    finished, steps = done.stdout.split()
    assert finished == "False" and int(steps) > 0
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()


@pytest.mark.parametrize("name", ["stgan", "stargan", "stgan-official"])
def test_presets_by_name(name):
    small = {"stargan": dict(conv_dim=4, repeat_num=1)}.get(name, dict(conv_dim=4, n_layers=2, max_dim=8))
    g = secgan.create_generator(name, attributes=2, image_size=16, **small)
    assert name in secgan.list_generators()
    assert g(torch.rand(1, 3, 16, 16), torch.zeros(1, 2)).shape == (1, 3, 16, 16)
    if name == "stgan-official":
        assert g.options["stgan"]["inject_layers"] == 4 and g.options["stgan"]["stu_norm"] == "none"


def test_unknown_backbones_and_options_list_the_known_ones():
    with pytest.raises(ValueError, match="backbone 'biggan' is unknown; known: attgan, stgan, stargan, stgan-official"):
        secgan.create_generator("biggan", attributes=2)
    with pytest.raises(ValueError, match="stgan: unknown key 'conv_dims'; known: conv_dim, n_layers"):
        secgan.create_generator("stgan", attributes=2, conv_dims=3)


def test_the_example_with_custom_networks_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "python" / "custom_network.py"), str(tmp_path / "run"), str(BUNDLE), "2"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "2 steps" in done.stdout and (tmp_path / "run" / "photo_generator.safetensors").exists()


def test_progress_in_a_notebook_is_one_line(monkeypatch):
    from secgan import _status

    assert _status.stream() is sys.stderr
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel=1)))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    out = _status.stream()
    for line in ("parser  10% 1/10  0:09 left", "parser  20% 2/10  0:08 ", "warning: nothing learned", "parser 100% 10/10  0:10"):
        out.write(line + "\n")
    assert sys.stderr.getvalue() == (
        "\rparser  10% 1/10  0:09 left\rparser  20% 2/10  0:08     \nwarning: nothing learned\n\rparser 100% 10/10  0:10\n"
    )
