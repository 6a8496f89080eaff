"""A value under a namespace and a key as a memory, and back.

    namespace ("kate", "notes"), key "a"      source  lg:kate.notes/a#0
                                              tags    lg:  lg:kate  lg:kate.notes
    value {"text": "Kate skis.", "n": 1}      content Kate skis.     metadata  {"n": 1}
    value {"n": 1}                            content {"n": 1}

The text is what is recalled and searched: a field of the value, or what `index` names, else the
whole value as JSON. What the text does not say is kept as JSON in the metadata, as one string,
since metadata may be nested five levels deep and a value any number. Labels have no dot, so a tag
for each prefix finds what lies below it by an index.

A key that is put again becomes a new memory, which takes the place of the old one in one
transaction. `#1` is the source of items that an earlier release wrote in turn with `#0`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.services.items.paths import texts_at
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.store.rows.memories import MemoryRow

if TYPE_CHECKING:
    from mba_integrations.services.memory.new_memory import NewMemory

_KEY = "langgraph"
"""Under which the metadata has what the text does not say."""
NAMESPACE_PATH = (_KEY, "namespace")
"""Where the metadata has the namespace."""
_TURNS = ("#0", "#1")
_MOST_MINUTES = 100 * 366 * 24 * 60
Namespace = tuple[str, ...]
Place = tuple[Namespace, str]
"""Namespace and key of an item."""
Index = Sequence[str] | Literal[False] | None
"""Which fields are the text; False for an item that searches do not rank; None for the default."""


def tag_of(namespace: Sequence[str]) -> str:
    """The tag of all that lies in or below a namespace.

    >>> tag_of(("kate", "notes")), tag_of(())
    ('lg:kate.notes', 'lg:')
    """
    return _fitting("lg:" + ".".join(namespace))


def sources_of(place: Place) -> frozenset[str]:
    """The sources that an item may have."""
    path = _path(place)
    return frozenset(path + turn for turn in _TURNS)


def _path(place: Place) -> str:
    # Two characters less than a name may have, for the turn.
    return _fitting(f"{tag_of(place[0])}/{place[1]}__")[:-2]


def _fitting(name: str) -> str:
    # Imported here, as NewMemory is below: SQLAlchemy comes along, which a store has loaded by now.
    from mba_integrations.services.memory.transfer.imported import fitting_name

    return fitting_name(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """What is to be written.

    Attributes:
        namespace: Labels without dots.
        key: The key.
        value: JSON; None takes the item away.
        index: Which fields are its text.
        ttl_minutes: How long it is kept after it was read or written; None for ever.
    """

    namespace: Namespace
    key: str
    value: Mapping[str, Any] | None
    index: Index = None
    ttl_minutes: float | None = None

    @property
    def place(self) -> Place:
        """Namespace and key."""
        return self.namespace, self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItem:
    """An item and the memory that keeps it.

    Attributes:
        row: The memory.
        place: Namespace and key.
        value: The value.
        created_at: When the key was put first.
        updated_at: When it was put last.
        ttl_minutes: How long it is kept after it was read or written; None for ever.
        index: As it was put.
    """

    row: MemoryRow
    place: Place
    value: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    ttl_minutes: float | None
    index: Index

    def is_alive(self, now: datetime) -> bool:
        """Whether its time has not come."""
        return self.row.expires_at is None or self.row.expires_at > now


def stored_item(row: MemoryRow) -> StoredItem | None:
    """The item that a memory keeps; None where it keeps none."""
    known = row.metadata.get(_KEY)
    if not isinstance(known, Mapping):
        return None
    value = json.loads(row.content if known["rest"] is None else known["rest"])
    if known["text_field"] is not None:
        value[known["text_field"]] = row.content
    created_at = datetime.fromisoformat(known["created_at"])
    return StoredItem(
        row=row,
        place=(tuple(known["namespace"]), known["key"]),
        value=value,
        created_at=created_at,
        updated_at=row.stored_at or created_at,
        ttl_minutes=known["ttl_minutes"],
        index=known["index"],
    )


def memory_of(put: Put, *, text_field: str, now: datetime, before: StoredItem | None) -> NewMemory:
    """The memory that keeps an item.

    Args:
        put: What is written.
        text_field: The field of a value that is its text.
        now: The present.
        before: What the key had until now.

    Raises:
        InputError: If the value is not JSON.
    """
    from mba_integrations.services.memory.new_memory import NewMemory

    if not isinstance(put.value, Mapping):
        raise InputError(f"value must be a dictionary of JSON values, got {shown(put.value)}.")
    value = dict(put.value)
    text, rest, field = _split(value, put.index or None, text_field)
    created_at = now if before is None else before.created_at
    known = {
        "namespace": list(put.namespace),
        "key": put.key,
        "rest": rest,
        "text_field": field,
        "created_at": created_at.isoformat(),
        "ttl_minutes": put.ttl_minutes,
        "index": put.index,
    }
    item = MemoryItem(
        new_id(now),
        text,
        _tier(value),
        source=_path(put.place) + _TURNS[0],
        metadata={_KEY: known},
    )
    prefixes = [put.namespace[:depth] for depth in range(len(put.namespace) + 1)]
    return NewMemory(
        item=item,
        tags=tuple(map(tag_of, prefixes)),
        expires_at=expiry(put.ttl_minutes, now),
        client=_KEY,
    )


def expiry(ttl_minutes: float | None, now: datetime) -> datetime | None:
    """When an item's time comes; None for never.

    Raises:
        InputError: If *ttl_minutes* is no number of minutes, or more than a hundred years.
    """
    if ttl_minutes is None:
        return None
    given: object = ttl_minutes
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not 0 <= ttl_minutes <= _MOST_MINUTES:
        raise InputError(
            f"ttl must be minutes, from 0 to {_MOST_MINUTES:,}, got {shown(given)}. "
            "None keeps an item for ever."
        )
    return now + timedelta(minutes=ttl_minutes)


def _split(
    value: dict[str, Any], paths: Sequence[str] | None, text_field: str
) -> tuple[str, str | None, str | None]:
    """The text, what it does not say, and the field that it stands in."""
    if paths is not None:
        texts = [text for path in paths for text in texts_at(value, path)]
        said = "\n".join(text for text in texts if text.strip())
        if said:
            return said, _written(value), None
    text = value.get(text_field)
    if isinstance(text, str) and text.strip():
        others = {name: kept for name, kept in value.items() if name != text_field}
        return text, _written(others), text_field
    return _written(value), None, None


def _written(value: Mapping[str, Any]) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"a value of the store must be JSON: {error}.") from None


def _tier(value: Mapping[str, Any]) -> MemoryTier:
    named = value.get("tier")
    return next((tier for tier in MemoryTier if tier.value == named), MemoryTier.LONG_TERM)
