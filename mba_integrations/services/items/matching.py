"""Which values a filter lets through, and which namespaces conditions.

The rules are those of LangGraph's own stores: a mapping whose keys begin with `$` compares, another
mapping is matched key by key, a list element by element, and anything else must be equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mba_integrations.core.errors import InputError

Condition = tuple[str, Sequence[str]]
"""`prefix` or `suffix`, and the labels that a namespace must begin or end with."""
_COMPARES: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, other: bool(value == other),
    "$ne": lambda value, other: bool(value != other),
    "$gt": lambda value, other: bool(float(value) > float(other)),
    "$gte": lambda value, other: bool(float(value) >= float(other)),
    "$lt": lambda value, other: bool(float(value) < float(other)),
    "$lte": lambda value, other: bool(float(value) <= float(other)),
}


def lets_through(wanted: Mapping[str, Any] | None, value: Mapping[str, Any]) -> bool:
    """Whether all that is wanted holds for a value.

    Raises:
        InputError: If a comparison is unknown.

    >>> lets_through({"n": {"$gt": 1}, "kind": "note"}, {"n": 2, "kind": "note"})
    True
    """
    return all(_matches(value.get(name), one) for name, one in (wanted or {}).items())


def _matches(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        if any(str(name).startswith("$") for name in wanted):
            return all(_compares(value, name, other) for name, other in wanted.items())
        return isinstance(value, Mapping) and lets_through(wanted, value)
    if isinstance(wanted, list | tuple):
        same = isinstance(value, list | tuple) and len(value) == len(wanted)
        return same and all(map(_matches, value, wanted))
    return bool(value == wanted)


def _compares(value: Any, name: str, other: Any) -> bool:
    if name not in _COMPARES:
        raise InputError(f"filter: {name!r} is none of {', '.join(_COMPARES)}.")
    try:
        return _COMPARES[name](value, other)
    except (TypeError, ValueError):
        return False  # what is no number is neither more nor less than one


def fits(conditions: Sequence[Condition] | None, namespace: Sequence[str]) -> bool:
    """Whether a namespace begins and ends as the conditions say; `*` is any label.

    >>> fits([("suffix", ("*", "v1"))], ("docs", "kate", "v1"))
    True
    """
    return all(_begins_or_ends(condition, namespace) for condition in conditions or ())


def _begins_or_ends(condition: Condition, namespace: Sequence[str]) -> bool:
    end, path = condition
    if len(namespace) < len(path):
        return False
    first = 0 if end == "prefix" else len(namespace) - len(path)
    part = namespace[first : first + len(path)]
    return all(wanted in ("*", label) for wanted, label in zip(path, part, strict=True))
