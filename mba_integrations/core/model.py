"""What goes into an allocation: memory items, their tiers, and how complex a query is.

All values are frozen and checked when made, so later steps rely on them. A time without a zone and
a time with one are both accepted here; `MemoryPool` refuses a mixture.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from datetime import datetime, timezone
from enum import StrEnum
from itertools import repeat
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mba_integrations.core.arguments import LARGEST_WHOLE, checked_member, checked_whole, shown
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError


class MemoryTier(StrEnum):
    """Where a memory comes from. The order of definition is from the nearest to the farthest."""

    WORKING = "working"
    """The running conversation."""
    PROJECT = "project"
    """Facts about the project or workspace."""
    LONG_TERM = "long_term"
    """What was learned in earlier conversations."""
    RAG = "rag"
    """Retrieved documents."""

    @property
    def code(self) -> int:
        """What stands for the tier in columns: its place in `TIERS`."""
        return TIERS.index(self)


TIERS: tuple[MemoryTier, ...] = tuple(MemoryTier)
"""Every tier by its code."""

TierName = Literal["working", "project", "long_term", "rag"]
"""The names of the tiers, which stand for them wherever an item is made."""


class QueryComplexity(StrEnum):
    """How much a query asks for, from the least to the most."""

    SIMPLE = "simple"
    MEDIUM = "medium"
    COMPLEX = "complex"
    EXPERT = "expert"


class OmissionReason(StrEnum):
    """Why an item is not in the prompt. Each omitted item has exactly one."""

    TIER_EXCLUDED = "tier_excluded"
    """The workspace gives the item's tier no tokens and no other tier may lend any."""
    BELOW_THRESHOLD = "below_threshold"
    """Its score is under the workspace's `min_score`."""
    BELOW_PRICE = "below_price"
    """It, or its group, is worth less than its tokens, by the workspace's `token_price`."""
    TOO_LARGE = "too_large"
    """It, or its group, needs more tokens than it could have if it were alone."""
    DUPLICATE = "duplicate"
    """An item that is in the prompt says the same."""
    OUTRANKED = "outranked"
    """Other items are worth more for the tokens that it needs."""

    @property
    def code(self) -> int:
        """What stands for the reason in columns: its place in `REASONS`."""
        return REASONS.index(self)


REASONS: tuple[OmissionReason, ...] = tuple(OmissionReason)
"""Every reason by its code."""


_NOT_REAL = "cmM"
"""Kinds of numpy's types that it casts to real numbers: complex ones, durations, dates."""


def name_in(metadata: Mapping[str, Any], *keys: str) -> str | None:
    """The first of these entries that names somebody; None if none does.

    Metadata holds anything: a name is a text that is not empty, or a whole number of up to 64 bits,
    as users have in databases.

    >>> name_in({"speaker": "", "role": "user"}, "speaker", "role")
    'user'
    """
    for key in keys:
        value = metadata.get(key)
        if isinstance(value, str) and value:
            return value
        if type(value) is int and 0 < abs(value) < 2**63:
            return str(value)
    return None


def _check_fraction(item_id: str, name: str, value: float) -> None:
    if not isinstance(value, (int, float, np.floating, np.integer)) or isinstance(value, bool):
        received = shown(value)
        raise InputError(f"item {item_id!r}: {name} must be a number in [0, 1], got {received}.")
    if not 0.0 <= value <= 1.0:
        # An integer may be too long to be asked whether it is finite.
        finite = isinstance(value, int) or math.isfinite(value)
        hint = "Rescale it to [0, 1]." if finite else "It is not finite."
        raise InputError(f"item {item_id!r}: {name} must be in [0, 1], got {shown(value)}. {hint}")


def _check_time(item_id: str, name: str, value: object) -> None:
    if value is not None and not isinstance(value, datetime):
        raise InputError(
            f"item {item_id!r}: {name} must be a datetime or None, got {type(value).__name__}. "
            "Parse text with datetime.fromisoformat()."
        )
    if isinstance(value, datetime) and value.tzinfo is not None:
        _check_zone(item_id, name, value)


def _check_zone(item_id: str, name: str, value: datetime) -> None:
    if type(value.tzinfo) is timezone:
        return
    try:
        value.timestamp()
    except Exception as error:  # a zone is a class that anybody may write
        raise InputError(
            f"item {item_id!r}: the time zone of {name} gives no offset ({error}). "
            "Use datetime.timezone or zoneinfo.ZoneInfo."
        ) from error


def _as_embedding(item_id: str, value: Sequence[float] | FloatArray) -> FloatArray:
    if isinstance(value, np.ndarray) and value.dtype == np.float32 and not value.flags.writeable:
        return _checked_vector(item_id, value.view(np.ndarray))
    refusal = InputError(f"item {item_id!r}: embedding is not a list of numbers.")
    try:
        numbers = np.asarray(value)
        if numbers.dtype.kind in _NOT_REAL:
            raise refusal
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
            vector = numbers.astype(np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise refusal from error
    vector.flags.writeable = False
    return _checked_vector(item_id, vector)


def _checked_vector(item_id: str, vector: FloatArray) -> FloatArray:
    if vector.ndim != 1:
        raise InputError(
            f"item {item_id!r}: embedding must be one vector, got an array of shape {vector.shape}."
        )
    return vector


def _is_finite(value: object) -> bool:
    if isinstance(value, (str, bytes, bool)):
        return False
    try:
        return math.isfinite(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False


def _copied(item_id: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return dict(metadata)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"item {item_id!r}: metadata must be a mapping, got {type(metadata).__name__}."
        ) from error


@dataclass(frozen=True, slots=True)
class MemoryItem:
    """A text that may enter the prompt.

    Args:
        id: Unique among the items of one call. Not empty.
        content: The text. Not empty. It is untrusted: rendering keeps it from forging structure.
        tier: Where it comes from; the names `"working"`, `"project"`, `"long_term"` and `"rag"`
            are accepted.
        relevance: How well it fits the query, in [0, 1]: the caller's word, which decides. None
            where it is to be estimated. A score of a search is no relevance: see *retriever_score*.
        importance: How much it matters whatever the query, in [0, 1].
        created_at: When it was said or written; None where unknown.
        last_accessed_at: When it last came into a prompt; None where never or unknown.
        access_count: How often it came into a prompt, >= 0.
        source: Conversation, session or document that it belongs to.
        position: Its order within the source.
        group: Items with the same group are kept or left out together.
        pinned: It must be in the prompt.
        embedding: Its vector, shape (d,); copied to float32, unless it is a read-only float32
            array already. One that is empty or not finite counts as missing, with a note.
        metadata: Anything else; `role` and `speaker` say who speaks. Copied one level deep.
        retriever_score: What a retriever gave it, higher is better, on any scale: a signal beside
            others. Only the order within the list counts.
        retriever: Names the list that the score ranks it in; items without a name share one.

    Raises:
        InputError: If a value is out of its range.

    >>> MemoryItem("m1", "The deploy key rotates on Mondays.", "project").tier
    <MemoryTier.PROJECT: 'project'>
    """

    id: str
    content: str
    tier: MemoryTier
    _: KW_ONLY
    relevance: float | None = None
    importance: float = 0.5
    created_at: datetime | None = None
    last_accessed_at: datetime | None = None
    access_count: int = 0
    source: str | None = None
    position: float | None = None
    group: str | None = None
    pinned: bool = False
    embedding: FloatArray | None = field(default=None, compare=False, repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, compare=False)
    retriever_score: float | None = None
    retriever: str | None = None

    if TYPE_CHECKING:  # what the constructor takes is wider than what the fields hold

        def __init__(
            self,
            id: str,
            content: str,
            tier: MemoryTier | TierName,
            *,
            relevance: float | None = None,
            importance: float = 0.5,
            created_at: datetime | None = None,
            last_accessed_at: datetime | None = None,
            access_count: int = 0,
            source: str | None = None,
            position: float | None = None,
            group: str | None = None,
            pinned: bool = False,
            embedding: Sequence[float] | FloatArray | None = None,
            metadata: Mapping[str, Any] = ...,
            retriever_score: float | None = None,
            retriever: str | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        self._check_identity()
        if self.relevance is not None:
            _check_fraction(self.id, "relevance", self.relevance)
        _check_fraction(self.id, "importance", self.importance)
        _check_time(self.id, "created_at", self.created_at)
        _check_time(self.id, "last_accessed_at", self.last_accessed_at)
        if type(self.access_count) is not int or not 0 <= self.access_count <= LARGEST_WHOLE:
            uses = checked_whole(f"item {self.id!r}: access_count", self.access_count)
            object.__setattr__(self, "access_count", uses)
        self._check_place()
        self._check_pinned()
        object.__setattr__(self, "metadata", _copied(self.id, self.metadata))
        if self.embedding is not None:
            object.__setattr__(self, "embedding", _as_embedding(self.id, self.embedding))

    def __setstate__(self, state: Sequence[Any]) -> None:
        """The fields as they were pickled or copied; arrays come writeable out of both."""
        for name, value in zip(self.__slots__, state, strict=True):
            object.__setattr__(self, name, value)
        if self.embedding is not None:
            self.embedding.flags.writeable = False

    def _check_identity(self) -> None:
        if not isinstance(self.id, str) or not self.id:
            raise InputError(f"item id must be a text that is not empty, got {shown(self.id)}.")
        if not isinstance(self.content, str):
            kind = type(self.content).__name__
            raise InputError(f"item {self.id!r}: content must be a text, got {kind}.")
        if not self.content:
            raise InputError(f"item {self.id!r}: content is empty. Leave the item out.")
        if type(self.tier) is not MemoryTier:
            tier = checked_member(f"item {self.id!r}: tier", self.tier, MemoryTier)
            object.__setattr__(self, "tier", tier)

    def _check_place(self) -> None:
        for name in ("source", "group", "retriever"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise InputError(
                    f"item {self.id!r}: {name} must be a text or None, got {shown(value)}."
                )
        for name in ("position", "retriever_score"):
            number = getattr(self, name)
            if number is not None and not _is_finite(number):
                received = shown(number)
                raise InputError(f"item {self.id!r}: {name} must be finite, got {received}.")

    def _check_pinned(self) -> None:
        if isinstance(self.pinned, bool):
            return
        # numpy has truth values of its own, and databases without them give 0 and 1.
        if not isinstance(self.pinned, (int, np.bool_)) or self.pinned not in (0, 1):
            raise InputError(
                f"item {self.id!r}: pinned must be True or False, got {shown(self.pinned)}."
            )
        object.__setattr__(self, "pinned", bool(self.pinned))


def items_of_columns(count: int, columns: Mapping[str, Iterable[Any]]) -> list[MemoryItem]:
    """Items of values that were checked when they were stored: nothing is checked again, in an
    eighth of the time.

    Args:
        count: How many.
        columns: A value for each item, by the name of the field, as the item holds it: embeddings
            are read-only float32 arrays, and no two items share their metadata. All of `id`,
            `content`, `tier` and `metadata`; of the rest what is not given is the default.
    """
    items = [MemoryItem.__new__(MemoryItem) for _ in range(count)]
    for one in fields(MemoryItem):
        values = columns[one.name] if one.name in columns else repeat(one.default)
        # A setter for each column, in a loop that is not Python's.
        deque(map(getattr(MemoryItem, one.name).__set__, items, values), maxlen=0)
    return items
