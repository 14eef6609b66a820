"""Weights of the public repositories, from files as they save them."""

import collections
import io
import os
import pickle
import struct
import zipfile

import public_networks as public
import pytest
import torch
from torch import nn

import secgan

# (public network, ours, inputs): options that are in no golden table.
CASES = {
    "attgan generator": lambda: (
        public.AttGanGenerator(12, 3, "instancenorm", "relu", 12, 3, "none", "lrelu", 4, 2, 2),
        secgan.create_generator(
            "attgan",
            attributes=4,
            image_size=32,
            enc_dim=12,
            enc_layers=3,
            enc_norm_fn="instancenorm",
            enc_acti_fn="relu",
            dec_dim=12,
            dec_layers=3,
            dec_norm_fn="none",
            dec_acti_fn="lrelu",
            shortcut_layers=2,
            inject_layers=2,
        ),
        (torch.rand(3, 3, 32, 32) * 2 - 1, torch.rand(3, 4) - 0.5),
    ),
    "attgan generator, switchable norm": lambda: (
        public.AttGanGenerator(8, 2, "switchnorm", "lrelu", 8, 2, "switchnorm", "relu", 5, 1, 0),
        secgan.create_generator(
            "attgan",
            attributes=5,
            image_size=16,
            enc_dim=8,
            enc_layers=2,
            dec_dim=8,
            dec_layers=2,
            enc_norm_fn="switchnorm",
            dec_norm_fn="switchnorm",
        ),
        (torch.rand(3, 3, 16, 16) * 2 - 1, torch.rand(3, 5) - 0.5),
    ),
    "attgan discriminator": lambda: (
        public.AttGanDiscriminator(8, "batchnorm", "sigmoid", 20, "batchnorm", "tanh", 3, 32, 6),
        secgan.create_discriminator(
            "attgan",
            attributes=6,
            image_size=32,
            dim=8,
            norm_fn="batchnorm",
            acti_fn="sigmoid",
            fc_dim=20,
            fc_norm_fn="batchnorm",
            fc_acti_fn="tanh",
            n_layers=3,
        ),
        (torch.rand(4, 3, 32, 32) * 2 - 1,),
    ),
    "attgan discriminator, switchable norm": lambda: (
        public.AttGanDiscriminator(8, "switchnorm", "lrelu", 20, "switchnorm", "relu", 2, 16, 3),
        secgan.create_discriminator(
            "attgan", attributes=3, image_size=16, dim=8, norm_fn="switchnorm", fc_dim=20, fc_norm_fn="switchnorm", n_layers=2
        ),
        (torch.rand(4, 3, 16, 16) * 2 - 1,),
    ),
    "stgan generator": lambda: (
        public.StganGenerator(4, 8, 4, 2, 5, True, False),
        secgan.create_generator(
            "stgan", attributes=4, image_size=32, conv_dim=8, n_layers=4, shortcut_layers=2, stu_kernel_size=5, one_more_conv=False
        ),
        (torch.rand(3, 3, 32, 32) * 2 - 1, torch.rand(3, 4) - 0.5),
    ),
    "stgan generator, plain skips": lambda: (
        public.StganGenerator(3, 8, 3, 2, 3, False, True),
        secgan.create_generator("stgan", attributes=3, image_size=16, conv_dim=8, n_layers=3, shortcut_layers=2, use_stu=False),
        (torch.rand(3, 3, 16, 16) * 2 - 1, torch.rand(3, 3) - 0.5),
    ),
    "stgan discriminator": lambda: (
        public.StganDiscriminator(32, 5, 8, 24, 3),
        secgan.create_discriminator(
            "stgan", attributes=5, image_size=32, conv_dim=8, fc_dim=24, n_layers=3, norm_fn="instancenorm-running"
        ),
        (torch.rand(4, 3, 32, 32) * 2 - 1,),
    ),
    "stargan generator": lambda: (
        public.StarGanGenerator(8, 4, 2),
        secgan.create_generator("stargan", attributes=4, image_size=24, conv_dim=8, repeat_num=2, norm_fn="instancenorm-running"),
        (torch.rand(3, 3, 24, 24) * 2 - 1, torch.rand(3, 4).round()),
    ),
    "stargan discriminator": lambda: (
        public.StarGanDiscriminator(32, 8, 4, 3),
        secgan.create_discriminator("stargan", attributes=4, image_size=32, conv_dim=8, repeat_num=3),
        (torch.rand(4, 3, 32, 32) * 2 - 1,),
    ),
    "bisenet, zllrunning": lambda: (
        public.BiSeNet(11, (2, 2, 2, 2)),
        secgan.create_parser("bisenet-resnet18", classes=11),
        (torch.rand(2, 3, 64, 96) * 2 - 1,),
    ),
    "bisenet resnet34, yakhyo": lambda: (
        public.BiSeNet(7, (3, 4, 6, 3), yakhyo=True),
        secgan.create_parser("bisenet-resnet34", classes=7),
        (torch.rand(2, 3, 64, 64) * 2 - 1,),
    ),
}


def tensors(answer):
    return [answer] if isinstance(answer, torch.Tensor) else list(answer)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_an_independent_network_in_both_modes(name, tmp_path):
    torch.manual_seed(3)
    theirs, ours, inputs = CASES[name]()
    torch.save(public.shaken(theirs).state_dict(), tmp_path / "weights.pth")
    secgan.load_weights(ours, tmp_path / "weights.pth")
    for training in (False, True):
        theirs.train(training), ours.train(training)
        with torch.no_grad():
            for expected, found in zip(tensors(theirs(*inputs)), tensors(ours(*inputs)), strict=False):
                spread = (expected.max() - expected.min()).item()
                assert (found - expected).abs().max().item() <= 1e-5 * max(spread, 1e-3), (name, training)
    # Running statistics moved alike.
    state = {key: tensor for key, tensor in ours.state_dict().items() if "running" in key}
    moved = [(key, tensor) for key, tensor in theirs.state_dict().items() if "running" in key]
    assert len(state) == len(moved)
    for ours_tensor, (key, theirs_tensor) in zip(state.values(), moved, strict=False):
        torch.testing.assert_close(ours_tensor, theirs_tensor, rtol=1e-4, atol=1e-5, msg=key)


def make_pair():
    torch.manual_seed(1)
    theirs, ours, _ = CASES["attgan generator"]()
    return public.shaken(theirs), ours


def assert_loaded(ours, theirs):
    for key, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[key], tensor), key


def adam_state(module):
    optimizer = torch.optim.Adam(module.parameters())
    sum(p.sum() for p in module.parameters()).backward()
    optimizer.step()
    return optimizer.state_dict()


def prefixed(state):
    return collections.OrderedDict(("module." + key, tensor) for key, tensor in state.items())


def moments(module):
    """By name, as functional optimizers keep them."""
    return {key: 1e-3 * tensor for key, tensor in module.state_dict().items() if tensor.is_floating_point()}


FORMS = {
    "functional Adam": lambda net: {"G": net.state_dict(), "optim": {"exp_avg": moments(net), "exp_avg_sq": moments(net)}},
    "one moment": lambda net: {"G": net.state_dict(), "state": {"square_avg": moments(net)}},
    "averages of gradients": lambda net: {"G": net.state_dict(), "grad_ema": moments(net), "avgGrad": moments(net)},
    "bare": lambda net: net.state_dict(),
    "attgan-pytorch": lambda net: {"G": net.state_dict(), "D": nn.Linear(3, 2).state_dict(), "optim_G": adam_state(net)},
    "stgan-pytorch": lambda net: {"state_dict": prefixed(net.state_dict()), "optimizer": adam_state(net)},
    "parameters": lambda net: {
        "model": dict(net.named_parameters()) | dict(net.named_buffers()),
        "epoch": 3,
        "args": {"lr": 0.1},
    },
    "plain dict in half precision": lambda net: {k: v.half() if v.is_floating_point() else v for k, v in net.state_dict().items()},
}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_reads_every_form_that_is_in_use(form, legacy, tmp_path):
    theirs, ours = make_pair()
    saved = FORMS[form](theirs)
    torch.save(saved, tmp_path / "f.pth", _use_new_zipfile_serialization=not legacy)
    secgan.load_weights(ours, tmp_path / "f.pth")
    if "half" in form:
        theirs.half().float()
    assert_loaded(ours, theirs)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_reads_other_pickle_protocols(protocol, tmp_path):
    theirs, ours = make_pair()
    torch.save(theirs.state_dict(), tmp_path / "f.pth", pickle_protocol=protocol)
    secgan.load_weights(ours, tmp_path / "f.pth")
    assert_loaded(ours, theirs)


def test_counters_of_batches_may_be_missing(tmp_path):
    theirs = public.shaken(public.AttGanGenerator(4, 2, "batchnorm", "lrelu", 4, 2, "batchnorm", "relu", 2, 1, 0))
    ours = secgan.create_generator("attgan", attributes=2, image_size=16, enc_dim=4, enc_layers=2, dec_dim=4, dec_layers=2)
    torch.save({k: v for k, v in theirs.state_dict().items() if "num_batches" not in k}, tmp_path / "old.pth")
    secgan.load_weights(ours, tmp_path / "old.pth")
    for key, tensor in theirs.state_dict().items():
        if "num_batches" not in key:
            assert torch.equal(ours.state_dict()[key], tensor), key


def test_tensors_that_share_a_storage_come_apart_right(tmp_path):
    theirs, ours = make_pair()
    flat = torch.cat([tensor.flatten() for tensor in theirs.state_dict().values()])
    views, begin = {}, 0
    for key, tensor in theirs.state_dict().items():
        views[key] = flat[begin : begin + tensor.numel()].view(tensor.shape)
        begin += tensor.numel()
    views["enc_layers.0.layers.0.weight"] = theirs.state_dict()["enc_layers.0.layers.0.weight"].transpose(2, 3).contiguous().transpose(2, 3)
    torch.save(views, tmp_path / "views.pth")
    secgan.load_weights(ours, tmp_path / "views.pth")
    assert_loaded(ours, theirs)


def refusal(ours, file):
    before = {key: tensor.clone() for key, tensor in ours.state_dict().items()}
    with pytest.raises(RuntimeError) as failure:
        secgan.load_weights(ours, file)
    assert all(torch.equal(tensor, before[key]) for key, tensor in ours.state_dict().items()), "the module was changed"
    message = str(failure.value)
    assert str(file) in message and "\n" not in message
    return message


def test_weights_of_another_network_are_refused_with_what_they_are(tmp_path):
    _, ours = make_pair()
    torch.save(public.StganGenerator(4, 8, 4, 2, 3, True, True).state_dict(), tmp_path / "st.pth")
    message = refusal(ours, tmp_path / "st.pth")
    assert "'enc_layers.0.layers.0.weight' is missing" in message and "generator 'stgan' of 4 attributes" in message
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "linear.pth")
    assert "is missing" in refusal(ours, tmp_path / "linear.pth")


def test_other_options_are_named(tmp_path):
    theirs = public.AttGanGenerator(16, 4, "batchnorm", "lrelu", 16, 4, "batchnorm", "relu", 13, 1, 1)
    torch.save({"G": theirs.state_dict()}, tmp_path / "w.pth")
    ours = secgan.create_generator("attgan", attributes=13, image_size=64, enc_dim=16, dec_dim=16, enc_layers=4, dec_layers=4)
    message = refusal(ours, tmp_path / "w.pth")
    assert "'dec_layers.1.layers.0.weight' has shape [205, 64, 4, 4], the network [192, 64, 4, 4]" in message
    assert "options that would fit: attgan.inject_layers = 1 (here 0)" in message
    fitting = secgan.create_generator(
        "attgan", attributes=13, image_size=64, enc_dim=16, dec_dim=16, enc_layers=4, dec_layers=4, inject_layers=1
    )
    secgan.load_weights(fitting, tmp_path / "w.pth")
    assert_loaded(fitting, theirs)


@pytest.mark.parametrize("legacy", [False, True])
def test_truncated_files_are_refused_at_every_length(legacy, tmp_path):
    theirs, ours = make_pair()
    buffer = io.BytesIO()
    torch.save(theirs.state_dict(), buffer, _use_new_zipfile_serialization=not legacy)
    whole = buffer.getvalue()
    for share in [0, 1, 4, 15, 40, 200, len(whole) // 3, len(whole) // 2, len(whole) - 100, len(whole) - 1]:
        (tmp_path / "cut.pth").write_bytes(whole[:share])
        refusal(ours, tmp_path / "cut.pth")


def test_damaged_bytes_never_crash(tmp_path):
    theirs, ours = make_pair()
    random = torch.Generator().manual_seed(7)
    for legacy in (False, True):
        buffer = io.BytesIO()
        torch.save(theirs.state_dict(), buffer, _use_new_zipfile_serialization=not legacy)
        whole = bytearray(buffer.getvalue())
        for _ in range(150):
            damaged = bytearray(whole)
            for place in torch.randint(0, min(len(whole), 6000), (3,), generator=random).tolist():
                damaged[place] = int(torch.randint(0, 256, (1,), generator=random))
            (tmp_path / "bad.pth").write_bytes(damaged)
            try:
                secgan.load_weights(ours, tmp_path / "bad.pth")  # a changed weight is not noticed, and need not be
            except RuntimeError as error:
                assert "\n" not in str(error)  # noqa: PT017  (most damage goes unnoticed)


class Trap:
    """Unpickling it would leave a file behind."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return (os.mkdir, (str(self.place),))


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_file_is_not_run(legacy, tmp_path):
    theirs, ours = make_pair()
    hostile = {"G": theirs.state_dict(), "extra": Trap(tmp_path / "sprung")}
    torch.save(hostile, tmp_path / "hostile.pth", _use_new_zipfile_serialization=not legacy)
    secgan.load_weights(ours, tmp_path / "hostile.pth")
    assert_loaded(ours, theirs)
    assert not (tmp_path / "sprung").exists()
    torch.load(tmp_path / "hostile.pth", weights_only=False)
    assert (tmp_path / "sprung").exists(), "the trap does not work, so the test shows nothing"


def archive(tmp_path, pickled, storage=b"\0" * 16):
    file = tmp_path / "made.pth"
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("archive/data.pkl", pickled)
        out.writestr("archive/version", "3\n")
        out.writestr("archive/data/0", storage)
    return file


def tensor_pickle(size, stride, offset=0, count=4):
    """{'w': tensor of 4 floats}, with extents that may lie."""

    def integer(value):
        return b"\x8a\x08" + struct.pack("<q", value)

    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0" + b"0" + b"X\x03\0\0\0cpu" + integer(count) + b"tQ"
    extents = b"(" + b"".join(map(integer, size)) + b"t" + b"(" + b"".join(map(integer, stride)) + b"t"
    return b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(" + storage + integer(offset) + extents + b"\x89NtRs."


@pytest.mark.parametrize(
    ("size", "stride", "offset", "count"),
    [
        ([5], [1], 0, 4),
        ([2], [1], 3, 4),
        ([2], [1], -1, 4),
        ([2], [-1], 3, 4),
        ([-2], [1], 0, 4),
        ([2, 2], [1], 0, 4),
        ([1 << 40], [0], 0, 4),
        ([1 << 62, 4], [1 << 62, 1], 0, 4),
        ([4], [1], 0, 1 << 61),
        ([4], [1], 0, 5),
    ],
)
def test_tensors_that_leave_their_storage_are_refused(size, stride, offset, count, tmp_path):
    _, ours = make_pair()
    refusal(ours, archive(tmp_path, tensor_pickle(size, stride, offset, count)))


def test_the_made_archive_is_sound_when_it_does_not_lie(tmp_path):
    _, ours = make_pair()
    for size, stride in ([4], [1]), ([2, 2], [2, 1]):
        # Read far enough to miss the network's own entries.
        assert "'enc_layers.0.layers.0.weight' is missing" in refusal(ours, archive(tmp_path, tensor_pickle(size, stride)))


@pytest.mark.parametrize(
    "pickled",
    [
        b".",
        b"\x80\x02.",
        b"\x80\x020.",
        b"\x80\x02(((((.",
        b"\x80\x02]q\x00h\x00a.",  # a list inside itself
        b"\x80\x02}q\x00X\x01\0\0\0ah\x00s.",  # a dictionary inside itself
        b"\x80\x02h\x07.",
        b"\x80\x02X\xff\xff\xff\xffabc.",
        b"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.",
        b"\x80\x02" + b"]" * 100000 + b"a" * 99999 + b".",
        b"\x80\x02" + b"N" * 6_000_000 + b".",
    ],
)
def test_malformed_pickles_are_refused(pickled, tmp_path):
    _, ours = make_pair()
    refusal(ours, archive(tmp_path, pickled))


def test_neither_one_nor_the_other_format(tmp_path):
    _, ours = make_pair()
    (tmp_path / "text.pth").write_text("these are no weights, and it is a long enough text")
    assert "neither a torch.save file nor a safetensors file" in refusal(ours, tmp_path / "text.pth")
    (tmp_path / "pickle.pth").write_bytes(pickle.dumps({"a": 1}))
    refusal(ours, tmp_path / "pickle.pth")
    with pytest.raises(FileNotFoundError, match="nowhere.pth"):
        secgan.load_weights(ours, tmp_path / "nowhere.pth")


def test_safetensors_of_the_package_and_ours_read_each_other(tmp_path):
    import safetensors.torch as safetensors

    theirs, ours = make_pair()
    safetensors.save_file(theirs.state_dict(), tmp_path / "theirs.safetensors")
    secgan.load_weights(ours, tmp_path / "theirs.safetensors")
    assert_loaded(ours, theirs)
    torch.save({"G": theirs.state_dict()}, tmp_path / "g.pth")
    secgan.import_weights("attgan-pytorch", tmp_path / "g.pth", tmp_path / "bundle", attributes=list("abcd"), image_size=32)
    read = safetensors.load_file(tmp_path / "bundle" / "model.safetensors")
    for key, tensor in theirs.state_dict().items():
        assert torch.equal(read["generator." + key], tensor), key


def test_import_makes_a_bundle_that_edits_as_the_repository_does(tmp_path):
    torch.manual_seed(2)
    names = ["Eyeglasses", "Male", "Young"]
    photo = torch.randint(0, 256, (3, 48, 48), dtype=torch.uint8)
    source = {"Male": True}
    pairs = {
        # labels in {-0.5, 0.5}, the edited one at 1
        "attgan-pytorch": (
            public.AttGanGenerator(8, 3, "batchnorm", "lrelu", 8, 3, "batchnorm", "relu", 3, 1, 1),
            [[1.0, 0.5, -0.5]],
            lambda s: {"G": s},
        ),
        # the difference
        "stgan-pytorch": (public.StganGenerator(3, 8, 3, 2, 3, True, True), [[1.0, 0.0, 0.0]], lambda s: {"state_dict": prefixed(s)}),
        # the wanted labels
        "stargan": (public.StarGanGenerator(8, 3, 2), [[1.0, 1.0, 0.0]], lambda s: s),
    }
    for origin, (network, condition, form) in pairs.items():
        public.shaken(network).eval()
        for module in network.modules():  # as they are trained: ours does not switch in eval mode
            if isinstance(module, nn.InstanceNorm2d):
                module.train()
        torch.save(form(network.state_dict()), tmp_path / "w.pth")
        secgan.import_weights(origin, tmp_path / "w.pth", tmp_path / origin, attributes=names, image_size=48, crop="none")
        edited = secgan.Editor.from_pretrained(tmp_path / origin).edit(photo, source=source, Eyeglasses=+1).photo
        with torch.no_grad():
            expected = network(photo[None].float() / 127.5 - 1, torch.tensor(condition))
        expected = ((expected[0] + 1) * 127.5).round().clamp(0, 255)
        assert (edited.float() - expected).abs().max() <= 1, origin


def test_import_reads_the_settings_of_attgan_pytorch(tmp_path):
    network = public.AttGanGenerator(8, 3, "batchnorm", "relu", 8, 3, "batchnorm", "lrelu", 2, 1, 0)
    (tmp_path / "checkpoint").mkdir()
    torch.save({"G": network.state_dict()}, tmp_path / "checkpoint" / "weights.7.pth")
    (tmp_path / "setting.txt").write_text(
        '{"attrs": ["Male", "Young"], "img_size": 64, "enc_acti": "relu", "dec_acti": "lrelu", '
        '"thres_int": 0.5, "test_int": 2.0, "lr": 0.0002}'
    )
    secgan.import_weights("attgan-pytorch", tmp_path / "checkpoint" / "weights.7.pth", tmp_path / "bundle")
    info = secgan.Editor.from_pretrained(tmp_path / "bundle").info
    assert (
        info["attributes"] == ["Male", "Young"] and info["image_size"] == 64 and info["intensity"] == 2.5 and info["crop"] == "center:170"
    )
    assert '"enc_acti_fn": "relu"' in (tmp_path / "bundle" / "config.json").read_text()


def test_import_refuses_what_does_not_fit(tmp_path):
    torch.save(public.StarGanGenerator(8, 3, 2).state_dict(), tmp_path / "star.ckpt")
    with pytest.raises(RuntimeError, match="holds no generator 'attgan'; it seems to hold a generator 'stargan' of 3 attributes"):
        secgan.import_weights("attgan-pytorch", tmp_path / "star.ckpt", tmp_path / "out")
    with pytest.raises(ValueError, match="has 3 of them, 5 are named"):
        secgan.import_weights("stargan", tmp_path / "star.ckpt", tmp_path / "out")
    with pytest.raises(ValueError, match="origin 'stylegan' is unknown; known: attgan-pytorch, "):
        secgan.import_weights("stylegan", tmp_path / "star.ckpt", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("origin", "yakhyo"), [("face-parsing", False), ("face-parsing-yakhyo", True)])
def test_an_imported_parser_parses(origin, yakhyo, tmp_path):
    network = public.shaken(public.BiSeNet(19, yakhyo=yakhyo)).eval()
    torch.save(network.state_dict(), tmp_path / "79999_iter.pth")
    secgan.import_weights(origin, tmp_path / "79999_iter.pth", tmp_path / "bundle", image_size=64)
    photo = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)
    ids = secgan.Editor.from_pretrained(tmp_path / "bundle").parse(photo)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    with torch.no_grad():
        probabilities = network(((photo / 255 - mean) / deviation)[None])[0].softmax(1)[0]
    merge = [11, 0, 1, 1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 11, 11, 10, 11]
    merged = torch.zeros(12, 64, 64).index_add(0, torch.tensor(merge), probabilities)
    assert (ids == merged.argmax(0)).float().mean() > 0.999
