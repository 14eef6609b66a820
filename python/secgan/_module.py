"""The shell that makes a C++ module a real ``torch.nn.Module``."""

from __future__ import annotations

import json
from typing import Any

from torch import nn


class NativeModule(nn.Module):
    """A tree of plain modules that holds the C++ module's own tensors as parameters and buffers.

    state_dict, optimisers, ``.to()``, deepcopy, pickle, torch.compile and torch.export therefore work as for any
    module, and what Python changes in place C++ computes with.
    """

    _native_type: type

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self._adopt(self._native_type(json.dumps(options)))

    def _adopt(self, native: Any) -> None:
        self._native = native
        for name, tensor, trainable in native.tensors():
            *path, last = name.split(".")
            owner: nn.Module = self
            for part in path:
                if part not in owner._modules:
                    owner.add_module(part, nn.Module())
                owner = owner._modules[part]  # type: ignore[assignment]
            if trainable:
                tensor._is_param = True  # nn.Parameter without a copy: the optimiser's tensor is C++'s tensor
                owner.register_parameter(last, tensor)
            else:
                owner.register_buffer(last, tensor)

    @property
    def options(self) -> dict[str, Any]:
        """The network's options with every default filled in."""
        return json.loads(self._native.options())

    def train(self, mode: bool = True):  # noqa: ANN201
        super().train(mode)
        self._native.train(mode)
        return self

    def _apply(self, fn: Any, recurse: bool = True):  # noqa: ANN202
        super()._apply(fn, recurse)
        # Parameters are changed in place, buffers are replaced.
        for name, buffer in self.named_buffers():
            self._native.set_buffer(name, buffer)
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {
            "options": self.options,
            "state": self.state_dict(),
            "training": self.training,
            "trained": {name for name, p in self.named_parameters() if p.requires_grad},
            "dtype": next(self.parameters()).dtype,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        nn.Module.__init__(self)
        self._adopt(self._native_type(json.dumps(state["options"])))
        self.to(state["dtype"])
        self.load_state_dict(state["state"])
        self.train(state["training"])
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name in state["trained"])

    def extra_repr(self) -> str:
        count = sum(p.numel() for p in self.parameters())
        return f"{json.dumps(self.options)}, parameters={count}"
