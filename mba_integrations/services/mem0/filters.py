"""Filters of mem0's clients: what of them the store answers, and what is held against each memory.

    {"AND": [{"user_id": "kate"}, {"created_at": {"gte": "2026-01-01"}}]}
    store: subjects {"kate"}      then, memory by memory: created_at >= 2026-01-01

A field is one of a memory's own, or an entry of its metadata. `*` lets through whatever has the
field. `NOT` lets through what none of its conditions does. Of a list, such as `categories`, one
entry is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.transfer.imported import fitting_name, time_of
from mba_integrations.services.store.rows.memories import MemoryFilter

ENTITIES = ("user_id", "agent_id", "app_id", "run_id")
MOST_DEPTH = 12
_STORED_SETS = {"user_id": "subjects", "run_id": "sources"}
_STORED_ENTRIES = ("agent_id", "app_id")
_TIMES = ("created_at", "updated_at")
_NEGATED = {"ne": "eq", "nin": "in"}
_COMPARES: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, other: bool(value == other),
    "in": lambda value, other: value in other,
    "gt": lambda value, other: bool(value > other),
    "gte": lambda value, other: bool(value >= other),
    "lt": lambda value, other: bool(value < other),
    "lte": lambda value, other: bool(value <= other),
    "contains": lambda value, other: other in value,
    "icontains": lambda value, other: other.lower() in value.lower(),
}
Part = tuple[str, Any]
"""A field, or a word that joins conditions, and what is wanted of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which memories.

    Attributes:
        stored: What the store answers.
        rest: What is held against each memory that the store gives.
    """

    stored: MemoryFilter
    rest: tuple[Part, ...]

    def lets_through(self, record: Mapping[str, Any]) -> bool:
        """Whether the rest holds for a memory as mem0 writes it."""
        return all(_holds(name, wanted, record) for name, wanted in self.rest)


def wanted_of(filters: Mapping[str, Any], *, alive_at: datetime | None) -> Wanted:
    """Which memories a filter is about.

    Args:
        filters: The filter.
        alive_at: Memories that have expired by then are none of them; None for all.

    Raises:
        InputError: If it is nested deeper than 12 levels, or a condition is none.
    """
    _check(filters)
    sets: dict[str, frozenset[str]] = {}
    entries: dict[str, str] = {}
    rest: list[Part] = []
    for name, wanted in _parts(filters):
        names = _names(wanted)
        if names is not None and name in _STORED_SETS and _STORED_SETS[name] not in sets:
            sets[_STORED_SETS[name]] = frozenset(map(fitting_name, names))
        elif names is not None and name in _STORED_ENTRIES and len(names) == 1:
            rest += [(name, wanted)] if name in entries else []
            entries.setdefault(name, names[0])
        else:
            rest.append((name, wanted))
    stored = MemoryFilter(
        alive_at=alive_at,
        metadata=entries,
        subjects=sets.get("subjects"),
        sources=sets.get("sources"),
    )
    return Wanted(stored=stored, rest=tuple(rest))


def names_entity(filters: Mapping[str, Any]) -> bool:
    """Whether a filter says whose memories it is about, on every way through it.

    Raises:
        InputError: If it is nested deeper than 12 levels, or a condition is none.

    >>> names_entity({"AND": [{"user_id": "*"}, {"n": 1}]}), names_entity({"NOT": [{"user_id": 1}]})
    (True, False)
    """
    _check(filters)
    return any(_names_entity(*part) for part in _parts(filters))


def _names_entity(name: str, wanted: Any) -> bool:
    if name != "OR":
        return name in ENTITIES
    each = _listed(name, wanted)
    return bool(each) and all(any(_names_entity(*one) for one in _parts(way)) for way in each)


def _check(filters: Mapping[str, Any], left: int = MOST_DEPTH) -> None:
    """Refuse a filter that is none, also where no memory would be held against it."""
    if not left:
        raise InputError(f"filters are nested deeper than {MOST_DEPTH} levels.")
    for name, wanted in filters.items():
        if name in ("AND", "OR", "NOT"):
            for one in _listed(name, wanted):
                _check(one, left - 1)
        elif name == "metadata" and isinstance(wanted, Mapping):
            for key, one in wanted.items():
                _check_conditions(key, one)
        else:
            _check_conditions(name, wanted)


def _check_conditions(name: str, wanted: Any) -> None:
    for how, other in _conditions(wanted).items():
        if how not in _COMPARES and how not in _NEGATED:
            known = ", ".join((*_COMPARES, *_NEGATED))
            raise InputError(f"filters: {name}: {shown(how)} is none of {known}.")
        if name in _TIMES and other != "*":
            _time(name, other)


def _conditions(wanted: Any) -> Mapping[str, Any]:
    return wanted if isinstance(wanted, Mapping) else {"eq": wanted}


def _parts(filters: Mapping[str, Any]) -> Iterator[Part]:
    """Conditions that must all hold."""
    for name, wanted in filters.items():
        if name == "AND":
            for one in _listed(name, wanted):
                yield from _parts(one)
        else:
            yield name, wanted


def _listed(name: str, wanted: Any) -> Sequence[Mapping[str, Any]]:
    listed = [wanted] if isinstance(wanted, Mapping) else wanted
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
        raise InputError(f"filters: {name} must be a list of conditions, got {shown(wanted)}.")
    return listed


def _names(wanted: Any) -> tuple[str, ...] | None:
    """The names of which it must be one; None where something else is wanted."""
    if isinstance(wanted, Mapping) and len(wanted) == 1:
        wanted = wanted.get("eq", wanted.get("in"))
    listed = [wanted] if isinstance(wanted, str) and wanted != "*" else wanted
    if isinstance(listed, list) and listed and all(isinstance(one, str) for one in listed):
        return tuple(one for one in listed if one)
    return None


def _holds(name: str, wanted: Any, record: Mapping[str, Any]) -> bool:
    if name in ("OR", "NOT"):
        each = _listed(name, wanted)
        found = any(all(_holds(*part, record) for part in _parts(one)) for one in each)
        return found is (name == "OR")
    if name == "metadata" and isinstance(wanted, Mapping):
        kept = record["metadata"]
        return all(_compared(key, kept.get(key), one) for key, one in wanted.items())
    if name == "keywords":
        name = "memory"
    value = record[name] if name in record else record["metadata"].get(name)
    return _compared(name, value, wanted)


def _compared(name: str, value: Any, wanted: Any) -> bool:
    if isinstance(wanted, str) and wanted == "*":
        return value not in (None, [])
    return all(_compares(name, value, how, one) for how, one in _conditions(wanted).items())


def _compares(name: str, value: Any, how: str, other: Any) -> bool:
    if how in _NEGATED:
        return not _compares(name, value, _NEGATED[how], other)
    if name in _TIMES:
        value, other = _time(name, value), _time(name, other)
    if isinstance(value, list) and how.endswith("contains"):
        how = "eq"
    try:
        values = value if isinstance(value, list) else [value]
        return any(_COMPARES[how](one, other) for one in values)
    except (TypeError, AttributeError):
        return False  # what is of another kind is neither more nor less, and has nothing in it


def _time(name: str, value: Any) -> datetime | None:
    return time_of("filters", {name: value}, name)
