"""The metric objects of ``secgan.metrics``: torchmetrics' own kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

try:
    from torchmetrics import Metric
except ImportError as error:
    raise ImportError("metric objects are torchmetrics.Metric: install them with `pip install secgan[metrics]`") from error

from . import _core
from ._arguments import call, integer, label_tensor, names, path, tensor
from ._measures import Extractor, File, GaussianMoments, frechet_distance, load_moments


class _Measure(Metric):
    """What all metric objects share."""

    is_differentiable = False
    full_state_update = False
    _update_count: int

    def _settings(self) -> tuple[Any, ...]:
        """What must be equal for two objects to be merged."""
        return ()

    def merge(self, other: Any) -> None:
        """Adds what ``other`` has taken in, as if it had been taken in here afterwards.

        Raises:
            ValueError: another class or other settings.
        """
        if type(other) is not type(self) or other._settings() != self._settings():
            raise ValueError(
                f"{type(self).__name__}{self._settings()} cannot be merged with "
                f"{type(other).__name__}{getattr(other, '_settings', tuple)()}"
            )
        for name in self._defaults:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, list):
                mine.extend(theirs if isinstance(theirs, list) else [theirs])
            else:
                setattr(self, name, mine + theirs.to(mine.device))
        self._update_count += other._update_count
        self._computed = None


def _rows(state: Any) -> torch.Tensor:
    """A list state as one tensor; after a synchronization it is one already."""
    if isinstance(state, torch.Tensor):
        return state
    return torch.cat(state) if state else torch.empty(0, 1)


class _FeatureMeasure(_Measure):
    """Takes photos through an extractor, or features as they are."""

    def __init__(self, extractor: Extractor | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if extractor is not None and not callable(extractor):
            raise ValueError(f"extractor must be callable, found {type(extractor).__name__}")
        self.extractor = extractor

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        tensor(images, "images")
        if self.extractor is None:
            return images.detach()
        if images.dtype != torch.uint8 or images.dim() != 4 or images.shape[1] != 3:
            raise ValueError(f"images must be [N, 3, H, W] uint8 for the extractor, found {images.dtype} {list(images.shape)}")
        with torch.no_grad():
            return self.extractor(images).detach()


def _add_statistics(metric: Any, name: str, dims: int) -> None:
    for part, default in (
        ("count", torch.zeros((), dtype=torch.int64)),
        ("sum", torch.zeros(dims, dtype=torch.float64)),
        ("products", torch.zeros(dims, dims, dtype=torch.float64)),
    ):
        metric.add_state(f"{name}_{part}", default, dist_reduce_fx="sum")


def _statistics(metric: Any, name: str) -> Any:
    return _core.FeatureStatistics(*(getattr(metric, f"{name}_{part}") for part in ("count", "sum", "products")))


def _mean_and_deviation(native: _core.MeanDeviation) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(native.mean, dtype=torch.float64), torch.tensor(native.deviation, dtype=torch.float64)


def _check_dims(dims: int) -> None:
    if integer(dims, "dims") < 1:
        raise ValueError(f"dims must be positive, found {dims}")


class FeatureStatistics(_FeatureMeasure):
    """Mean and covariance of features, collected batch by batch; saved and loaded as pytorch-fid's ``.npz`` files.

    The state is additive (count, Σ x, Σ x xᵀ in float64): batches, order and processes do not matter.

    Args:
        dims: D, of the features.
        extractor: photos ``[N, 3, H, W]`` uint8 to features ``[N, D]``; None: :meth:`update` takes features.
        **kwargs: of ``torchmetrics.Metric``.

    Raises:
        ValueError: dims is not positive.
    """

    def __init__(self, dims: int = 2048, extractor: Extractor | None = None, **kwargs: Any) -> None:
        super().__init__(extractor, **kwargs)
        _check_dims(dims)
        self.dims = dims
        _add_statistics(self, "features", dims)

    def _settings(self) -> tuple[Any, ...]:
        return (self.dims,)

    def update(self, images: torch.Tensor) -> None:
        """Photos for the extractor, ``[N, 3, H, W]`` uint8, or features ``[N, D]``.

        Raises:
            ValueError: another shape or type, or features that are not finite.
        """
        _statistics(self, "features").update(self._features(images))

    def compute(self) -> GaussianMoments:
        """Mean, covariance and number of samples.

        Raises:
            ValueError: fewer than two samples.
        """
        moments = _statistics(self, "features").moments()
        return GaussianMoments(moments.mean, moments.covariance, moments.count)

    def save(self, file: File) -> None:
        """Writes ``mu``, ``sigma`` (what pytorch-fid reads) and ``count``, whole or not at all, over what is there.

        Raises:
            ValueError: fewer than two samples.
        """
        _core.save_moments(path(file, "file"), _core.GaussianMoments(*self.compute()))

    @classmethod
    def load(cls, file: File, extractor: Extractor | None = None) -> FeatureStatistics:
        """Continues from what :meth:`save` wrote.

        Raises:
            ValueError: the file carries no count, as pytorch-fid's: :func:`load_moments` reads it for comparisons.
            FileNotFoundError, RuntimeError: as :func:`load_moments`.
        """
        moments = load_moments(file)
        statistics = cls(moments.mean.numel(), extractor)
        _statistics(statistics, "features").resume(_core.GaussianMoments(*moments))
        statistics._update_count = 1
        return statistics


class FrechetDistance(_FeatureMeasure):
    """Fréchet distance between features of real and of generated photos (FID: Heusel et al., arXiv 1706.08500).

    Which distance it is, the extractor says: pytorch-fid's Inception network gives FID, SwAV's ResNet-50 ssFID. Metrics
    compare only for the same extractor, the same preparation of the photos and the same number of them.

    Args:
        extractor: photos ``[N, 3, H, W]`` uint8 to features ``[N, D]``; None: :meth:`update` takes features.
        dims: D, of the features.
        real: moments of the real photos, or the ``.npz`` file that holds them; None: they come through :meth:`update`.
        **kwargs: of ``torchmetrics.Metric``.

    Raises:
        ValueError: dims is not positive, or not that of ``real``.
        FileNotFoundError, RuntimeError: as :func:`load_moments`.
    """

    higher_is_better = False

    def __init__(
        self, extractor: Extractor | None = None, *, dims: int = 2048, real: GaussianMoments | File | None = None, **kwargs: Any
    ) -> None:
        super().__init__(extractor, **kwargs)
        _check_dims(dims)
        self.dims = dims
        self.real = real if real is None or isinstance(real, GaussianMoments) else load_moments(path(real, "real", "moments or a file"))
        if self.real is not None and self.real.mean.numel() != dims:
            raise ValueError(f"real must have dims = {dims} dimensions, found {self.real.mean.numel()}")
        if self.real is None:
            _add_statistics(self, "real", dims)
        _add_statistics(self, "generated", dims)

    def _settings(self) -> tuple[Any, ...]:
        return (self.dims, self.real is None)

    def update(self, images: torch.Tensor, real: bool) -> None:
        """Photos for the extractor, ``[N, 3, H, W]`` uint8, or features ``[N, D]``; ``real``: which side they belong to.

        Raises:
            ValueError: another shape or type, features that are not finite, or a real batch where ``real`` was given.
        """
        if real and self.real is not None:
            raise ValueError("the real side was given as moments: it takes no photos")
        _statistics(self, "real" if real else "generated").update(self._features(images))

    def compute(self) -> torch.Tensor:
        """The distance, a float64 scalar.

        Raises:
            ValueError: fewer than two samples on a side.
        """
        real = self.real if self.real is not None else _statistics(self, "real").moments()
        generated = _statistics(self, "generated").moments()
        distance = frechet_distance(real.mean, real.covariance, generated.mean, generated.covariance)
        return torch.tensor(distance, dtype=torch.float64)


class KernelDistance(_FeatureMeasure):
    """Kernel distance between features of real and of generated photos (KID: Bińkowski et al., arXiv 1801.01401).

    The unbiased squared MMD under (x·y / D + 1)³, averaged over random subsets; it can fall below 0. Holds all features.

    Args:
        extractor: photos ``[N, 3, H, W]`` uint8 to features ``[N, D]``; None: :meth:`update` takes features.
        subsets: how many estimates are averaged.
        subset_size: photos drawn from each side for one estimate, without replacement.
        seed: of the draws.
        **kwargs: of ``torchmetrics.Metric``.

    Raises:
        ValueError: subsets is not positive, or subset_size below 2.
    """

    higher_is_better = False
    real_features: list[torch.Tensor]
    generated_features: list[torch.Tensor]

    def __init__(
        self, extractor: Extractor | None = None, *, subsets: int = 100, subset_size: int = 1000, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(extractor, **kwargs)
        if integer(subsets, "subsets") < 1 or integer(subset_size, "subset_size") < 2:
            raise ValueError(f"subsets must be positive and subset_size at least 2, found {subsets} and {subset_size}")
        self.subsets, self.subset_size, self.seed = subsets, subset_size, seed
        self.add_state("real_features", [], dist_reduce_fx="cat")
        self.add_state("generated_features", [], dist_reduce_fx="cat")

    def _settings(self) -> tuple[Any, ...]:
        return (self.subsets, self.subset_size, self.seed)

    def update(self, images: torch.Tensor, real: bool) -> None:
        """Photos for the extractor, ``[N, 3, H, W]`` uint8, or features ``[N, D]``; ``real``: which side they belong to.

        Raises:
            ValueError: another type or shape of photos.
        """
        (self.real_features if real else self.generated_features).append(self._features(images))

    def compute(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation (divided by ``subsets``) over the subsets, float64 scalars.

        Raises:
            ValueError: a side smaller than a subset, features of two widths, or not finite.
        """
        return _mean_and_deviation(
            _core.kernel_distance(_rows(self.real_features), _rows(self.generated_features), self.subsets, self.subset_size, self.seed)
        )


class InceptionScore(_FeatureMeasure):
    """Inception score of generated photos (Salimans et al., arXiv 1606.03498).

    The exp of the mean KL divergence of p(class | photo) from its mean. The splits are stretches of the photos in the order in
    which they came. Holds all logits.

    Args:
        extractor: photos ``[N, 3, H, W]`` uint8 to logits ``[N, K]``; None: :meth:`update` takes logits.
        splits: parts that are scored apart.
        **kwargs: of ``torchmetrics.Metric``.

    Raises:
        ValueError: splits is not positive.
    """

    higher_is_better = True
    logits: list[torch.Tensor]

    def __init__(self, extractor: Extractor | None = None, *, splits: int = 10, **kwargs: Any) -> None:
        super().__init__(extractor, **kwargs)
        if integer(splits, "splits") < 1:
            raise ValueError(f"splits must be positive, found {splits}")
        self.splits = splits
        self.add_state("logits", [], dist_reduce_fx="cat")

    def _settings(self) -> tuple[Any, ...]:
        return (self.splits,)

    def update(self, images: torch.Tensor) -> None:
        """Photos for the extractor, ``[N, 3, H, W]`` uint8, or logits ``[N, K]``.

        Raises:
            ValueError: another type or shape of photos.
        """
        self.logits.append(self._features(images))

    def compute(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation (divided by ``splits``) over the splits, float64 scalars.

        Raises:
            ValueError: fewer photos than splits, logits of two widths, or not finite.
        """
        return _mean_and_deviation(_core.inception_score(_rows(self.logits), self.splits))


_NAMES = "a count or a list of names"


class AttributeRecognition(_Measure):
    """Target attribute recognition rate (TARR).

    The share of asked-for attributes that an independent classifier finds in the edits. On unedited photos and their labels: the
    classifier's accuracy.

    Args:
        attributes: how many, or their names.
        **kwargs: of ``torchmetrics.Metric``.

    Raises:
        ValueError: no attribute, a name given twice, the name "mean", or one name in place of a list.
    """

    higher_is_better = True
    attribute_right: torch.Tensor
    attribute_total: torch.Tensor

    def __init__(self, attributes: int | Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(attributes, Iterable):
            given = names(attributes, "attributes", _NAMES)
        else:
            given = [str(index) for index in range(integer(attributes, "attributes", _NAMES))]
        if not given or len(set(given)) < len(given) or "mean" in given:
            raise ValueError(f"attributes must be different names, at least one, none of them 'mean', found {attributes}")
        self.attributes = given
        for state in ("attribute_right", "attribute_total"):
            self.add_state(state, torch.zeros(len(given), dtype=torch.int64), dist_reduce_fx="sum")

    def _settings(self) -> tuple[Any, ...]:
        return tuple(self.attributes)

    def _counts(self) -> Any:
        return _core.LabelAgreement(self.attribute_right, self.attribute_total)

    def update(self, logits: torch.Tensor, wanted: torch.Tensor) -> None:
        """The classifier's logits ``[N, A]`` and what was asked for, ``[N, A]``: 0 or 1; NaN where nothing was asked.

        Raises:
            ValueError: other shapes, other labels, or a NaN among the logits.
        """
        call(self._counts().update, logits, label_tensor(wanted, "wanted", or_nan=True))

    def compute(self) -> dict[str, torch.Tensor]:
        """Rate by attribute (NaN where nothing was asked) and their ``"mean"``, each attribute with equal weight."""
        counts = self._counts()
        rates = dict(zip(["mean", *self.attributes], [counts.mean(), *counts.rates()], strict=False))
        return {name: torch.tensor(rate, dtype=torch.float64) for name, rate in rates.items()}


class MaskAgreement(_Measure):
    """Intersection over union and pixel accuracy of segmentations.

    Args:
        classes: how many.
        **kwargs: of ``torchmetrics.Metric``.

    Raises:
        ValueError: classes is not positive.
    """

    higher_is_better = True
    pixel_counts: torch.Tensor

    def __init__(self, classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if integer(classes, "classes") < 1:
            raise ValueError(f"classes must be positive, found {classes}")
        self.add_state("pixel_counts", torch.zeros(classes, classes, dtype=torch.int64), dist_reduce_fx="sum")

    def _settings(self) -> tuple[Any, ...]:
        return (self.pixel_counts.shape[0],)

    def _counts(self) -> Any:
        return _core.MaskAgreement(self.pixel_counts)

    def update(self, predicted: torch.Tensor, truth: torch.Tensor) -> None:
        """Class ids, integers of one shape.

        Raises:
            ValueError: two shapes, another type, or an id outside the classes.
        """
        call(self._counts().update, predicted, truth)

    def compute(self) -> dict[str, torch.Tensor]:
        """``iou`` ``[K]`` (NaN for classes that occur in neither), ``mean_iou`` of those that occur, ``pixel_accuracy``."""
        counts = self._counts()
        metrics = {"iou": counts.iou(), "mean_iou": counts.mean_iou(), "pixel_accuracy": counts.pixel_accuracy()}
        return {name: torch.tensor(metric, dtype=torch.float64) for name, metric in metrics.items()}


class _ImageMean(_Measure):
    """Mean over images of what ``_measure`` says of two batches of them."""

    higher_is_better = True
    #: Of the states. Metrics whose states are named alike are taken for one by a ``MetricCollection``.
    _name: str
    _measure: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state(f"{self._name}_sum", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state(f"{self._name}_count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, images: torch.Tensor, references: torch.Tensor) -> None:
        """Two batches ``[N, C, H, W]``, floating, in [-1, 1]; sides of at least 11 for the structural similarity.

        Raises:
            ValueError: other shapes, integers, or values outside the range.
        """
        values = type(self)._measure(tensor(images, "images").detach(), tensor(references, "references").detach())
        total, count = f"{self._name}_sum", f"{self._name}_count"
        setattr(self, total, getattr(self, total) + values.sum().to(getattr(self, total).device))
        setattr(self, count, getattr(self, count) + values.numel())

    def compute(self) -> torch.Tensor:
        """The mean, a float64 scalar; NaN before the first image."""
        return getattr(self, f"{self._name}_sum") / getattr(self, f"{self._name}_count")


class PeakSignalToNoise(_ImageMean):
    """Mean over images of 10 log10(4 / MSE) in dB, for values in [-1, 1]; infinite once two images are equal.

    Not the same as the ratio of the pooled error, which torchmetrics' ``PeakSignalNoiseRatio`` reports by default.
    """

    _name = "psnr"
    _measure = staticmethod(_core.psnr)


class StructuralSimilarity(_ImageMean):
    """Mean over images of the structural similarity (Wang et al. 2004).

    Gaussian windows of 11 × 11, σ 1.5, inside the image, K1 0.01, K2 0.03, for values in [-1, 1]; in [-1, 1], 1 for equal images.
    """

    _name = "ssim"
    _measure = staticmethod(_core.structural_similarity)
