"""The measures against NumPy, SciPy, scikit-image and and torchmetrics."""

import copy
import math
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

import secgan
from secgan import metrics


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def photos(n, seed=0, side=16):
    return torch.randint(0, 256, (n, 3, side, side), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


class Features(torch.nn.Module):
    """A stand-in for a feature network: photos uint8 to [N, 6]."""

    num_features = 6

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(normal(3 * 16 * 16, 6, seed=9).float())

    def forward(self, x):
        return (x.flatten(1).to(self.weight) / 127.5 - 1) @ self.weight / 8


def moments(x):
    return x.mean(0), np.cov(x, rowvar=False)


# Fréchet distance


def pytorch_fid(mu1, sigma1, mu2, sigma2):
    """pytorch-fid's arithmetic: the root of the non-symmetric product, its real part."""
    linalg = pytest.importorskip("scipy.linalg")
    root = linalg.sqrtm(sigma1 @ sigma2)
    return ((mu1 - mu2) ** 2).sum() + np.trace(sigma1) + np.trace(sigma2) - 2 * np.trace(root).real


@pytest.mark.parametrize(("dims", "samples", "tolerance"), [(3, 50, 1e-12), (64, 300, 1e-12), (64, 20, 1e-6)])
def test_the_distance_is_pytorch_fids(dims, samples, tolerance):
    x, y = normal(samples, dims, seed=1).numpy(), (normal(samples + 3, dims, seed=2).numpy() @ normal(dims, dims, seed=3).numpy() + 0.5)
    a, b = moments(x), moments(y)
    assert metrics.frechet_distance(*a, *b) == pytest.approx(pytorch_fid(*a, *b), rel=tolerance)
    assert metrics.frechet_distance(*map(torch.from_numpy, (*a, *b))) == metrics.frechet_distance(*a, *b)
    assert metrics.frechet_distance(a[0].astype("float32"), np.asfortranarray(a[1]), *b) == pytest.approx(
        metrics.frechet_distance(*a, *b), rel=1e-6
    )


def test_wrong_moments_are_refused():
    eye, zero = np.eye(2), np.zeros(2)
    for arguments, message in (
        ((zero, np.eye(3), zero, eye), "covariance1 must be"),
        ((zero, eye, zero, np.array([[1, 0.5], [0, 1]])), "covariance2 is not symmetric"),
        ((zero, eye, zero + np.nan, eye), "mean2 must be finite"),
    ):
        with pytest.raises(ValueError, match=message):
            metrics.frechet_distance(*arguments)


# Feature statistics and their files


def test_statistics_are_numpys():
    x = normal(40, 5, seed=4) * 3 + 1
    statistics = metrics.FeatureStatistics(5)
    for batch in x.split(7):
        statistics.update(batch)
    mean, covariance, samples = statistics.compute()
    assert samples == 40 and covariance.dtype == torch.float64
    np.testing.assert_allclose(mean, x.numpy().mean(0), atol=1e-14)
    np.testing.assert_allclose(covariance, np.cov(x.numpy(), rowvar=False), atol=1e-13)
    with pytest.raises(ValueError, match="at least 2 samples"):
        metrics.FeatureStatistics(5).compute()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", [np.ascontiguousarray, np.asfortranarray])
def test_numpys_files_are_read(tmp_path, dtype, save, order):
    mu, sigma = moments(normal(30, 7, seed=5).numpy())
    sigma[0, 1] += 1  # not symmetric: a transposed reading shows
    save(tmp_path / "real.npz", mu=mu.astype(dtype), sigma=order(sigma.astype(dtype)), note="text", more=np.zeros(3, np.uint8)[:0])
    read = metrics.load_moments(tmp_path / "real.npz")
    assert read.samples is None
    np.testing.assert_array_equal(read.mean, mu.astype(dtype))
    np.testing.assert_array_equal(read.covariance, sigma.astype(dtype))
    with pytest.raises(ValueError, match="no count"):
        metrics.FeatureStatistics.load(tmp_path / "real.npz")


def test_numpy_reads_ours_and_we_go_on_from_it(tmp_path):
    x, y = normal(12, 4, seed=6), normal(9, 4, seed=7)
    statistics = metrics.FeatureStatistics(4)
    statistics.update(x)
    statistics.save(tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as file:
        assert sorted(file) == ["count", "mu", "sigma"] and file["count"] == 12
        np.testing.assert_array_equal(file["mu"][:], statistics.compute().mean)
        np.testing.assert_array_equal(file["sigma"][:], statistics.compute().covariance)
    assert zipfile.ZipFile(tmp_path / "x.npz").testzip() is None
    loaded = metrics.FeatureStatistics.load(tmp_path / "x.npz")
    loaded.update(y)
    np.testing.assert_allclose(loaded.compute().covariance, np.cov(torch.cat([x, y]).numpy(), rowvar=False), atol=1e-14)


def test_damaged_files_are_refused_in_one_line(tmp_path):
    file = tmp_path / "s.npz"
    np.savez_compressed(file, mu=np.zeros(4), sigma=np.eye(4))
    whole = file.read_bytes()
    cases = [whole[:size] for size in range(0, len(whole), 13)] + [whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], b"", b"PK\x03\x04"]
    for damaged in cases:
        file.write_bytes(damaged)
        with pytest.raises(RuntimeError, match=r"s\.npz") as error:
            metrics.load_moments(file)
        assert "\n" not in str(error.value)
    np.savez(file, mu=np.zeros(4))
    with pytest.raises(RuntimeError, match="no array 'sigma'"):
        metrics.load_moments(file)
    np.savez(file, mu=np.array([print], dtype=object), sigma=np.eye(1))
    with pytest.raises(RuntimeError, match="Python objects, which are never read"):
        metrics.load_moments(file)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("mu.npy", b"\x93NUMPY")
    with pytest.raises(RuntimeError, match="compression method 12 is not supported"):
        metrics.load_moments(file)
    with pytest.raises(FileNotFoundError):
        metrics.load_moments(tmp_path / "none.npz")


# Images


@pytest.mark.parametrize("side", [(11, 11), (37, 52)])
def test_images_compare_as_in_scikit_image(side):
    skimage = pytest.importorskip("skimage.metrics")
    a = torch.rand(3, 3, *side, generator=torch.Generator().manual_seed(8)) * 2 - 1
    b = (a + 0.2 * normal(*a.shape, seed=9).float()).clamp(-1, 1)
    ssim, psnr = metrics.StructuralSimilarity(), metrics.PeakSignalToNoise()
    for metric in (ssim, psnr):
        metric.update(a[:1], b[:1])
        metric.update(a[1:], b[1:])
    pairs = [(x.double().numpy(), y.double().numpy()) for x, y in zip(a, b, strict=False)]
    expected = [
        skimage.structural_similarity(x, y, channel_axis=0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=2)
        for x, y in pairs
    ]
    assert ssim.compute().item() == pytest.approx(np.mean(expected), abs=1e-12)
    expected = [skimage.peak_signal_noise_ratio(x, y, data_range=2) for x, y in pairs]
    assert psnr.compute().item() == pytest.approx(np.mean(expected), abs=1e-10)


# torchmetrics' own implementations


def test_figures_are_torchmetrics_own():
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.inception import InceptionScore
    from torchmetrics.image.kid import KernelInceptionDistance

    network, real, generated = Features(), photos(40, seed=10), photos(50, seed=11) // 2
    ours = metrics.FrechetDistance(network, dims=6)
    theirs = FrechetInceptionDistance(feature=Features(), normalize=False)
    theirs.set_dtype(torch.float64)
    for metric in (ours, theirs):
        metric.update(real, real=True)
        metric.update(generated, real=False)
    assert ours.compute().item() == pytest.approx(theirs.compute().item(), rel=1e-4)

    ours = metrics.KernelDistance(network, subsets=1, subset_size=40)
    theirs = KernelInceptionDistance(feature=network, subsets=1, subset_size=40)
    for metric in (ours, theirs):
        metric.update(real, real=True)
        metric.update(generated[:40], real=False)
    assert ours.compute()[0].item() == pytest.approx(theirs.compute()[0].item(), rel=1e-4)

    ours, theirs = metrics.InceptionScore(network, splits=1), InceptionScore(feature=network, splits=1)
    for metric in (ours, theirs):
        metric.update(generated)
    assert ours.compute()[0].item() == pytest.approx(theirs.compute()[0].item(), rel=1e-5)


def test_they_go_into_a_collection():
    from torchmetrics import Metric, MetricCollection

    a, b = normal(4, 3, 16, 16, seed=12).clamp(-1, 1), normal(4, 3, 16, 16, seed=13).clamp(-1, 1)
    collection = MetricCollection({"ssim": metrics.StructuralSimilarity(), "psnr": metrics.PeakSignalToNoise()})
    for _ in range(2):
        collection.update(a, b)
    figures = collection.compute()
    alone = metrics.StructuralSimilarity()
    alone.update(a, b)
    assert figures["ssim"].item() == pytest.approx(alone.compute().item()) and figures["psnr"].item() > 0
    assert isinstance(alone, Metric)
    recognition = MetricCollection([metrics.AttributeRecognition(["Bald", "Young"])])
    recognition.update(torch.tensor([[1.0, -1.0]]), torch.tensor([[1.0, 1.0]]))
    assert {name: value.item() for name, value in recognition.compute().items()} == {"mean": 0.5, "Bald": 1.0, "Young": 0.0}


RANK = """
import sys, torch, torch.distributed as dist
from secgan import metrics
rank = int(sys.argv[1])
dist.init_process_group("gloo", init_method="file://" + sys.argv[2], rank=rank, world_size=2)
g = torch.Generator().manual_seed(0)
x, y, pixels = torch.randn(30, 4, generator=g), torch.randn(26, 4, generator=g) + 1, torch.randint(0, 3, (30, 5), generator=g)
mine = slice(0, 11) if rank == 0 else slice(11, None)
def figures(part):
    f, k, s = metrics.FrechetDistance(dims=4), metrics.KernelDistance(subsets=1, subset_size=26), metrics.InceptionScore(splits=2)
    m, r = metrics.MaskAgreement(3), metrics.AttributeRecognition(4)
    for metric in (f, k):
        metric.update(x[:26][part], real=True)
        metric.update(y[part], real=False)
    s.update(x[part])
    m.update(pixels[part], (pixels[part] + pixels[part] ** 2) % 3)
    r.update(x[part], (x[part] > 0.3).float())
    return torch.stack([f.compute(), *k.compute(), *s.compute(), m.compute()["mean_iou"], r.compute()["mean"]])
together = figures(mine)
dist.destroy_process_group()
alone = figures(slice(None))
assert torch.allclose(together, alone, rtol=1e-12, atol=1e-12), (together, alone)
"""


def test_two_processes_find_what_one_does(tmp_path):
    ranks = [
        subprocess.Popen([sys.executable, "-c", RANK, str(rank), str(tmp_path / "meet")], stderr=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    for rank in ranks:
        _, errors = rank.communicate(timeout=300)
        assert rank.returncode == 0, errors


# The objects.


def either_recognition():
    metric = metrics.AttributeRecognition(3)
    return metric, [(normal(5, 3, seed=s), torch.tensor([[1.0, 0.0, math.nan]]).expand(5, 3)) for s in range(4)]


def either_masks():
    return metrics.MaskAgreement(4), [
        tuple(torch.randint(0, 4, (2, 3, 6, 6), generator=torch.Generator().manual_seed(s))) for s in range(4)
    ]


def either_images(kind):
    return kind(), [tuple((normal(2, 3, 3, 12, 12, seed=s) / 3).clamp(-1, 1)) for s in range(4)]


EITHER = {
    "statistics": lambda: (metrics.FeatureStatistics(4), [(normal(5, 4, seed=s),) for s in range(4)]),
    "frechet": lambda: (metrics.FrechetDistance(dims=4), [(normal(9, 4, seed=s) + s, s % 2 == 0) for s in range(4)]),
    "kernel": lambda: (metrics.KernelDistance(subsets=7, subset_size=5), [(normal(9, 4, seed=s) + s, s % 2 == 0) for s in range(4)]),
    "inception": lambda: (metrics.InceptionScore(splits=3), [(normal(5, 4, seed=s),) for s in range(4)]),
    "recognition": either_recognition,
    "masks": either_masks,
    "psnr": lambda: either_images(metrics.PeakSignalToNoise),
    "ssim": lambda: either_images(metrics.StructuralSimilarity),
}


def numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    parts = value if isinstance(value, (tuple, list)) else [value]
    return torch.cat([torch.as_tensor(part, dtype=torch.float64).flatten() for part in parts])


def filled(name, indices):
    metric, batches = EITHER[name]()
    for index in indices:
        metric.update(*batches[index])
    return metric


@pytest.mark.parametrize("name", EITHER)
def test_either_way_parts_merge_to_the_whole(name):
    whole = numbers(filled(name, range(4)).compute())
    for cut in range(5):
        merged = filled(name, range(cut))
        merged.merge(filled(name, range(cut, 4)))
        torch.testing.assert_close(numbers(merged.compute()), whole, rtol=1e-11, atol=1e-11, equal_nan=True)
    merged = filled(name, range(2))
    merged.compute()  # a cached figure must not survive the merge
    merged.merge(filled(name, range(2, 4)))
    torch.testing.assert_close(numbers(merged.compute()), whole, rtol=1e-11, atol=1e-11, equal_nan=True)


@pytest.mark.parametrize("name", EITHER)
def test_either_way_reset_forgets_and_copies_are_apart(name):
    metric = filled(name, range(4))
    whole = numbers(metric.compute())
    twin, thawed = copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))
    metric.reset()
    _, batches = EITHER[name]()
    for batch in batches:
        metric.update(*batch)
    for other in (metric, twin, thawed):
        torch.testing.assert_close(numbers(other.compute()), whole, equal_nan=True)
    fresh, _ = EITHER[name]()
    fresh.merge(metric)  # merging must not empty or tie the other
    fresh.update(*batches[0])
    torch.testing.assert_close(numbers(metric.compute()), whole, equal_nan=True)


@pytest.mark.parametrize("name", ["statistics", "inception", "recognition", "masks", "psnr", "ssim"])
def test_either_way_a_call_gives_the_batchs_figure_and_keeps_it(name):
    metric, batches = EITHER[name]()
    for index, batch in enumerate(batches):
        torch.testing.assert_close(
            numbers(metric(*batch)), numbers(filled(name, [index]).compute()), rtol=1e-11, atol=1e-11, equal_nan=True
        )
    if name != "inception":  # torchmetrics' call puts the new batch first, and the splits follow the order
        torch.testing.assert_close(
            numbers(metric.compute()), numbers(filled(name, range(4)).compute()), rtol=1e-11, atol=1e-11, equal_nan=True
        )


@pytest.mark.parametrize("name", EITHER)
def test_either_way_other_settings_do_not_merge(name):
    metric, _ = EITHER[name]()
    others = [
        metrics.FeatureStatistics(5),
        metrics.FrechetDistance(dims=5),
        metrics.KernelDistance(subsets=7, subset_size=6),
        metrics.InceptionScore(splits=2),
        metrics.AttributeRecognition(["a", "b", "c"]),
        metrics.MaskAgreement(5),
    ]
    for other in others:
        with pytest.raises(ValueError, match="cannot be merged"):
            metric.merge(other)


def test_either_way_states_follow_a_device_and_keep_their_types():
    metric = filled("statistics", range(2)).to("meta")
    assert metric.features_sum.device.type == "meta"
    metric = filled("statistics", range(2)).half()
    assert metric.features_sum.dtype == torch.float64 and metric.compute().samples == 10


def test_either_way_extractors_take_bytes():
    network = Features()
    real, generated = photos(9, seed=20), photos(8, seed=21)
    distance = metrics.FrechetDistance(network, dims=6)
    distance.update(real, real=True)
    distance.update(generated, real=False)
    expected = metrics.frechet_distance(
        *moments(network(real).detach().double().numpy()), *moments(network(generated).detach().double().numpy())
    )
    assert distance.compute().item() == pytest.approx(expected, rel=1e-9)
    assert distance.compute().dtype == torch.float64
    for wrong in (real.float() / 255, real[:, :1], network(real)):
        with pytest.raises(ValueError, match=r"images must be \[N, 3, H, W\] uint8"):
            distance.update(wrong, real=True)
    with pytest.raises(ValueError, match="extractor must be callable"):
        metrics.InceptionScore("inception")


def test_either_way_the_real_side_may_come_from_a_file(tmp_path):
    real, generated = normal(30, 4, seed=22), normal(30, 4, seed=23) + 1
    statistics = metrics.FeatureStatistics(4)
    statistics.update(real)
    statistics.save(tmp_path / "real.npz")
    whole = metrics.FrechetDistance(dims=4)
    whole.update(real, real=True)
    for given in (tmp_path / "real.npz", str(tmp_path / "real.npz"), statistics.compute()):
        distance = metrics.FrechetDistance(dims=4, real=given)
        distance.update(generated, real=False)
        whole_now = copy.deepcopy(whole)
        whole_now.update(generated, real=False)
        assert distance.compute().item() == pytest.approx(whole_now.compute().item(), rel=1e-12)
        with pytest.raises(ValueError, match="the real side was given"):
            distance.update(real, real=True)
        distance.reset()
        with pytest.raises(ValueError, match="at least 2 samples"):
            distance.compute()
    with pytest.raises(ValueError, match="dims = 5"):
        metrics.FrechetDistance(dims=5, real=statistics.compute())


def test_either_way_wrong_settings_are_refused():
    for make in (
        lambda: metrics.FeatureStatistics(0),
        lambda: metrics.FrechetDistance(dims=0),
        lambda: metrics.KernelDistance(subset_size=1),
        lambda: metrics.InceptionScore(splits=0),
        lambda: metrics.MaskAgreement(0),
        lambda: metrics.AttributeRecognition(0),
        lambda: metrics.AttributeRecognition(["a", "a"]),
        lambda: metrics.AttributeRecognition(["mean"]),
    ):
        with pytest.raises(ValueError, match="must be|at least"):
            make()
    distance = metrics.KernelDistance(subset_size=5)
    for side in (True, False):
        distance.update(normal(4, 3), real=side)
    with pytest.raises(ValueError, match="at least 5 rows, found 4"):
        distance.compute()


def test_without_torchmetrics_the_functions_work_and_an_object_says_what_is_missing():
    script = (
        "import sys; sys.modules['torchmetrics'] = None\n"
        "import torch\nfrom secgan import metrics\n"
        "distance = metrics.frechet_distance(torch.zeros(2), torch.eye(2), torch.ones(2), torch.eye(2))\n"
        "print(distance, metrics.Bootstrap(3, 5).weights.shape)\n"
        "try:\n    metrics.FrechetDistance\nexcept ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    distance, missing = done.stdout.splitlines()
    assert distance == "2.0 torch.Size([5, 3])"
    assert missing == "metric objects are torchmetrics.Metric: install them with `pip install secgan[metrics]`"


def test_importing_the_package_does_not_import_torchmetrics():
    script = "import sys, secgan; assert 'torchmetrics' not in sys.modules and 'metrics' in dir(secgan); secgan.metrics.frechet_distance"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
    with pytest.raises(AttributeError, match="no attribute 'metricks'"):
        _ = secgan.metricks


def test_bootstrap_intervals():
    values = normal(200, seed=24)
    bootstrap = metrics.Bootstrap(200, resamples=500, seed=3)
    interval = bootstrap.mean(values)
    assert interval.value == pytest.approx(values.mean().item()) and interval.photos == 200
    low, high = np.percentile((bootstrap.weights @ values / 200).numpy(), [2.5, 97.5])
    assert (interval.low, interval.high) == pytest.approx((low, high))
    right, total = (values > 0).double(), torch.ones(200, dtype=torch.float64)
    assert bootstrap.ratio(right, total).value == pytest.approx((values > 0).double().mean().item())
    assert bootstrap.mean_ratio(torch.stack([right, total], 1), torch.stack([total, total], 1)).value == pytest.approx(
        (right.mean().item() + 1) / 2
    )
    assert bootstrap.interval(1, torch.zeros(500), 200) == metrics.Interval(1, 0, 0, 200)
    with pytest.raises(ValueError, match="level"):
        metrics.Bootstrap(3, level=1.5)


def test_every_object_says_what_it_is():
    for name in metrics.__all__:
        thing = getattr(metrics, name)
        assert thing.__doc__, name
        for attribute, member in vars(thing).items() if isinstance(thing, type) else ():
            if not attribute.startswith("_") and callable(member):
                assert member.__doc__, f"{name}.{attribute}"
