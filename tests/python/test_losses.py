import copy
import pickle

import pytest
import torch

import secgan
from secgan import functional


def log_probabilities(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=dtype).log_softmax(1)


def test_soft_cross_entropy_is_torchs_own():
    logits, target = log_probabilities(2, 5, 3, 3), log_probabilities(2, 5, 3, 3, seed=1).exp()
    expected = torch.nn.functional.cross_entropy(logits, target)
    assert torch.allclose(functional.soft_cross_entropy(logits, target), expected, atol=1e-12)
    assert torch.equal(secgan.SoftCrossEntropy()(logits, target), functional.soft_cross_entropy(logits, target))


@pytest.mark.parametrize("target", ["hard", "soft", "straight_through"])
def test_derivatives_to_second_order(target):
    image = torch.randn(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    mask = log_probabilities(1, 3, 2, 2, seed=2)

    def term(x):
        return functional.semantic_consistency(x.log_softmax(1), mask, target)[0]

    assert torch.autograd.gradcheck(term, (image,))
    assert torch.autograd.gradgradcheck(term, (image,))


def test_soft_cross_entropy_has_derivatives_to_second_order():
    logits, target = (log_probabilities(1, 3, 2, 2, seed=seed).requires_grad_() for seed in (5, 6))
    assert torch.autograd.gradcheck(functional.soft_cross_entropy, (logits, target))
    assert torch.autograd.gradgradcheck(functional.soft_cross_entropy, (logits, target))


def test_hard_targets_train_one_side_each():
    image = log_probabilities(1, 4, 2, 2).requires_grad_()
    mask = log_probabilities(1, 4, 2, 2, seed=3).requires_grad_()
    image_term, mask_term = functional.semantic_consistency(image, mask)
    assert torch.autograd.grad(image_term, mask, allow_unused=True, retain_graph=True)[0] is None
    assert torch.autograd.grad(mask_term, image, allow_unused=True)[0] is None
    assert torch.allclose(image_term, torch.nn.functional.nll_loss(image, mask.argmax(1)))


@pytest.mark.parametrize("target", ["hard", "soft", "straight_through"])
def test_the_ops_pass_torchs_own_check(target):
    a, b = (log_probabilities(1, 3, 2, 2, seed=seed, dtype=torch.float32).requires_grad_() for seed in (0, 1))
    torch.library.opcheck(torch.ops.secgan.semantic_consistency.default, (a, b, target))
    torch.library.opcheck(torch.ops.secgan.soft_cross_entropy.default, (a, b.detach().exp()))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("autocast", [False, True])
def test_half_precision_is_summed_in_float32(dtype, autocast):
    """A mean over many pixels in bfloat16 would keep two or three digits."""
    image, mask = (log_probabilities(2, 5, 32, 32, seed=seed, dtype=torch.float32).to(dtype) for seed in (7, 8))
    expected = functional.semantic_consistency(image.double(), mask.double())
    with torch.autocast("cpu", dtype, enabled=autocast):
        terms = functional.semantic_consistency(image.requires_grad_(), mask)
        loss = functional.soft_cross_entropy(image, mask.exp())
    assert all(term.dtype == torch.float32 for term in (*terms, loss))
    assert all(torch.allclose(a.double(), b, rtol=1e-6) for a, b in zip(terms, expected, strict=False))
    assert torch.allclose(loss.double(), functional.soft_cross_entropy(image.double(), mask.exp().double()), rtol=1e-5)
    (terms[0] + loss).backward()
    assert image.grad.dtype == dtype and image.grad.abs().sum() > 0


def test_memory_format_and_empty_batches():
    image, mask = log_probabilities(2, 5, 4, 4), log_probabilities(2, 5, 4, 4, seed=1)
    last = image.to(memory_format=torch.channels_last)
    assert last.stride() != image.stride()
    for target in ("hard", "soft", "straight_through"):
        for a, b in zip(
            functional.semantic_consistency(last, mask, target), functional.semantic_consistency(image, mask, target), strict=False
        ):
            assert torch.allclose(a, b, atol=1e-14)
        empty = image[:0].requires_grad_()
        terms = functional.semantic_consistency(empty, mask[:0], target)
        assert [t.item() for t in terms] == [0, 0]
        terms[0].backward()
        assert empty.grad.shape == (0, 5, 4, 4)
    assert torch.allclose(functional.soft_cross_entropy(last, mask.exp()), functional.soft_cross_entropy(image, mask.exp()), atol=1e-14)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_same_calls_on_cuda():
    image, mask = log_probabilities(2, 5, 4, 4), log_probabilities(2, 5, 4, 4, seed=1)
    for a, b in zip(functional.semantic_consistency(image.cuda(), mask.cuda()), functional.semantic_consistency(image, mask), strict=False):
        assert torch.allclose(a.cpu(), b)


@pytest.mark.parametrize("op", [torch.ops.secgan.soft_cross_entropy, torch.ops.secgan.semantic_consistency])
def test_the_ops_name_the_argument_of_a_wrong_shape(op):
    first = "logits" if op is torch.ops.secgan.soft_cross_entropy else "image_log_probs"
    with pytest.raises(ValueError, match=rf"{first} must be \[N, K, H, W\], found \[3, 2, 2\]"):
        op(torch.zeros(3, 2, 2), torch.zeros(3, 2, 2))
    with pytest.raises(ValueError, match="must have the same shape, found"):
        op(torch.zeros(1, 3, 2, 2, device="meta"), torch.zeros(1, 3, 2, 4, device="meta"))
    assert "Tensor" in str(op.default._schema)


def test_the_functions_compile_into_one_graph():
    image, mask = log_probabilities(1, 4, 2, 2), log_probabilities(1, 4, 2, 2, seed=4)

    def loss(x):
        return functional.soft_cross_entropy(x, mask.exp()) + functional.semantic_consistency(x, mask)[0]

    assert torch.allclose(torch.compile(loss, backend="eager", fullgraph=True)(image), loss(image))


def test_wrong_input_is_a_value_error():
    with pytest.raises(ValueError, match="target 'warm' is unknown; known: hard, soft, straight_through"):
        functional.semantic_consistency(torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2), "warm")
    with pytest.raises(ValueError, match="logits and target must have the same shape"):
        functional.soft_cross_entropy(torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2, 2))
    with pytest.raises(ValueError, match="target must hold probabilities that sum to 1 .* off by 2.0"):
        functional.soft_cross_entropy(torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2))
    with pytest.raises(ValueError, match="target must hold probabilities, found -1.0"):
        functional.soft_cross_entropy(torch.zeros(1, 2, 1, 1), torch.tensor([-1.0, 2.0]).view(1, 2, 1, 1))
    assert functional.soft_cross_entropy(torch.zeros(0, 3, 2, 2), torch.zeros(0, 3, 2, 2)) == 0


def test_face_parser_takes_modules_and_callables_and_freezes():
    network = torch.nn.Conv2d(3, 19, 1)
    parser = secgan.FaceParser(network, labels="celebamask-hq", normalization="none")
    photo = torch.rand(2, 3, 6, 6, requires_grad=True)
    probabilities = parser(photo)
    assert probabilities.shape == (2, 12, 6, 6)
    assert torch.allclose(probabilities.sum(1), torch.ones(2, 6, 6), atol=1e-6)
    probabilities[:, 3].sum().backward()
    assert photo.grad.abs().sum() > 0 and network.weight.grad is None
    assert not parser.train().training
    called = secgan.FaceParser(lambda x: (network(x), None), labels="celebamask-hq", normalization="none")
    assert torch.equal(called(photo), probabilities)
    ours = secgan.FaceParser(secgan.create_parser("unet", classes=12, dim=4, levels=2), labels="secgan-12", input_size=8)
    assert ours(photo.detach()).shape == (2, 12, 6, 6)


def test_face_parser_merges_as_the_label_set_says():
    logits = torch.zeros(1, 19, 1, 1)
    logits[0, 17] = 50  # hair in the face-parsing order, neck in CelebAMask-HQ's
    for labels, name in (("face-parsing", "hair"), ("celebamask-hq", "neck")):
        parser = secgan.FaceParser(lambda x: logits, labels=labels)
        assert secgan.class_names("secgan-12")[parser(torch.zeros(1, 3, 1, 1)).argmax()] == name
    with pytest.raises(ValueError, match="labels 'nineteen' is unknown"):
        secgan.FaceParser(lambda x: logits, labels="nineteen")
    with pytest.raises(ValueError, match="class id 1 stands in two groups"):
        secgan.FaceParser(lambda x: logits, labels=[[0, 1], [1]])


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_parser_and_consistency_are_copied(twin):
    network = torch.nn.Conv2d(3, 19, 1)
    loss = secgan.SemanticConsistency(secgan.FaceParser(network, labels="celebamask-hq", normalization="none"), "soft")
    photo, mask = torch.rand(1, 3, 4, 4), log_probabilities(1, 12, 4, 4, dtype=torch.float32)
    copied = twin(loss)
    assert torch.equal(copied(photo, mask)[0], loss(photo, mask)[0])
    with torch.no_grad():
        network.weight.zero_()
    assert not torch.equal(copied(photo, mask)[0], loss(photo, mask)[0])


def test_semantic_consistency_module_reaches_the_photo():
    parser = secgan.FaceParser(torch.nn.Conv2d(3, 12, 1), labels="secgan-12", normalization="none")
    photo = torch.rand(1, 3, 4, 4, requires_grad=True)
    image_term, _ = secgan.SemanticConsistency(parser)(photo, torch.zeros(1, 12, 4, 4).log_softmax(1))
    image_term.backward()
    assert photo.grad.abs().sum() > 0
