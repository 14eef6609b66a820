"""Networks behave as any torch.nn.Module: every behavior, every network."""

import copy
import io
import pickle
import threading
import time

import pytest
import torch
from torch import nn

import secgan

SMALL_GENERATORS = {
    "attgan": dict(enc_dim=4, dec_dim=4, enc_layers=3, dec_layers=3),
    "stgan": dict(conv_dim=4, n_layers=3, shortcut_layers=2),
    "stargan": dict(conv_dim=4, repeat_num=1),
    "stgan-official": dict(conv_dim=4, n_layers=3, shortcut_layers=2, inject_layers=2, max_dim=16),
}
SMALL_DISCRIMINATORS = {
    "attgan": dict(dim=4, n_layers=3, fc_dim=8),
    "stgan": dict(conv_dim=4, n_layers=3, fc_dim=8),
    "stargan": dict(conv_dim=4, repeat_num=3),
    "stgan-official": dict(conv_dim=4, n_layers=3, fc_dim=8),
}
NETWORKS = {}
for name, options in SMALL_GENERATORS.items():
    NETWORKS[f"generator-{name}"] = lambda name=name, options=options: secgan.create_generator(name, attributes=2, image_size=32, **options)
for name, options in SMALL_DISCRIMINATORS.items():
    NETWORKS[f"discriminator-{name}"] = lambda name=name, options=options: secgan.create_discriminator(
        name, attributes=2, image_size=32, **options
    )
NETWORKS["classifier"] = lambda: secgan.create_classifier(attributes=2, image_size=32, dim=4, members=2)
NETWORKS["parser-unet"] = lambda: secgan.create_parser("unet", classes=5, dim=4, levels=2)
NETWORKS["parser-bisenet-resnet18"] = lambda: secgan.create_parser("bisenet-resnet18")


@pytest.fixture(params=NETWORKS)
def make(request):
    torch.manual_seed(0)
    return NETWORKS[request.param]


def inputs(network, batch=2, dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    side = 64 if isinstance(network, secgan.Parser) else 32
    image = (torch.rand(batch, 3, side, side, generator=generator) * 2 - 1).to(dtype)
    return (image, torch.tensor([[1.0, -1.0]]).repeat(batch, 1).to(dtype)) if isinstance(network, secgan.Generator) else (image,)


def flat(answer):
    return torch.cat([part.flatten() for part in ((answer,) if isinstance(answer, torch.Tensor) else answer)])


def run(network, *arguments):
    with torch.no_grad():
        return flat(network(*(arguments or inputs(network))))


def test_state_dict_strict(make):
    a, b = make().eval(), make().eval()
    assert not torch.equal(run(a), run(b))
    assert list(a.state_dict()) == list(b.state_dict()) and b.load_state_dict(a.state_dict()).missing_keys == []
    assert torch.equal(run(a), run(b))
    state = a.state_dict()
    first = next(iter(state))
    with pytest.raises(RuntimeError, match="Missing key"):
        b.load_state_dict({k: v for k, v in state.items() if k != first})
    with pytest.raises(RuntimeError, match="Unexpected key"):
        b.load_state_dict({**state, "more": state[first]})
    assert b.load_state_dict({**state, "more": state[first]}, strict=False).unexpected_keys == ["more"]


def test_state_dict_assign(make):
    a, b = make().eval(), make().eval()
    b.load_state_dict({k: v.clone() for k, v in a.state_dict().items()}, assign=True)
    assert torch.equal(run(a), run(b))


@pytest.fixture
def swapping():
    torch.__future__.set_swap_module_params_on_conversion(True)
    yield
    torch.__future__.set_swap_module_params_on_conversion(False)


def test_where_torch_swaps_tensors(make, swapping):
    """What torch.nn.Conv2d does under this flag: state loaded, type changed, each parameter the same object."""
    a, b = make().eval(), nn.Sequential(make().eval())
    held = list(b.parameters())
    b[0].load_state_dict(a.state_dict())
    b.load_state_dict({f"0.{k}": v for k, v in a.state_dict().items()})
    b.double()
    assert next(b.parameters()).dtype == torch.float64
    b.float()
    assert torch.equal(run(a), run(b[0])) and all(x is y for x, y in zip(held, b.parameters(), strict=True))
    assert torch.__future__.get_swap_module_params_on_conversion()


def test_to_meta_and_back(make):
    a, b = make().eval(), make().eval()
    b.to("meta")
    assert all(p.is_meta for p in b.parameters()) and all(v.is_meta for v in b.state_dict().values())
    with pytest.raises(RuntimeError, match="on the device meta, without values"):
        secgan.load_weights(b, "nowhere.pth")
    twin = copy.deepcopy(b)
    assert all(p.is_meta for p in twin.parameters())
    b.load_state_dict(a.state_dict(), assign=True)
    assert torch.equal(run(a), run(b)) and not any(p.is_meta for p in b.parameters())
    twin.to_empty(device="cpu").load_state_dict(a.state_dict())
    assert torch.equal(run(a), run(twin))


@pytest.mark.parametrize(
    "twin", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), "torch.save"], ids=["deepcopy", "pickle", "torch.save"]
)
def test_copies(make, twin):
    a = make().eval()
    if twin == "torch.save":
        file = io.BytesIO()
        torch.save(a, file)
        file.seek(0)
        b = torch.load(file, weights_only=False)
    else:
        b = twin(a)
    assert torch.equal(run(a), run(b)) and not b.training and b.options == a.options
    with torch.no_grad():
        for p in b.parameters():
            p.add_(0.1)
    assert not torch.equal(run(a), run(b))


def test_moves_chain_and_reach_cpp(make):
    network = make().to("cpu").double().eval()
    assert all(v.dtype == torch.float64 for v in network.state_dict().values() if v.is_floating_point())
    answer = run(network, *inputs(network, dtype=torch.float64))
    assert answer.dtype == torch.float64
    back = network.to(torch.float32)
    assert back is network
    torch.testing.assert_close(run(network), answer.float(), atol=1e-3, rtol=1e-3)


def test_train_and_eval(make):
    network = make()
    assert network.training and network.eval() is network and not network.training
    before = {k: v.clone() for k, v in network.state_dict().items()}
    run(network)
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    network.train()
    run(network)
    moved = any(not torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert moved == any("running_mean" in k for k in before)


def test_hooks(make):
    network, seen = make().eval(), []
    network.register_forward_pre_hook(lambda module, arguments: seen.append("before"))
    network.register_forward_hook(lambda module, arguments, answer: seen.append("after"))
    network.register_full_backward_hook(lambda module, gradient_in, gradient_out: seen.append("backward"))
    grads = []
    next(network.parameters()).register_hook(lambda gradient: grads.append(gradient.shape))
    arguments = inputs(network)
    arguments[0].requires_grad_()
    flat(network(*arguments)).sum().backward()
    assert seen == ["before", "after", "backward"] and grads == [next(network.parameters()).shape]


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW, torch.optim.RMSprop])
def test_optimizers(make, optimizer):
    network = make().eval()
    arguments = inputs(network)
    step = optimizer(network.parameters(), lr=1e-3)
    before = run(network)
    flat(network(*arguments)).square().mean().backward()
    step.step()
    assert not torch.equal(run(network), before)


def test_functional_call(make):
    a, b = make().eval(), make().eval()
    arguments = inputs(a)
    weights = {k: v.detach().clone().requires_grad_(v.requires_grad) for k, v in b.state_dict(keep_vars=True).items()}
    answer = flat(torch.func.functional_call(a, weights, arguments))
    assert torch.equal(answer, run(b))
    before = run(a)
    answer.square().sum().backward()
    assert weights[next(iter(weights))].grad.abs().sum() > 0 and next(a.parameters()).grad is None
    assert torch.equal(run(a), before)


def test_functional_gradients(make):
    network = make().eval()
    parameters = {k: v.detach() for k, v in network.named_parameters()}
    gradients = torch.func.grad(lambda p: flat(torch.func.functional_call(network, p, inputs(network))).square().mean())(parameters)
    flat(network(*inputs(network))).square().mean().backward()
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(gradients[name], parameter.grad, atol=1e-5, rtol=1e-4)


def test_parametrizations(make):
    network = make().eval()
    before = run(network)
    name, _weight = next((k, p) for k, p in network.named_parameters() if p.dim() == 4)
    path, _, last = name.rpartition(".")
    torch.nn.utils.parametrizations.weight_norm(network.get_submodule(path), last)
    torch.testing.assert_close(run(network), before, atol=1e-4, rtol=1e-3)
    flat(network(*inputs(network))).sum().backward()
    assert network.get_submodule(path).parametrizations[last].original1.grad is not None
    with torch.no_grad():
        direction = network.get_submodule(path).parametrizations[last].original1  # a norm may follow, which hides the length
        direction.add_(torch.linspace(-1, 1, direction.numel()).view_as(direction))
    assert not torch.allclose(run(network), before)


def test_moving_average(make):
    network = make().eval()
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.5), use_buffers=True
    ).eval()
    average.update_parameters(network)  # the first is a copy
    old = {k: v.clone() for k, v in network.state_dict().items()}
    with torch.no_grad():
        for p in network.parameters():
            p.add_(0.01)
    average.update_parameters(network)
    for name, p in network.named_parameters():
        torch.testing.assert_close(average.module.state_dict()[name], (old[name] + p) / 2)
    other = make().eval()
    other.load_state_dict(average.module.state_dict())
    assert torch.equal(run(other), flat(average(*inputs(network))).detach())


def test_nesting(make):
    network = make()
    arguments = inputs(network)

    class Spread(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network

        def forward(self, _):
            return flat(self.inner(*arguments))

    whole = nn.Sequential(nn.Identity(), Spread(), nn.ReLU()).eval()
    assert torch.equal(whole(arguments[0]).detach(), run(network).relu()) and not network.training
    assert all(k.startswith("1.inner.") for k in whole.state_dict())
    assert sum(1 for _ in whole.parameters()) == sum(1 for _ in network.parameters())


@pytest.fixture(scope="module")
def process_group():
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def test_distributed_data_parallel(make, process_group):
    network = make().eval()
    reference = copy.deepcopy(network)
    parallel = nn.parallel.DistributedDataParallel(network, find_unused_parameters=True)
    answer = flat(parallel(*inputs(network)))
    answer.square().mean().backward()
    expected = flat(reference(*inputs(network)))
    expected.square().mean().backward()
    assert torch.equal(answer, expected)
    for a, b in zip(network.parameters(), reference.parameters(), strict=False):
        if b.grad is not None:
            torch.testing.assert_close(a.grad, b.grad)


def test_compile(make):
    network = make().eval()
    compiled = torch.compile(network, backend="eager")
    torch.testing.assert_close(flat(compiled(*inputs(network))).detach(), run(network))


def test_export_with_the_weights_as_constants_and_any_batch(make):
    network = make().eval()
    arguments = inputs(network)
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(network, arguments, dynamic_shapes=tuple({0: batch} for _ in arguments), strict=False)
    held = {t.data_ptr() for t in [*program.constants.values(), *program.state_dict.values()] if isinstance(t, torch.Tensor)}
    used = {p.data_ptr() for k, p in network.named_parameters()}
    assert len(used & held) >= 0.9 * len(used)
    for n in (1, 3):
        more = inputs(network, n)
        torch.testing.assert_close(flat(program.module()(*more)).detach(), run(network, *more), atol=1e-5, rtol=1e-5)


def test_repr_shows_the_layers(make):
    text = repr(make())
    assert "Conv2d(" in text and "kernel_size" in text and text.count("\n") > 5
    assert "parameters" in text.splitlines()[0] and "Impl" not in text and "torch::" not in text


def test_the_gil_is_free_while_cpp_works(make):
    """A second thread gets far during one call; with the GIL held it would not move, however long the call."""
    network, count, done = make().eval(), 0, False

    def other():
        nonlocal count
        while not done:
            count += 1
            time.sleep(0.0005)

    thread = threading.Thread(target=other)
    thread.start()
    try:
        for batch in (4, 32, 256, 2048, 16384):
            arguments = inputs(network, batch)
            before = count
            run(network, *arguments)
            counted = count - before
            if counted > 10:
                break
    finally:
        done = True
        thread.join()
    assert counted > 10
