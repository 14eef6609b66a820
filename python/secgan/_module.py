"""The shell that makes a C++ module a real ``torch.nn.Module``."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import nn


def _share_after_loading(module: NativeModule, incompatible_keys: Any) -> None:
    """``load_state_dict(assign=True)`` puts other tensors into the tree."""
    module._share()


class NativeModule(nn.Module):
    """A tree of plain modules that holds the C++ module's own tensors as parameters and buffers.

    state_dict, optimisers, ``.to()``, deepcopy, pickle, torch.compile and torch.export therefore work as for any
    module, and what Python changes in place C++ computes with. What cannot reach C++ (``functional_call``,
    parametrizations, pruning, a parameter put in another's place) is refused at the next call, never ignored.
    """

    _native_type: type

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self._native = self._native_type(json.dumps(options, allow_nan=False))
        self._share()
        self.register_load_state_dict_post_hook(_share_after_loading)

    def _share(self) -> None:
        """C++ takes over the values in the tree, and the tree holds C++'s tensors (again)."""
        self._slots: list[tuple[dict[str, Any], str, torch.Tensor, str]] = []
        for name, tensor, is_parameter in self._native.tensors():
            *path, last = name.split(".")
            owner: nn.Module = self
            for part in path:
                if part not in owner._modules:
                    owner.add_module(part, nn.Module())
                owner = owner._modules[part]  # type: ignore[assignment]
            slots: dict[str, Any] = owner._parameters if is_parameter else owner._buffers
            held = slots.get(last)
            if held is not None and held is not tensor:
                tensor.grad = None  # or a change of dtype is refused
                tensor.data = held.detach()
                tensor.requires_grad_(held.requires_grad)
                tensor.grad = held.grad
            if is_parameter:
                tensor._is_param = True  # nn.Parameter without a copy: the optimiser's tensor is C++'s tensor
            slots[last] = tensor
            self._slots.append((slots, last, tensor, name))
        self._send_modes()

    def _send_modes(self) -> None:
        # From the root down: layers without tensors are not in the tree and follow the nearest that is.
        for path, module in self.named_modules():
            self._native.train(path, module.training)
        self._sent_modes = [module.training for module in self.modules()]

    def _in_step(self) -> Any:
        """The C++ module, for a call."""
        if torch.compiler.is_compiling():  # torch.export puts stand-ins into the tree
            return self._native
        for slots, last, tensor, name in self._slots:
            if slots.get(last) is not tensor:
                raise RuntimeError(
                    f"tensor '{name}' was replaced, and C++ computes with the old one: change it in place, load it with "
                    "the network's load_state_dict, and move or convert the network as a whole"
                )
        if self._sent_modes != [module.training for module in self.modules()]:
            self._send_modes()
        return self._native

    @property
    def options(self) -> dict[str, Any]:
        """The network's options with every default filled in."""
        return json.loads(self._native.options())

    def train(self, mode: bool = True):  # noqa: ANN201
        super().train(mode)
        self._send_modes()
        return self

    def _apply(self, fn: Any, recurse: bool = True):  # noqa: ANN202
        super()._apply(fn, recurse)
        self._share()  # parameters were changed in place, buffers replaced
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_slots"]
        state["_native"] = self.options
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "_native": self._native_type(json.dumps(state["_native"]))})
        self._share()

    def __copy__(self) -> NativeModule:
        """Shares everything, as a shallow copy of any module does."""
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def extra_repr(self) -> str:
        count = sum(p.numel() for p in self.parameters())
        return f"{json.dumps(self.options)}, parameters={count}"
