"""Values that applications keep beside messages and documents, and that cannot be compared."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np


class Cells:
    """As a data frame: a comparison gives an array."""

    def __eq__(self, other: object) -> Any:
        return np.array([True, True])

    __hash__ = None  # type: ignore[assignment]


class Tensor:
    """As a tensor: a comparison is an error of its library."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")

    __hash__ = None  # type: ignore[assignment]


INCOMPARABLE: dict[str, Callable[[], Any]] = {
    "array": lambda: np.arange(3),
    "array-of-none": lambda: np.zeros(0),
    "array-of-texts": lambda: np.array(["a", "b"]),
    "data-frame": Cells,
    "tensor": Tensor,
}
if importlib.util.find_spec("pandas") is not None:
    import pandas  # type: ignore[import-untyped, unused-ignore]

    INCOMPARABLE["pandas"] = lambda: pandas.DataFrame({"a": [1, 2]})
