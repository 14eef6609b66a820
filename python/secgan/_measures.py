"""The part of ``secgan.metrics`` that needs no torchmetrics: functions, moments, the bootstrap."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple, Union

import numpy
import torch

from . import _core
from ._arguments import call, path, shown

#: Photos ``[N, 3, H, W]`` uint8 to features ``[N, D]``: a network with the resizing and scaling that belongs to it.
Extractor = Callable[[torch.Tensor], torch.Tensor]
File = Union[str, "os.PathLike[str]"]


class GaussianMoments(NamedTuple):
    """A Gaussian fitted to features."""

    mean: torch.Tensor  #: ``[D]`` float64
    covariance: torch.Tensor  #: ``[D, D]`` float64, divided by samples − 1
    samples: int | None  #: how many; None from pytorch-fid's files: to be compared, not merged


def load_moments(file: File) -> GaussianMoments:
    """Reads ``mu`` and ``sigma`` as pytorch-fid saves them in .npz files, and ``count`` where it is there.

    Raises:
        FileNotFoundError: there is none.
        RuntimeError: it is damaged, or holds something else; the message names file and array.
    """
    moments = _core.load_moments(path(file, "file"))
    return GaussianMoments(moments.mean, moments.covariance, moments.count)


def _array(values: Any, what: str) -> torch.Tensor:
    if isinstance(values, torch.Tensor):
        return values
    try:
        if numpy.iscomplexobj(values):
            raise TypeError("a part of them would be lost")
        return torch.tensor(numpy.asarray(values, dtype=numpy.float64))
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be an array of numbers, found {shown(values)}") from None


def frechet_distance(mu1: Any, sigma1: Any, mu2: Any, sigma2: Any) -> float:
    """Fréchet distance of two Gaussians, |μ1 − μ2|² + tr Σ1 + tr Σ2 − 2 tr √(Σ1 Σ2): FID, ssFID.

    The trace of the root is computed from symmetric factors, exactly also for singular covariances, and the result is never
    negative. pytorch-fid's ``calculate_frechet_distance`` agrees to the digits that its root of a non-symmetric matrix has.

    Args:
        mu1, mu2: ``[D]``, tensors or arrays.
        sigma1, sigma2: ``[D, D]``, symmetric, positive semi-definite.

    Raises:
        ValueError: other shapes, values that are not finite, a matrix that is no covariance; the message names the argument.
    """
    arguments = {"mu1": mu1, "sigma1": sigma1, "mu2": mu2, "sigma2": sigma2}
    return _core.frechet_distance(*(_array(values, what) for what, values in arguments.items()))


class Interval(NamedTuple):
    """A metric with the interval in which it lies."""

    value: float  #: of all photos
    low: float  #: NaN where no resample has the metric
    high: float  #: the other end
    photos: int  #: that it was computed from


def _interval(native: Any) -> Interval:
    return Interval(native.value, native.low, native.high, native.count)


class Bootstrap:
    """Resamples of a set of photos, drawn once: percentile intervals (Efron 1979) of metrics made of sums over photos.

    The interval knows the photos' spread only, not another training run's.

    Args:
        photos: N.
        resamples: R.
        seed: the same seed gives the same resamples.
        level: share of the resamples inside an interval.

    Raises:
        ValueError: photos or resamples are not positive, the seed is negative, or level lies outside (0, 1).
    """

    def __init__(self, photos: int, resamples: int = 1000, seed: int = 0, level: float = 0.95) -> None:
        self._native = call(_core.Bootstrap, photos, resamples, seed, level)

    @property
    def weights(self) -> torch.Tensor:
        """``[R, N]`` float64: how often each photo is in a resample."""
        return self._native.weights()

    def interval(self, value: float, resampled: torch.Tensor, count: int) -> Interval:
        """Of any metric: its value for all photos, and ``[R]`` for every resample (NaN where it has none)."""
        return _interval(call(self._native.interval, value, resampled, count))

    def mean(self, values: torch.Tensor) -> Interval:
        """Of the mean of ``[N]`` values."""
        return _interval(call(self._native.mean, values))

    def ratio(self, numerators: torch.Tensor, denominators: torch.Tensor) -> Interval:
        """Of Σ numerators / Σ denominators, ``[N]`` each; both 0 for a photo that has no say."""
        return _interval(call(self._native.ratio, numerators, denominators))

    def mean_ratio(self, numerators: torch.Tensor, denominators: torch.Tensor) -> Interval:
        """Of the mean over attributes of Σ numerators / Σ denominators, ``[N, A]`` each; those without denominator are left out."""
        return _interval(call(self._native.mean_ratio, numerators, denominators))
