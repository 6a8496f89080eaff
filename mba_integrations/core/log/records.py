"""What the log keeps: one record for each allocation, and one for each review of tiers.

Records are checked when made and turn into JSON-ready dictionaries and back without loss. Keys
that a later release adds within the same schema version are ignored when read; a newer schema
version is refused. Counts and numbers only: texts are there only if the caller put them in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field
from datetime import datetime
from typing import Any

from mba_integrations.core.arguments import checked_member, checked_whole, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier, QueryComplexity

SCHEMA_VERSION = 1
ALLOCATION = "allocation"
MOVES = "moves"


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRecord:
    """One tier's part of an allocation.

    Attributes:
        budget_tokens: What the tier was given, >= 0.
        used_tokens: What it used, >= 0; more than its budget where it borrowed.
        selected: Items in the prompt, >= 0.
        omitted: Items left out, >= 0.
    """

    budget_tokens: int
    used_tokens: int
    selected: int
    omitted: int

    def __post_init__(self) -> None:
        _make_counts(self, ("budget_tokens", "used_tokens", "selected", "omitted"))

    def to_dict(self) -> dict[str, int]:
        """JSON-ready."""
        return {
            "budget_tokens": self.budget_tokens,
            "used_tokens": self.used_tokens,
            "selected": self.selected,
            "omitted": self.omitted,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRecord:
    """What is kept of one allocation. Enum values are accepted by name, tiers as mappings.

    Attributes:
        timestamp: When, as ISO 8601 text with a zone.
        workspace_id: For which workspace.
        complexity: Of the query.
        budget_tokens: Of the prompt, >= 0.
        used_tokens: Of the prompt, >= 0.
        value: Of the selection, >= 0.
        upper_bound: The most that any selection could be worth, >= 0.
        duration_ms: How long the call took, >= 0.
        tiers: The part of each tier.
        omission_reasons: How many items were left out for each reason.
        selected_count: Items in the prompt, >= 0.
        counter_id: Which tokenizer counted.
        exact: Whether its counts are exact.
        notes: What the allocation told its caller.
        query: The query; None unless texts are logged.
        texts: The selected texts in the order of the prompt; None unless texts are logged.

    Raises:
        InputError: If a value is out of its range.
    """

    timestamp: str
    workspace_id: str
    complexity: QueryComplexity
    budget_tokens: int
    used_tokens: int
    value: float
    upper_bound: float
    duration_ms: float
    tiers: Mapping[MemoryTier, TierRecord] = field(default_factory=dict)
    omission_reasons: Mapping[str, int] = field(default_factory=dict)
    selected_count: int = 0
    counter_id: str = ""
    exact: bool = True
    notes: tuple[str, ...] = ()
    query: str | None = None
    texts: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        _check_header(self.timestamp, self.workspace_id)
        _make_counts(self, ("budget_tokens", "used_tokens", "selected_count"))
        for name in ("value", "upper_bound", "duration_ms"):
            _check_number(name, getattr(self, name))
        if not isinstance(self.exact, bool):
            raise InputError(f"exact must be true or false, got {shown(self.exact)}.")
        object.__setattr__(
            self, "complexity", checked_member("complexity", self.complexity, QueryComplexity)
        )
        object.__setattr__(self, "omission_reasons", _counts("omission_reasons", self))
        tiers = _mapping("tiers", self.tiers)
        made = {
            checked_member("a tier", key, MemoryTier): _tier_record(key, one)
            for key, one in tiers.items()
        }
        object.__setattr__(self, "tiers", made)
        self._check_texts()

    def _check_texts(self) -> None:
        for name, value in (("counter_id", self.counter_id), ("query", self.query)):
            if not isinstance(value, str) and not (name == "query" and value is None):
                raise InputError(f"{name} must be a text, got {shown(value)}.")
        object.__setattr__(self, "notes", _texts("notes", self.notes))
        if self.texts is not None:
            object.__setattr__(self, "texts", _texts("texts", self.texts))

    @property
    def time(self) -> datetime:
        """`timestamp` as a datetime with a zone."""
        return datetime.fromisoformat(self.timestamp)

    @property
    def utilisation(self) -> float | None:
        """Used tokens as a part of the budget; None for a budget of 0."""
        return self.used_tokens / self.budget_tokens if self.budget_tokens else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with `schema_version` and `kind`; texts only if there are any."""
        texts: dict[str, Any] = {} if self.query is None else {"query": self.query}
        if self.texts is not None:
            texts["texts"] = list(self.texts)
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": ALLOCATION,
            "timestamp": self.timestamp,
            "workspace_id": self.workspace_id,
            "complexity": self.complexity.value,
            "budget_tokens": self.budget_tokens,
            "used_tokens": self.used_tokens,
            "value": self.value,
            "upper_bound": self.upper_bound,
            "duration_ms": self.duration_ms,
            "tiers": {tier.value: one.to_dict() for tier, one in self.tiers.items()},
            "omission_reasons": dict(self.omission_reasons),
            "selected_count": self.selected_count,
            "counter_id": self.counter_id,
            "exact": self.exact,
            "notes": list(self.notes),
            **texts,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AllocationRecord:
        """The record that `to_dict` wrote.

        Raises:
            InputError: If a key is missing, a value is out of its range, the kind is another, or
                the schema version is newer than this release reads.
        """
        _check_schema(values, ALLOCATION)
        record: AllocationRecord = _make(cls, values)
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class MovesRecord:
    """What is kept of one review of tiers.

    Attributes:
        timestamp: When, as ISO 8601 text with a zone.
        workspace_id: For which workspace.
        promoted: Items recommended for a nearer tier, >= 0.
        demoted: Items recommended for a farther tier, >= 0.

    Raises:
        InputError: If a value is out of its range.
    """

    timestamp: str
    workspace_id: str
    promoted: int = 0
    demoted: int = 0

    def __post_init__(self) -> None:
        _check_header(self.timestamp, self.workspace_id)
        _make_counts(self, ("promoted", "demoted"))

    @property
    def time(self) -> datetime:
        """`timestamp` as a datetime with a zone."""
        return datetime.fromisoformat(self.timestamp)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with `schema_version` and `kind`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": MOVES,
            "timestamp": self.timestamp,
            "workspace_id": self.workspace_id,
            "promoted": self.promoted,
            "demoted": self.demoted,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MovesRecord:
        """The record that `to_dict` wrote; errors as for `AllocationRecord.from_dict`."""
        _check_schema(values, MOVES)
        record: MovesRecord = _make(cls, values)
        return record


LogRecord = AllocationRecord | MovesRecord


def record_from_dict(values: object) -> LogRecord:
    """The record of either kind that `to_dict` wrote.

    Raises:
        InputError: As for `AllocationRecord.from_dict`, or if *values* is not a mapping.
    """
    mapping = _mapping("a log record", values)
    if _is_kind(mapping, MOVES):
        return MovesRecord.from_dict(mapping)
    return AllocationRecord.from_dict(mapping)


def check_zone(name: str, time: datetime) -> None:
    """Refuse a time without a zone.

    Raises:
        InputError: If it has none.
    """
    if time.utcoffset() is None:
        raise InputError(
            f"{name} must have a time zone, got {time.isoformat()}. "
            "Use datetime.now(timezone.utc) or the like."
        )


def _check_schema(values: Mapping[str, Any], kind: str) -> None:
    version = values.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InputError(f"schema_version must be an integer >= 1, got {shown(version)}.")
    if version > SCHEMA_VERSION:
        raise InputError(
            f"schema_version {shown(version)} is newer than {SCHEMA_VERSION}, the newest that this "
            "release reads. Update mba-integrations."
        )
    if not _is_kind(values, kind):
        raise InputError(f"kind must be {kind!r}, got {shown(values.get('kind'))}.")


def _is_kind(values: Mapping[str, Any], kind: str) -> bool:
    found = values.get("kind")  # anything: an array compared with a text is no truth value
    return isinstance(found, str) and found == kind


def _make(cls: Any, values: Mapping[str, Any]) -> Any:
    """The class from those of the values that it knows."""
    known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
    missing = [
        name
        for name, one in cls.__dataclass_fields__.items()
        if name not in known and one.default is MISSING and one.default_factory is MISSING
    ]
    if missing:
        raise InputError(f"a log record lacks {', '.join(missing)}.")
    return cls(**known)


def _tier_record(tier: str, value: object) -> TierRecord:
    if isinstance(value, TierRecord):
        return value
    record: TierRecord = _make(TierRecord, _mapping(f"tiers[{str(tier)!r}]", value))
    return record


def _counts(name: str, record: AllocationRecord) -> dict[str, int]:
    counts = _mapping(name, getattr(record, name)).items()
    return {str(key): checked_whole(f"{name}[{shown(key)}]", count) for key, count in counts}


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{name} must be a mapping, got {type(value).__name__}.")
    return value


def _check_header(timestamp: str, workspace_id: str) -> None:
    if not isinstance(workspace_id, str) or not workspace_id:
        raise InputError(
            f"workspace_id must be a text that is not empty, got {shown(workspace_id)}."
        )
    try:
        time = datetime.fromisoformat(timestamp)
    except (TypeError, ValueError):
        raise InputError(f"timestamp must be ISO 8601 text, got {shown(timestamp)}.") from None
    check_zone("timestamp", time)


def _make_counts(record: object, names: Iterable[str]) -> None:
    """Numbers of numpy become Python's own, which JSON takes."""
    for name in names:
        object.__setattr__(record, name, checked_whole(name, getattr(record, name)))


def _check_number(name: str, value: object) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value < math.inf:  # type: ignore[operator]
        raise InputError(f"{name} must be a finite number >= 0, got {shown(value)}.")


def _texts(name: str, values: object) -> tuple[str, ...]:
    if isinstance(values, (list, tuple)) and all(isinstance(value, str) for value in values):
        return tuple(values)
    raise InputError(f"{name} must be a list of texts, got {shown(values)}.")
