"""Weights as people's trainings, wrappers and downloads leave them: files that torch itself wrote; what they hold, torch.load says."""

import argparse
import json
import os
import pickle
import struct
import time
import warnings
import zipfile
from pathlib import Path

import public_networks as public
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

import secgan

OPTIONS = {"attributes": 2, "image_size": 16, "enc_dim": 4, "enc_layers": 2, "dec_dim": 4, "dec_layers": 2}


def network(seed=1):
    torch.manual_seed(seed)
    return public.shaken(public.AttGanGenerator(4, 2, "batchnorm", "lrelu", 4, 2, "batchnorm", "relu", 2, 1, 0))


def ours():
    return secgan.create_generator("attgan", **OPTIONS)


def below(prefix, state):
    return {prefix + key: tensor for key, tensor in state.items()}


class Settings(dict):
    """A dictionary of somebody's own class."""


def tagged(state):
    tensors = {key: nn.Parameter(tensor.clone(), requires_grad=False) for key, tensor in state.items()}
    for tensor in tensors.values():
        tensor.lr_scale = 0.1
    return tensors


class Subclass(torch.Tensor):
    pass


def averaged(net):
    model = AveragedModel(net)
    model.update_parameters(net)
    return model


class Lightning(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.generator = net
        self.discriminator = public.AttGanDiscriminator(4, "instancenorm", "lrelu", 8, "none", "lrelu", 2, 16, 2)


def in_lists(value, depth):
    for i in range(depth):
        value = [value] if i % 2 else {"inner": value}
    return value


FORMS = {
    "torch.compile of DataParallel": lambda net: torch.compile(nn.DataParallel(net)).state_dict(),
    "DataParallel twice, in a dictionary": lambda net: {"netG": nn.DataParallel(nn.DataParallel(net)).state_dict()},
    "a compiled part": lambda net: {key.replace("layers.0.", "layers._orig_mod.0.", 1): t for key, t in net.state_dict().items()},
    "a word of one's own": lambda net: below("gan.nets.generator_ab.", net.state_dict()),
    "AveragedModel": lambda net: averaged(net).state_dict(),
    "Lightning": lambda net: {
        "epoch": 3,
        "state_dict": Lightning(net).state_dict(),
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_score": torch.tensor(0.5)}},
        "optimizer_states": [{"state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.ones(4, 3, 4, 4)}}, "param_groups": []}],
        "hyper_parameters": {"lr": 2e-4},
    },
    "attributes on parameters": lambda net: tagged(net.state_dict()),
    "tensors of a subclass": lambda net: {key: tensor.as_subclass(Subclass) for key, tensor in net.state_dict().items()},
    "lists and dictionaries": lambda net: in_lists({"G": net.state_dict()}, 20),
    "a namespace": lambda net: argparse.Namespace(step=3, G=net.state_dict()),
    "a dictionary of a class": lambda net: Settings(G=Settings(net.state_dict())),
    "counters and flags beside it": lambda net: (
        net.state_dict() | {"initted": torch.tensor(True), "step": torch.tensor([9]), "decay": torch.tensor(0.9)}
    ),
    "entries of every type": lambda net: {
        "G": net.state_dict(),
        "seen": torch.zeros(5, dtype=torch.bool),
        "rng": torch.get_rng_state(),
        "sparse": torch.eye(3).to_sparse(),
        "meta": torch.empty(3, device="meta"),
        "quantized": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
        "complex": torch.ones(2, dtype=torch.complex64),
        "float8": torch.ones(2).to(torch.float8_e4m3fn),
        "uint16": torch.ones(2, dtype=torch.uint16),
        "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    },
    "views of what is negated": lambda net: {k: torch._neg_view(-t) if t.is_floating_point() else t for k, t in net.state_dict().items()},
    "in float8": lambda net: {k: t.to(torch.float8_e5m2) if t.is_floating_point() else t for k, t in net.state_dict().items()},
}


def expected(form, net):
    state = net.state_dict()
    return {k: t.to(torch.float8_e5m2).float() if "float8" in form and t.is_floating_point() else t for k, t in state.items()}


def assert_holds(module, state):
    for key, tensor in module.state_dict().items():
        assert torch.equal(tensor, state[key]), key


@pytest.mark.filterwarnings("ignore::UserWarning:torch")
@pytest.mark.parametrize("form", FORMS)
def test_every_wrapper_and_nest_is_read(form, tmp_path):
    net = network()
    saved = FORMS[form](net)
    for legacy in (False, True):
        torch.save(saved, tmp_path / "w.pth", _use_new_zipfile_serialization=not legacy)
        module = ours()
        secgan.load_weights(module, tmp_path / "w.pth")
        assert_holds(module, expected(form, net))
    # Safetensors hold flat dictionaries.
    if isinstance(saved, dict) and all(type(t) in (torch.Tensor, nn.Parameter) for t in saved.values()):
        save_file({key: tensor.detach().resolve_neg().clone() for key, tensor in saved.items()}, tmp_path / "w.safetensors")
        module = ours()
        secgan.load_weights(module, tmp_path / "w.safetensors")
        assert_holds(module, expected(form, net))


def refusal(file, **options):
    with pytest.raises(RuntimeError) as failure:
        secgan.load_weights(ours(), file, **options)
    message = str(failure.value)
    assert message.startswith(str(file)) and "\n" not in message
    for word in ("json.exception", "INTERNAL ASSERT", "Allocator", "bad_alloc", "std::"):
        assert word not in message
    return message[len(str(file)) + 2 :]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("online", "average"),
    [
        ("G", "g_ema"),
        ("state_dict", "state_dict_ema"),
        ("online_model", "ema_model"),
        ("params", "params_ema"),
        ("net", "netEma"),
        ("model", "swa"),
    ],
)
def test_averaged_weights_are_taken_and_told_whatever_the_order(online, average, reverse, tmp_path):
    net, ema = network(1).state_dict(), network(2).state_dict()
    parts = [(online, net), (average, ema)][:: -1 if reverse else 1]
    torch.save(dict(parts), tmp_path / "dicts.pth")
    save_file({f"{name}.{key}": t.clone() for name, state in parts for key, t in state.items()}, tmp_path / "flat.safetensors")
    for file in (tmp_path / "dicts.pth", tmp_path / "flat.safetensors"):
        module = ours()
        with pytest.warns(UserWarning, match=f"averaged weights '{average}' are taken, '{online}' is ignored"):
            secgan.load_weights(module, file)
        assert_holds(module, ema)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            secgan.load_weights(module, file, entry=online)
        assert_holds(module, net)


@pytest.mark.parametrize("reverse", [False, True])
def test_an_average_inside_an_average_s_state_is_found(reverse, tmp_path):
    """ema-pytorch's wrapper as its users save it: {"ema": ema.state_dict()}."""
    net, ema = network(1).state_dict(), network(2).state_dict()
    parts = [below("online_model.", net), below("ema_model.", ema)][:: -1 if reverse else 1]
    wrapper = {"initted": torch.tensor(True), "step": torch.tensor([3])} | parts[0] | parts[1]
    torch.save({"step": 3, "ema": wrapper}, tmp_path / "w.pth")
    module = ours()
    with pytest.warns(UserWarning, match="averaged weights 'ema.ema_model' are taken"):
        secgan.load_weights(module, tmp_path / "w.pth")
    assert_holds(module, ema)


def test_averages_in_a_list_are_told(tmp_path):
    """torch_ema's and diffusers' shadow parameters have no names; those of an optimizer are none."""
    net, ema = network(1), network(2)
    shadow = {"decay": 0.99, "num_updates": 5, "shadow_params": [p.detach() for p in ema.parameters()]}
    torch.save({"G": net.state_dict(), "ema": shadow}, tmp_path / "w.pth")
    module = ours()
    with pytest.warns(UserWarning, match="averaged weights 'ema.shadow_params' are ignored: they are a list"):
        secgan.load_weights(module, tmp_path / "w.pth")
    assert_holds(module, net.state_dict())
    torch.save({"G": net.state_dict(), "moments": [torch.ones(3)] * 40}, tmp_path / "w.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        secgan.load_weights(module, tmp_path / "w.pth")


def test_of_two_networks_that_fit_none_is_taken_silently(tmp_path):
    a, b = network(1).state_dict(), network(2).state_dict()
    torch.save({"G_AB": a, "G_BA": b}, tmp_path / "w.pth")
    message = refusal(tmp_path / "w.pth")
    assert "'G_AB', 'G_BA'" in message and "entry" in message
    module = ours()
    secgan.load_weights(module, tmp_path / "w.pth", entry="G_BA")
    assert_holds(module, b)
    assert "'G' is not in it; there are: 'G_AB'" in refusal(tmp_path / "w.pth", entry="G")
    # One of them under its own names, beside the other.
    for prefix in ("net.", "generator.", "module."):
        for state in ({**a, **below(prefix, b)}, {**below(prefix, b), **a}):
            torch.save(state, tmp_path / "w.pth")
            message = refusal(tmp_path / "w.pth")
            assert "'.' (the file's own names)" in message and f"'{prefix[:-1]}'" in message
            for entry, wanted in ((".", a), (prefix[:-1], b)):
                secgan.load_weights(module, tmp_path / "w.pth", entry=entry)
                assert_holds(module, wanted)
    torch.save({"ema_0.99": a, "ema_0.999": b, "G": network(3).state_dict()}, tmp_path / "w.pth")
    assert "'ema_0.99', 'ema_0.999'" in refusal(tmp_path / "w.pth")
    # The same weights twice are no choice.
    torch.save({"G": a, "G_ema": {key: tensor.clone() for key, tensor in a.items()}}, tmp_path / "w.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        secgan.load_weights(module, tmp_path / "w.pth")
    # An average of the parameters alone lacks the statistics.
    torch.save({"G": a, "ema": {k: t for k, t in b.items() if "running" not in k}}, tmp_path / "w.pth")
    with pytest.warns(UserWarning, match="'ema' are ignored: '.*running_mean' is missing"):
        secgan.load_weights(module, tmp_path / "w.pth")
    assert_holds(module, a)


def test_an_average_that_is_there_in_part_or_cannot_be_read_is_told(tmp_path):
    net, ema = network(1).state_dict(), network(2).state_dict()
    few = dict(list(ema.items())[: len(ema) // 4])
    quantized = {k: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8) if t.is_floating_point() else t for k, t in ema.items()}
    for average, why in ((few, "' is missing"), (quantized, "' is .*_rebuild_qtensor")):
        torch.save({"G": net, "G_ema": average}, tmp_path / "w.pth")
        module = ours()
        with pytest.warns(UserWarning, match="averaged weights 'G_ema' are ignored: '.*" + why):
            secgan.load_weights(module, tmp_path / "w.pth")
        assert_holds(module, net)
    torch.save({"G": {**net, next(iter(net)): next(iter(quantized.values()))}}, tmp_path / "w.pth")
    assert "_rebuild_qtensor" in refusal(tmp_path / "w.pth")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_what_is_no_state_is_called_what_it_is(tmp_path):
    file = tmp_path / "w.pth"
    for legacy in (False, True):
        torch.save(Net(), file, _use_new_zipfile_serialization=not legacy)
        message = refusal(file)
        assert "an object of class 'test_weight_files.Net'" in message and "save its state_dict()" in message
    torch.save({"G": Net(), "epoch": 3}, file)
    assert "'G' is an object of class 'test_weight_files.Net'" in refusal(file)
    torch.jit.trace(Net(), torch.zeros(1, 2)).save(str(file))
    assert "a TorchScript program" in refusal(file)
    for content, what in {
        b"": "empty",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n": "a Git LFS pointer, not the file itself (run git lfs pull)",
        b"<!DOCTYPE html><html>": "an HTML page",
        b"\x1f\x8b\x08\0\0\0\0\0": "a gzip archive",
        b"\x89HDF\r\n\x1a\n": "an HDF5 file",
        pickle.dumps({"a": 1}): "a Python pickle",
        b"\x08\x08\x12\x07pytorch": "an ONNX network",
    }.items():
        file.write_bytes(content)
        assert f"neither a torch.save file nor a safetensors file: it is {what}" in refusal(file)
    # What is needed and not read is named; what nothing fits shows its first names.
    state = network().state_dict()
    torch.save(state | {"enc_layers.0.layers.0.weight": state["enc_layers.0.layers.0.weight"].to_sparse()}, file)
    assert "'enc_layers.0.layers.0.weight' is made by 'torch._utils._rebuild_sparse_tensor'" in refusal(file)
    torch.save(state | {"enc_layers.0.layers.0.weight": torch.ones(4, 3, 4, 4, dtype=torch.int8)}, file)
    assert "'enc_layers.0.layers.0.weight' holds whole numbers, the network floating-point numbers" in refusal(file)
    torch.save(state | {"enc_layers.0.layers.0.weight": state["enc_layers.0.layers.0.weight"].numpy()}, file)
    assert ".multiarray._reconstruct', which is not read" in refusal(file)
    torch.save({"state_dict": {"trunk.weight\nx": torch.ones(3, 3), "trunk.bias": torch.ones(3)}}, file)
    assert r"'state_dict' holds 'trunk.weight\nx', 'trunk.bias'" in refusal(file)


def sharded(folder, state, endings):
    keys = list(state)
    half = len(keys) // 2
    parts = [{key: state[key].clone() for key in keys[:half]}, {key: state[key].clone() for key in keys[half:]}]
    names = [f"model-0000{i + 1}-of-00002.{endings}" for i in range(2)]
    for name, part in zip(names, parts, strict=True):
        (save_file if endings == "safetensors" else torch.save)(part, folder / name)
    index = folder / f"model.{endings}.index.json"
    index.write_text(
        json.dumps({"metadata": {}, "weight_map": {key: name for name, part in zip(names, parts, strict=True) for key in part}})
    )
    return index, names


@pytest.mark.parametrize("endings", ["safetensors", "bin"])
def test_weights_in_parts_are_read_by_their_index(endings, tmp_path):
    state, module = network().state_dict(), ours()
    index, names = sharded(tmp_path, below("model.", state), endings)
    secgan.load_weights(module, index)
    assert_holds(module, state)
    (tmp_path / f"z-other.{endings}.index.json").write_text("{}")  # of another network in the same folder
    assert f"part 1 of 2; give '{index.name}' beside it" in refusal(tmp_path / names[0])
    whole = json.loads(index.read_text())
    for name in ("../x", "/etc/passwd", "", ".", "sub/x"):
        index.write_text(json.dumps(whole | {"weight_map": {"a": name}}))
        assert "is no name of a file beside the index" in refusal(index)
    index.write_text(json.dumps(whole | {"weight_map": whole["weight_map"] | {"more": names[0]}}))
    assert f"'more' is not in '{names[0]}'" in refusal(index)
    index.write_text(json.dumps(whole))
    (tmp_path / names[1]).unlink()
    assert f"part '{names[1]}' is missing" in refusal(index)
    index.unlink()
    assert "part 1 of 2; give the file *.index.json" in refusal(tmp_path / names[0])


def test_weights_that_are_not_finite_are_named_and_go_nowhere(tmp_path):
    file = tmp_path / "w.pth"
    for value in (float("nan"), float("inf"), -float("inf")):
        state = {key: tensor.clone() for key, tensor in network().state_dict().items()}
        state["dec_layers.0.layers.1.running_var"][-1] = value
        torch.save({"G": state}, file)
        assert "tensor 'dec_layers.0.layers.1.running_var' is not finite" in refusal(file)
        with pytest.raises(RuntimeError, match=r"w\.pth: tensor 'dec_layers\.0\.layers\.1\.running_var' is not finite"):
            secgan.import_weights("attgan-pytorch", file, tmp_path / "bundle", attributes=["Male", "Young"], image_size=16)
        assert not (tmp_path / "bundle").exists()
    # Finite in float64, beyond float32.
    torch.save({key: tensor.double() * 1e300 if tensor.dim() == 4 else tensor for key, tensor in network().state_dict().items()}, file)
    assert "is not finite" in refusal(file)


def test_big_endian_files_are_read(tmp_path):
    net, module = network(), ours()
    torch.save(net.state_dict(), tmp_path / "little.pth")
    with zipfile.ZipFile(tmp_path / "little.pth") as source, zipfile.ZipFile(tmp_path / "big.pth", "w") as target:
        widths = {tensor.numel() * tensor.element_size(): tensor.element_size() for tensor in net.state_dict().values()}
        for member in source.infolist():
            content = source.read(member)
            if member.filename.endswith("/byteorder"):
                content = b"big"
            elif "/data/" in member.filename:
                width = widths[len(content)]
                content = b"".join(content[i : i + width][::-1] for i in range(0, len(content), width))
            target.writestr(member.filename, content)
    assert all(torch.equal(tensor, net.state_dict()[key]) for key, tensor in torch.load(tmp_path / "big.pth").items())
    secgan.load_weights(module, tmp_path / "big.pth")
    assert_holds(module, net.state_dict())


def test_checksums_that_were_not_written_are_not_compared(tmp_path):
    net, module = network(), ours()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(net.state_dict(), tmp_path / "w.pth")
    finally:
        torch.serialization.set_crc32_options(True)
    secgan.load_weights(module, tmp_path / "w.pth")
    assert_holds(module, net.state_dict())
    torch.save(net.state_dict(), tmp_path / "w.pth")
    whole = bytearray((tmp_path / "w.pth").read_bytes())
    place = whole.rfind(net.state_dict()["dec_layers.0.layers.0.weight"].numpy().tobytes())
    whole[place] ^= 1
    (tmp_path / "w.pth").write_bytes(whole)
    assert "damaged" in refusal(tmp_path / "w.pth")


@pytest.mark.filterwarnings("ignore::UserWarning:torch")
def test_a_parser_does_without_the_heads_that_only_training_uses(tmp_path):
    torch.manual_seed(4)
    state = public.shaken(public.BiSeNet(19)).state_dict()
    stripped = {key: tensor for key, tensor in state.items() if not key.startswith(("conv_out16", "conv_out32"))}
    photo = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)
    parses = []
    for name, entries in {"full": state, "stripped": stripped}.items():
        torch.save(entries, tmp_path / f"{name}.pth")
        secgan.import_weights("face-parsing", tmp_path / f"{name}.pth", tmp_path / name, image_size=64)
        parses.append(secgan.Editor.from_pretrained(tmp_path / name).parse(photo))
    assert torch.equal(*parses)
    torch.save(stripped | {"conv_out16.conv_out.weight": torch.ones(19, 64, 1, 1)}, tmp_path / "half.pth")  # half a head is damage
    with pytest.raises(RuntimeError, match="'conv_out16.conv_block.conv.weight' is missing"):
        secgan.import_weights("face-parsing", tmp_path / "half.pth", tmp_path / "half", image_size=64)


def strangers():
    yield (
        "DCGAN",
        nn.ModuleDict(
            {"main": nn.Sequential(nn.ConvTranspose2d(100, 512, 4), nn.BatchNorm2d(512), nn.ReLU(), nn.ConvTranspose2d(512, 3, 4))}
        ),
    )
    yield "a single convolution", nn.ModuleDict({"conv1": nn.Conv2d(3, 8, 3)})
    yield (
        "the beginning of a parser",
        nn.ModuleDict({"cp": nn.ModuleDict({"resnet": nn.ModuleDict({"conv1": nn.Conv2d(3, 64, 7, bias=False)})})}),
    )
    yield (
        "another encoder and decoder",
        nn.ModuleDict(
            {
                "encoder": nn.ModuleList([nn.Sequential(nn.Conv2d(3, 8, 4)), nn.Sequential(nn.Conv2d(8, 16, 4))]),
                "decoder": nn.ModuleList([nn.Sequential(nn.ConvTranspose2d(18, 8, 4)), nn.Sequential(nn.ConvTranspose2d(9, 3, 4))]),
            }
        ),
    )


def test_networks_of_strangers_do_not_pass_for_ours(tmp_path):
    for name, net in strangers():
        torch.save(net.state_dict(), tmp_path / "w.pth")
        for origin in ("attgan-pytorch", "stgan-pytorch", "stargan", "face-parsing"):
            with pytest.raises(RuntimeError, match="it seems to hold none of the known networks; it holds '"):
                secgan.import_weights(origin, tmp_path / "w.pth", tmp_path / "out")
            assert not (tmp_path / "out").exists(), name


def deflated(file, members):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members.items():
            out.writestr(name, content)


def torch_archive(file, pickled, storage=b"\0" * 16):
    deflated(file, {"a/data.pkl": pickled, "a/version": "3\n", "a/data/0": storage})


def safetensors(file, header, size=0):
    text = json.dumps(header).encode() if isinstance(header, dict) else header
    file.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * size)


def storage(kind, key, count):
    return (
        b"(X\x07\0\0\0storagectorch\n" + kind + b"\nX" + struct.pack("<I", len(key)) + key + b"X\x03\0\0\0cpuJ" + struct.pack("<i", count)
    )


MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}."
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage(b"FloatStorage", b"0", 4) + b"tQK\0(K\x04t(K\x01t\x89Nt"
PAIRS = b"](" + b"X\x01\0\0\0aN\x86" * 20_000 + b"e\x85"
SHARED = b"\x80\x02}q\x01X\x01\0\0\0w" + TENSOR + b"Rs"
NESTED = SHARED + b"".join(
    b"0}q" + bytes([n]) + b"(" + b"".join(b"X\x03\0\0\0%03dh" % i + bytes([n - 1]) for i in range(250)) + b"u" for n in range(2, 10)
)
BOMBS = {
    "memo entries": lambda f: torch_archive(f, b"\x80\x04N" + b"\x94" * 20_000_000 + b"."),
    "values": lambda f: torch_archive(f, b"\x80\x02" + b"N" * 15_000_000 + b"."),
    "marks": lambda f: torch_archive(f, b"\x80\x02" + b"(" * 15_000_000 + b"."),
    "repeated OrderedDicts": lambda f: torch_archive(
        f, b"\x80\x02ccollections\nOrderedDict\nq\x01" + PAIRS + b"q\x02" + b"h\x01h\x02R" * 20_000 + b"."
    ),
    "a dictionary referred to often": lambda f: torch_archive(f, NESTED + b"."),
    "repeated tensors": lambda f: torch_archive(
        f, b"\x80\x02" + TENSOR + b"q\x01" + b"ctorch._utils\n_rebuild_tensor_v2\nq\x02" + b"h\x02h\x01R" * 300_000 + b"."
    ),
    "a deflated storage": lambda f: torch_archive(f, SHARED + b".", b"\0" * 250_000_000),
    "legacy zeros": lambda f: f.write_bytes(
        MAGIC
        + b"\x80\x02]("
        + b"".join(storage(b"DoubleStorage", b"%d" % i, 50_000) + b"NtQ" for i in range(6000))
        + b"e."
        + b"\0" * 400_000
    ),
    "zero-sized tensors that set widths": lambda f: safetensors(
        f,
        {
            name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}
            for name, shape in {
                "enc_layers.0.layers.0.weight": [30_000, 3, 4, 0],
                "enc_layers.1.layers.0.weight": [60_000, 30_000, 4, 0],
                "dec_layers.0.layers.0.weight": [60_002, 60_000, 4, 0],
                "dec_layers.1.layers.0.weight": [90_000, 3, 4, 0],
            }.items()
        },
    ),
    "small tensors that set widths": lambda f: safetensors(
        f,
        {
            name: {"dtype": "U8", "shape": shape, "data_offsets": [60_000 * i, 60_000 * (i + 1)]}
            for i, (name, shape) in enumerate(
                {
                    "enc_layers.0.layers.0.weight": [60_000, 1, 1, 1],
                    "enc_layers.1.layers.0.weight": [60_000, 1, 1, 1],
                    "dec_layers.0.layers.0.weight": [15_000, 1, 1, 4],
                    "dec_layers.1.layers.0.weight": [15_000, 1, 1, 4],
                }.items()
            )
        },
        240_000,
    ),
    "100,000 entries": lambda f: safetensors(
        f, {f"layer.{i}.weight": {"dtype": "U8", "shape": [1], "data_offsets": [i, i + 1]} for i in range(50_000)}, 50_000
    ),
    "a deep header": lambda f: safetensors(f, b'{"a":' + b"[" * 40_000_000),
    "a deep index": lambda f: f.with_suffix(".index.json").write_bytes(b'{"weight_map":' + b"[" * 1_000_000),
    "a wrapped call without end": lambda f: torch_archive(
        f, b"\x80\x02]q\x01ctorch._tensor\n_rebuild_from_type_v2\nq\x02aNah\x01ah\x020h\x02h\x01R."
    ),
}


CLEAR_REFS, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def peak(call):
    """Seconds, and MiB of resident memory that were added at most."""
    with CLEAR_REFS.open("w") as reset:
        reset.write("5")

    def field(name):
        with STATUS.open() as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith(name))

    before, begin = field("VmRSS"), time.monotonic()
    call()
    return time.monotonic() - begin, field("VmHWM") - before


@pytest.mark.skipif(not os.access(CLEAR_REFS, os.W_OK), reason="the kernel does not tell peaks of memory")
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_file_takes_little_memory(bomb, tmp_path):
    file = tmp_path / "w.pth"
    BOMBS[bomb](file)
    file = next(tmp_path.iterdir())
    size = file.stat().st_size / 2**20
    assert size < 45
    ours()  # whatever the first network brings into memory
    _, memory = peak(lambda: refusal(file))
    assert memory < 300 + 4 * size, bomb


def test_entries_below_a_hundred_thousand_prefixes_take_no_square_of_time(tmp_path):
    def seconds(count):
        file = tmp_path / f"{count}.safetensors"
        safetensors(file, {f"a{i}.b.c.weight": {"dtype": "U8", "shape": [1], "data_offsets": [i, i + 1]} for i in range(count)}, count)
        begin = time.process_time()
        refusal(file)
        return time.process_time() - begin

    assert seconds(40_000) < 12 * seconds(10_000) + 0.5
