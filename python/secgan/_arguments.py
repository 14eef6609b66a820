"""Arguments that do not fit, told in one line: the argument, the rule and what was found."""

from __future__ import annotations

import math
import operator
import os
import re
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

import numpy
import torch

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def shown(value: Any) -> str:
    """A value as a message says it: short ones as they are, of others the type."""
    plain = isinstance(value, (str, bool, int, float, complex, numpy.generic, torch.dtype, torch.device, type(None)))
    if not plain and not (isinstance(value, torch.Tensor) and value.numel() == 1):
        return type(value).__name__
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def path(given: Any, what: str, rule: str = "a path") -> str:
    """A file's or folder's name, in UTF-8. Bytes are none: they are more often what a file holds."""
    if isinstance(given, (str, os.PathLike)):
        name = os.fsdecode(given)
        if any("\udc80" <= letter <= "\udcff" for letter in name):  # as Python writes bytes that are no UTF-8
            raise ValueError(f"{what} must be a name in UTF-8, found {shown(given)}")
        if name:
            return name
        raise ValueError(f"{what} must be {rule}, found ''")
    raise TypeError(f"{what} must be {rule}, found {shown(given)}")


def text(given: Any, what: str) -> str:
    """Text, as the name of a choice."""
    if not isinstance(given, str):
        raise TypeError(f"{what} must be text, found {shown(given)}")
    return given


def integer(given: Any, what: str, rule: str = "an integer") -> int:
    """An integer of Python's, NumPy's or torch's."""
    try:
        return operator.index(given)
    except (TypeError, ValueError):
        raise TypeError(f"{what} must be {rule}, found {shown(given)}") from None


def items(given: Any, what: str, rule: str) -> list[Any]:
    """What a list, or whatever can be gone through, holds. Text is no list: its letters would be taken."""
    if isinstance(given, (str, bytes, bytearray)):
        raise ValueError(f"{what} must be {rule}, found {shown(given)}")
    if not isinstance(given, Iterable):
        raise TypeError(f"{what} must be {rule}, found {shown(given)}")
    return list(given)


def names(given: Any, what: str, rule: str = "a list of names") -> list[str]:
    """Names."""
    listed = items(given, what, rule)
    for name in listed:
        if not isinstance(name, str):
            raise ValueError(f"{what} must be {rule}, found {shown(name)} among them")
    return listed


def is_mapping(given: Any) -> bool:
    """Whether it has values by key: a mapping, or what offers as much (a row of a table of pandas)."""
    return hasattr(given, "keys") and hasattr(given, "__getitem__")


def mapping(given: Any, what: str, rule: str) -> dict[str, Any]:
    """Values by name."""
    if not is_mapping(given):
        raise TypeError(f"{what} must be {rule}, found {shown(given)}")
    values = {key: given[key] for key in given.keys()}  # noqa: SIM118  (a row of pandas iterates over its values)
    for key in values:
        if not isinstance(key, str):
            raise ValueError(f"{what} must be {rule}: its keys are names, found {shown(key)}")
    return values


def label(given: Any, what: str) -> bool:
    """What a photo shows of an attribute. -1, as CelebA's lists have it, would count as shown in Python: it is refused."""
    number = math.nan
    if not isinstance(given, (str, bytes, bytearray)):
        try:
            number = float(given)
        except (TypeError, ValueError, OverflowError, RuntimeError):
            number = math.nan
    if number not in {0, 1}:
        raise ValueError(f"{what} must be True, False, 1 or 0, found {shown(given)}")
    return number == 1


def tensor(given: Any, what: str) -> torch.Tensor:
    """A tensor."""
    if not isinstance(given, torch.Tensor):
        raise TypeError(f"{what} must be a tensor, found {shown(given)}")
    return given


def label_tensor(given: Any, what: str, *, or_nan: bool = False) -> torch.Tensor:
    """A tensor of labels, 0 or 1, or NaN where that says that there is none."""
    labels = tensor(given, what)
    wrong = (labels != 0) & (labels != 1)
    if or_nan:
        wrong &= ~labels.isnan()
    if wrong.any():
        raise ValueError(f"{what} must be 0 or 1{', or NaN' if or_nan else ''}, found {labels[wrong][0].item():g}")
    return labels


def call(function: Callable[_Parameters, _Result], *arguments: _Parameters.args, **named: _Parameters.kwargs) -> _Result:
    """Calls a function of the extension.

    Raises:
        TypeError: an argument is of a type that C++ does not take; the extension's own message has a line per signature and the
            argument's contents.
        ValueError: an integer that C++'s type does not hold.
    """
    try:
        return function(*arguments, **named)
    except TypeError as error:
        misfit = _misfit(str(error), getattr(function, "__name__", ""), arguments, named)
        if misfit is None:
            raise
    raise misfit


_INTEGER = "typing.SupportsInt | typing.SupportsIndex"


def _rule(kind: str) -> tuple[str, Callable[[Any], bool]] | None:
    """What a type of the extension's signatures asks for, and whether a value has it; None: it is not known."""
    if kind.endswith(" | None"):
        inner = _rule(kind.removesuffix(" | None"))
        if inner is None:
            return None
        said, fits = inner
        return f"{said} or None", lambda value: value is None or fits(value)
    return {
        "str": ("text", lambda value: isinstance(value, str)),
        "bool": ("True or False", lambda value: value is None or hasattr(value, "__bool__")),
        "dict": ("a dictionary", lambda value: isinstance(value, dict)),
        "torch.Tensor": ("a tensor", lambda value: isinstance(value, torch.Tensor)),
        "collections.abc.Sequence[torch.Tensor]": (
            "a list of tensors",
            lambda value: isinstance(value, (list, tuple)) and all(isinstance(one, torch.Tensor) for one in value),
        ),
        _INTEGER: ("an integer", lambda value: hasattr(value, "__int__") and not isinstance(value, float)),
        "typing.SupportsFloat | typing.SupportsIndex": ("a number", lambda value: hasattr(value, "__float__")),
    }.get(kind)


def _parameters(signature: str) -> list[tuple[str, str]]:
    """Names and types: ``"(self: A, image: torch.Tensor, crop: str | None) -> B"``."""
    depth, begin, parts = 0, signature.index("(") + 1, []
    for at, letter in enumerate(signature):
        depth += (letter in "([") - (letter in ")]")
        if (depth == 1 and letter == ",") or (depth == 0 and letter == ")"):
            parts.append(signature[begin:at].strip())
            begin = at + 1
            if depth == 0:
                break
    return [(name, kind) for name, _, kind in (part.partition(": ") for part in parts) if name != "self"]


def _misfit(message: str, function: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Exception | None:
    """What pybind11 says of arguments, in one line; None: the error is another."""
    signature = re.match(r"(\w+)\(\): incompatible [^\n]*\n    1\. ([^\n]+)", message)
    if signature is None or signature[1] not in {function, "__init__"}:
        return None
    parameters = _parameters(signature[2])
    given = {**dict(zip((name for name, _ in parameters), arguments, strict=False)), **named}
    for name, kind in parameters:
        rule = _rule(kind)
        if name in given and rule is not None and not rule[1](given[name]):
            return TypeError(f"{name} must be {rule[0]}, found {shown(given[name])}")
    for name, kind in parameters:
        if kind == _INTEGER and name in given and not 0 <= int(given[name]) < 2**63:
            rule_of_size = "not be negative" if -(2**63) <= int(given[name]) < 0 else "be an integer of at most 64 bits"
            return ValueError(f"{name} must {rule_of_size}, found {shown(given[name])}")
    types = ", ".join(f"{name}: {kind}" for name, kind in parameters)
    return TypeError(
        f"{function}: arguments must be ({types}), found ({', '.join(f'{name}: {shown(one)}' for name, one in given.items())})"
    )
