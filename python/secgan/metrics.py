"""Measures of edits, as functions and as metric objects. Formulas, sources and traps: docs/metrics.md.

Metric objects are ``torchmetrics.Metric`` (``pip install secgan[metrics]``): ``update(...)``, ``compute()``, ``reset()``, and
``merge(other)``; they go into a ``MetricCollection``, move with ``.to(device)`` and are summed across processes. Functions,
moments and :class:`Bootstrap` need no torchmetrics. The arithmetic is C++ and float64.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._measures import Bootstrap, GaussianMoments, Interval, frechet_distance, load_moments

__all__ = [
    "AttributeRecognition",
    "Bootstrap",
    "FeatureStatistics",
    "FrechetDistance",
    "GaussianMoments",
    "InceptionScore",
    "Interval",
    "KernelDistance",
    "MaskAgreement",
    "PeakSignalToNoise",
    "StructuralSimilarity",
    "frechet_distance",
    "load_moments",
]

if TYPE_CHECKING:
    from ._metric_objects import (
        AttributeRecognition,
        FeatureStatistics,
        FrechetDistance,
        InceptionScore,
        KernelDistance,
        MaskAgreement,
        PeakSignalToNoise,
        StructuralSimilarity,
    )
else:

    def __getattr__(name: str) -> Any:
        """Metric objects are loaded when they are first used: functions need no torchmetrics."""
        if name in __all__:  # what is offered and not here yet
            return getattr(importlib.import_module("._metric_objects", __package__), name)
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
