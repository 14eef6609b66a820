"""What the metric objects derive from: torchmetrics' Metric where that is installed, else the same in small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

import torch
from torch import nn


class OwnMetric(nn.Module):
    """The part of ``torchmetrics.Metric`` that one process needs: states, ``update``, ``compute``, ``reset``, a call
    for the batch's own value, and moving between devices. No synchronization across processes."""

    def __init__(self) -> None:
        super().__init__()
        self._defaults: dict[str, torch.Tensor | list[torch.Tensor]] = {}
        self._update_count = 0
        self._computed: Any = None

    def add_state(self, name: str, default: torch.Tensor | list[torch.Tensor], dist_reduce_fx: str | None = None) -> None:
        """Registers an attribute that :meth:`reset` sets back; a tensor that is summed, or an empty list."""
        self._defaults[name] = default.clone() if isinstance(default, torch.Tensor) else []
        setattr(self, name, default)

    def update(self, *_: Any, **__: Any) -> None:
        """Takes in a batch."""
        raise NotImplementedError

    def compute(self) -> Any:
        """The figure of all that was taken in."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forgets all that was taken in."""
        self._update_count = 0
        for name, default in self._defaults.items():
            if isinstance(default, torch.Tensor):
                setattr(self, name, default.clone().to(getattr(self, name).device))
            else:
                setattr(self, name, [])

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Takes in a batch and returns the figure of that batch alone."""
        before = {name: getattr(self, name) for name in self._defaults}
        count = self._update_count
        self.reset()
        try:
            self.update(*args, **kwargs)
            return self.compute()
        finally:
            for name, value in before.items():
                setattr(self, name, value + getattr(self, name))
            self._update_count += count

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> OwnMetric:
        super()._apply(fn)
        for name in self._defaults:
            state = getattr(self, name)
            # Of a change of dtype only the device is followed, as torchmetrics does: counts stay exact.
            setattr(self, name, [_moved(part, fn) for part in state] if isinstance(state, list) else _moved(state, fn))
        return self


def _moved(state: torch.Tensor, fn: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    return state.to(fn(torch.empty(0, device=state.device)).device)


if TYPE_CHECKING:
    from torchmetrics import Metric  # type: ignore[import-not-found, unused-ignore]
else:
    try:
        from torchmetrics import Metric
    except ImportError:
        Metric = OwnMetric
