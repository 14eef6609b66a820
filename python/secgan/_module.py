"""The shell that makes a C++ module a real ``torch.nn.Module``."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn.utils import parametrize

from ._arguments import call


@contextlib.contextmanager
def _in_place() -> Iterator[None]:
    """Changes tensors in place where ``torch.__future__`` asks to swap them: what C++ holds too cannot be swapped."""
    swap = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(False)
    try:
        yield
    finally:
        torch.__future__.set_swap_module_params_on_conversion(swap)


class _Layer(nn.Module):
    """A node of the tree that holds tensors of C++'s."""

    def _load_from_state_dict(self, *arguments: Any) -> None:
        with _in_place():
            super()._load_from_state_dict(*arguments)

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        with _in_place():
            return super()._apply(fn, recurse)


def _share_after_loading(module: NativeModule, incompatible_keys: Any) -> None:
    """``load_state_dict(assign=True)`` puts other tensors into the tree."""
    module._share()


Module = TypeVar("Module", bound="NativeModule")


class NativeModule(_Layer):
    """A tree of plain modules that holds the C++ module's own tensors as parameters and buffers.

    state_dict, optimizers, ``.to()``, deepcopy, pickle, torch.compile and torch.export therefore work as for any
    module, and what Python changes in place C++ computes with. Tensors put in others' places (``functional_call``,
    parametrizations) are lent to C++ for the call. What cannot reach C++ (pruning by hooks, a tensor taken away) is
    refused at the next call, never ignored.
    """

    _native_type: Any

    def __init__(self, native: Any) -> None:
        super().__init__()
        self._adopt(native)

    @classmethod
    def _wrap(cls, native: Any) -> Any:
        """A module in evaluation mode around a C++ one that is there already."""
        module = cls.__new__(cls)
        nn.Module.__init__(module)
        module._adopt(native)
        return module.eval()

    def _adopt(self, native: Any) -> None:
        self._native = native
        self._share()
        self.register_load_state_dict_post_hook(_share_after_loading)

    def _rebuild(self, config: dict[str, Any]) -> Any:
        """A C++ module of the same kind, for copies and pickles."""
        return self._native_type.from_config(config)

    def _share(self) -> None:
        """C++ takes over the values in the tree, and the tree holds C++'s tensors (again)."""
        self._slots: list[tuple[nn.Module, dict[str, Any], str, torch.Tensor, str]] = []
        for name, tensor, is_parameter in self._native.tensors():
            *path, last = name.split(".")
            owner: nn.Module = self
            for part in path:
                if part not in owner._modules:
                    owner.add_module(part, _Layer())
                owner = owner._modules[part]  # type: ignore[assignment]
            slots: dict[str, Any] = owner._parameters if is_parameter else owner._buffers
            self._slots.append((owner, slots, last, tensor, name))
            if parametrize.is_parametrized(owner, last):
                continue  # its own tensors make this one anew at every call
            held = slots.get(last)
            if held is not None and not torch._has_compatible_shallow_copy_type(tensor, held):
                continue  # on the device meta: it stays in the tree, and is lent to C++ at a call
            if held is not None and held is not tensor:
                tensor.grad = None  # or a change of dtype is refused
                tensor.data = held.detach()
                tensor.requires_grad_(held.requires_grad)
                tensor.grad = held.grad
            if is_parameter:
                tensor._is_param = True  # nn.Parameter without a copy: the optimizer's tensor is C++'s tensor
            slots[last] = tensor
        self._send_modes()

    def _send_modes(self) -> None:
        # From the root down: layers without tensors are not in the tree and follow the nearest that is.
        for path, module in self.named_modules():
            self._native.train(path, module.training)
        self._sent_modes = [module.training for module in self.modules()]

    def _replaced(self) -> list[tuple[str, torch.Tensor]]:
        """Tensors that stand in the places of C++'s own, by name."""
        out = []
        for owner, slots, last, tensor, name in self._slots:
            if slots.get(last) is tensor:
                continue
            if last not in slots and not parametrize.is_parametrized(owner, last):
                raise RuntimeError(
                    f"tensor '{name}' was taken away, and C++ cannot see what shall stand in its place: "
                    "prune or normalize by a parametrization"
                )
            out.append((name, getattr(owner, last)))
        return out

    def _in_step(self) -> Any:
        """The C++ module, which computes with the tree's own tensors."""
        replaced = self._replaced()
        for name, tensor in replaced:
            if tensor.is_meta:
                raise RuntimeError(f"tensor '{name}' is on the device meta, without values: to_empty(device=...) and load them first")
            raise RuntimeError(f"tensor '{name}' was replaced: change it in place")
        if self._sent_modes != [module.training for module in self.modules()]:
            self._send_modes()
        return self._native

    def _call(self, method: str, *arguments: Any) -> Any:
        """A method of the C++ module, with the tensors that the tree holds now."""
        if torch.compiler.is_compiling():  # torch.export puts stand-ins into the tree
            return getattr(self._native, method)(*arguments)
        if self._sent_modes != [module.training for module in self.modules()]:
            self._send_modes()
        replaced = self._replaced()
        if not replaced:
            return call(getattr(self._native, method), *arguments)
        lent = self._native.substitute(replaced)
        try:
            return call(getattr(self._native, method), *arguments)
        finally:
            lent.restore()

    @property
    def options(self) -> dict[str, Any]:
        """What rebuilds the network, with every default filled in."""
        return self._native.config()

    def train(self: Module, mode: bool = True) -> Module:
        super().train(mode)
        self._send_modes()
        return self

    def _apply(self: Module, fn: Any, recurse: bool = True) -> Module:
        super()._apply(fn, recurse)
        self._share()  # parameters were changed in place, buffers replaced
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_slots"]
        state["_native"] = self.options
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        with torch.random.fork_rng(devices=()):  # first weights are drawn, and overwritten
            self._native = self._rebuild(state["_native"])
        self._share()

    def __copy__(self) -> NativeModule:
        """Shares everything, as a shallow copy of any module does."""
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __repr__(self) -> str:
        """Class, options, and every layer as C++ has it: those without tensors are not in the Python tree."""
        count = sum(p.numel() for p in self.parameters())
        tree = self._native.layers()
        for noise in ("torch::nn::", "secgan::", "(anonymous namespace)::"):
            tree = tree.replace(noise, "")
        _, _, layers = re.sub(r"Impl\b", "", tree).partition("\n")
        return f"{type(self).__name__}(  # {count} parameters, {self.options}\n{layers}"
