"""What items say of themselves, as columns.

Made in one pass over the items. The columns of a changed list are made from those of the earlier
one and from the items that are new; they equal the columns made anew.

Sources and groups are numbered as they first appear. Three items of two sources; the first goes and
one of a third comes, and the numbers are what they would be if the list had always been this one:

>>> items = [MemoryItem(name, "text", "rag", source=name[0]) for name in ("s1", "t1", "s2", "u1")]
>>> before = ItemColumns.build(items[:3])
>>> before.columns.source.tolist(), before.sources.names()
([0, 1, 0], ['s', 't'])
>>> after = before.changed(items[1:], RowMap.of(np.array([1, 2, -1]), 3))
>>> after.columns.source.tolist(), after.sources.names()
([0, 1, 2], ['t', 's', 'u'])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import TIERS, MemoryItem, name_in
from mba_integrations.core.rows.codes import CodeTable
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.speaker_names import name_before_colon
from mba_integrations.core.times import ZoneColumn, seconds_of

# Of a source's items, how many begin with a name where it is a talk; and what else makes it one.
_TALK_SHARE = 0.8
_MOST_SPEAKERS = 12
_TURNS_PER_SPEAKER = 2
_FREQUENT_SHARE = 0.05  # a rarer name tells items apart, so it is worth matching

_TIER_CODES = {tier: code for code, tier in enumerate(TIERS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The signals of n items, each of shape (n,), in input order.

    Attributes:
        tier: Index into `MemoryTier`.
        given_relevance: In [0, 1]; NaN unknown.
        importance: In [0, 1].
        created_seconds: Unix time; NaN unknown. Times without a zone count as UTC.
        source: Code of the source; -1 unknown.
        position: Order within the source; NaN unknown.
        group: Code of the group; -1 for an item on its own.
        pinned: Whether the item must be in the prompt.
        retriever_score: A retriever's, on any scale; NaN unknown.
        retriever: Code of the list that the score is of; -1 for the list without a name.
        naive_times: Whether the times lack a zone; None if no item has a time.
    """

    tier: IntArray
    given_relevance: FloatArray
    importance: FloatArray
    created_seconds: FloatArray
    source: IntArray
    position: FloatArray
    group: IntArray
    pinned: BoolArray
    retriever_score: FloatArray
    retriever: IntArray
    naive_times: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemColumns:
    """Columns with what it takes to make the next ones from them.

    Attributes:
        columns: The columns.
        zones: Which items have times with a zone, and which without.
        sources: Names of the sources.
        groups: Names of the groups.
        retrievers: Names of the retrievers' lists.
    """

    columns: Columns
    zones: ZoneColumn
    sources: CodeTable
    groups: CodeTable
    retrievers: CodeTable

    @classmethod
    def build(cls, items: Sequence[MemoryItem]) -> ItemColumns:
        """Columns of the items.

        Raises:
            InputError: If times with and without a zone are mixed, or a group spans tiers.
        """
        zones = ZoneColumn.build(items)
        tier = np.array([_TIER_CODES[item.tier] for item in items], dtype=np.int8)
        group, groups = CodeTable().coded([item.group for item in items])
        _check_groups(items, tier, group, np.flatnonzero(group >= 0))
        source, sources = CodeTable().coded([item.source for item in items])
        retriever, retrievers = CodeTable().coded([item.retriever for item in items])
        columns = Columns(
            tier=tier,
            given_relevance=_floats([item.relevance for item in items]),
            importance=_floats([item.importance for item in items]),
            created_seconds=_seconds([item.created_at for item in items]),
            source=source,
            position=_floats([item.position for item in items]),
            group=group,
            pinned=np.array([item.pinned for item in items], dtype=bool),
            retriever_score=_floats([item.retriever_score for item in items]),
            retriever=retriever,
            naive_times=zones.naive,
        )
        return cls(
            columns=columns,
            zones=zones,
            sources=sources,
            groups=groups,
            retrievers=retrievers,
        )

    def changed(self, items: Sequence[MemoryItem], rows: RowMap) -> ItemColumns:
        """Columns of other items; those of rows that are not fresh are taken from here.

        Raises:
            InputError: As `build`.
        """
        fresh = [items[row] for row in rows.fresh.tolist()]
        new, old = ItemColumns.build(fresh), self.columns
        zones = ZoneColumn(rows.carried(self.zones.kinds, new.zones.kinds)).checked(items)
        tier = rows.carried(old.tier, new.columns.tier)
        group, groups = _recoded(self.groups, old.group, [item.group for item in fresh], rows)
        # A group that no fresh item is in was looked at before, and can only have lost items.
        _check_groups(items, tier, group, _rows_of_groups(group, rows.fresh))
        source, sources = _recoded(self.sources, old.source, [item.source for item in fresh], rows)
        retriever, retrievers = _recoded(
            self.retrievers, old.retriever, [item.retriever for item in fresh], rows
        )
        columns = Columns(
            tier=tier,
            given_relevance=rows.carried(old.given_relevance, new.columns.given_relevance),
            importance=rows.carried(old.importance, new.columns.importance),
            created_seconds=rows.carried(old.created_seconds, new.columns.created_seconds),
            source=source,
            position=rows.carried(old.position, new.columns.position),
            group=group,
            pinned=rows.carried(old.pinned, new.columns.pinned),
            retriever_score=rows.carried(old.retriever_score, new.columns.retriever_score),
            retriever=retriever,
            naive_times=zones.naive,
        )
        return ItemColumns(
            columns=columns,
            zones=zones,
            sources=sources,
            groups=groups,
            retrievers=retrievers,
        )


@dataclass(frozen=True)
class Speakers:
    """Who says each item of n.

    An item says it in its metadata, or begins with a name and a colon as the others of its source
    do. In a glossary or a list of settings every name stands once, so speakers are those who come
    back.

    >>> talk = [MemoryItem(str(n), text, "rag") for n, text in enumerate(
    ...     ["Kate: Hi!", "Ben: Hello.", "Kate: The pasta was great.", "Ben: Note: no garlic."])]
    >>> Speakers.build(talk, np.full(4, -1)).names
    ('Kate', 'Ben')

    Attributes:
        codes: Index into *names*; -1 unknown, shape (n,).
        table: The names, by order of appearance.
        said: Codes in *words*, of the metadata's name or else of the text's, whether or not that
            is a speaker's; -1 for neither, shape (n,).
        words: What is said.
        is_given: Whether the metadata says who speaks, shape (n,).
    """

    codes: IntArray
    table: CodeTable
    said: IntArray
    words: CodeTable
    is_given: BoolArray

    @classmethod
    def build(cls, items: Sequence[MemoryItem], source: IntArray) -> Speakers:
        """Speakers of the items, of which the source's codes are known, shape (n,)."""
        names, is_given = _said(items)
        said, words = CodeTable().coded(names)
        return cls._of(said, words, is_given, source)

    def changed(self, items: Sequence[MemoryItem], rows: RowMap, source: IntArray) -> Speakers:
        """Speakers of other items; what rows that are not fresh say is taken from here."""
        names, fresh_given = _said([items[row] for row in rows.fresh.tolist()])
        said, words = _recoded(self.words, self.said, names, rows)
        is_given = rows.carried(self.is_given, fresh_given)
        return Speakers._of(said, words, is_given, source)

    @classmethod
    def _of(
        cls, said: IntArray, words: CodeTable, is_given: BoolArray, source: IntArray
    ) -> Speakers:
        speaks = is_given | _begin_as_talk(said, is_given, source)
        codes, table = words.renumbered(np.where(speaks, said, -1))
        return cls(codes, table, said, words, is_given)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names, by code."""
        return tuple(self.table.names())

    @cached_property
    def frequent(self) -> tuple[str, ...]:
        """Names of those who say a twentieth or more of what somebody says."""
        known = self.codes[self.codes >= 0]
        counts = np.bincount(known, minlength=len(self.names))
        often = np.flatnonzero(counts >= _FREQUENT_SHARE * max(len(known), 1))
        return tuple(self.names[code] for code in often.tolist())


def _said(items: Sequence[MemoryItem]) -> tuple[list[str | None], BoolArray]:
    given = [_speaker(item) for item in items]
    names = [
        name_before_colon(item.content) if name is None else name
        for item, name in zip(items, given, strict=True)
    ]
    return names, np.array([name is not None for name in given], dtype=bool)


def _begin_as_talk(said: IntArray, is_given: BoolArray, source: IntArray) -> BoolArray:
    """Which items begin with a speaker's name: where most of their source do, few names come back
    again and again. Items without a source count as one.
    """
    begins = (said >= 0) & ~is_given
    if not begins.any():
        return begins
    place = source + 1
    sources = int(place.max()) + 1
    items = np.bincount(place[~is_given], minlength=sources)
    beginning = np.bincount(place[begins], minlength=sources)
    width = int(said.max()) + 1
    pairs = np.unique(place[begins] * width + said[begins])
    names = np.bincount(pairs // width, minlength=sources)
    is_talk = (
        (beginning >= _TALK_SHARE * items)
        & (names <= _MOST_SPEAKERS)
        & (beginning >= _TURNS_PER_SPEAKER * names)
    )
    return begins & is_talk[place]


def _seconds(times: Sequence[datetime | None]) -> FloatArray:
    return _floats(
        [
            # Not by a call for each, which takes as long again.
            None
            if time is None
            else time.timestamp()
            if time.tzinfo is not None
            else seconds_of(time)
            for time in times
        ]
    )


def _floats(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _speaker(item: MemoryItem) -> str | None:
    return name_in(item.metadata, "speaker", "role") if item.metadata else None


def _recoded(
    table: CodeTable, codes: IntArray, fresh: Sequence[str | None], rows: RowMap
) -> tuple[IntArray, CodeTable]:
    """Codes of the new rows in order of first appearance, as if they were numbered anew."""
    made, table = table.coded(fresh)
    result = rows.carried(codes, made)
    return (result, table) if rows.origin is None else table.renumbered(result)


def _rows_of_groups(group: IntArray, rows: IntArray) -> IntArray:
    """Rows of the groups that some rows are in, ascending."""
    met = np.unique(group[rows])
    return np.flatnonzero(np.isin(group, met[met >= 0])) if (met >= 0).any() else met[:0]


def _check_groups(
    items: Sequence[MemoryItem], tier: IntArray, group: IntArray, rows: IntArray
) -> None:
    first: dict[int, int] = {}
    for row, code in zip(rows.tolist(), group[rows].tolist(), strict=True):
        other = first.setdefault(code, row)
        if tier[other] != tier[row]:
            raise InputError(
                f"group {items[row].group!r} has items of two tiers: {items[other].id!r} is "
                f"{items[other].tier.value}, {items[row].id!r} is {items[row].tier.value}. "
                "A group belongs to one tier."
            )
