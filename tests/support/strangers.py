"""Errors of somebody else: what no caller should see, whatever the argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mba_integrations import MemoryBudgetError


def strangers(call: Callable[[Any], object], values: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Name, class and text of each error that is not ours, of a call with each of the values."""
    found: list[tuple[str, ...]] = []
    for name, value in values.items():
        try:
            call(value)
        except MemoryBudgetError:
            continue
        except Exception as error:
            found.append((name, type(error).__name__, str(error)[:80]))
    return found
