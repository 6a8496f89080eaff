"""The words of a large workspace in parts, each of many texts, and what no part covers.

    places     1 ........ 50,417 | 50,418 ........ 103,002 | 103,003 ...
    part       3                 | 9                       | none: read from the memories themselves

A part is made by a job, in one transaction with its row of `word_part`; postings without that row
count for nothing. It is dropped in the transaction that gives one of its texts other words, brings
one back, or deletes one: its places are then read from the memories, until a job makes it anew. So
what parts and memories say together is right at every moment, and no word of a text outlives it.
A memory that is forgotten keeps its postings as long as it keeps its row; who reads them leaves it
out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func

from mba_integrations.services.store.dialect import POSTGRES
from mba_integrations.services.store.rows.memories import MemoryState
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements.prefetch.postings import Pairs
from mba_integrations.services.store.tables.memories import memory
from mba_integrations.services.store.tables.words import word_part, word_posting

MOST_SPAN = 2**24
"""Places that a part may reach over: scores of all of them are 64 MB."""
TextOf = tuple[int, str, str | None]
"""Place, text and written terms of a memory."""


@dataclass(frozen=True, slots=True)
class Part:
    """Of which places the postings of a part are.

    Attributes:
        part: Its number.
        first_seq: Its first place.
        last_seq: Its last place.
        texts: How many texts it has.
        terms: How many terms they have together.
        languages: Codes of their languages.
        as_of: Where the workspace's sequence stood when its texts were read; 0 once it is put.
    """

    part: int
    first_seq: int
    last_seq: int
    texts: int = 0
    terms: int = 0
    languages: tuple[int, ...] = ()
    as_of: int = 0

    def covers(self, place: int) -> bool:
        """Whether a place is one of its places."""
        return self.first_seq <= place <= self.last_seq


def can_find(reading: Reading) -> bool:
    """Whether the database finds candidates: Postgres does."""
    return reading.connection.dialect.name == POSTGRES


def listed(reading: Reading) -> tuple[Part, ...]:
    """The parts, by their places. None while the workspace never had any."""
    found = reading.execute(reading.select(word_part).order_by(word_part.c.first_seq))
    return tuple(
        Part(
            part=row.part,
            first_seq=row.first_seq,
            last_seq=row.last_seq,
            texts=row.texts,
            terms=row.terms,
            languages=tuple(row.languages),
        )
        for row in found
    )


def uncovered(parts: Sequence[Part]) -> Iterator[tuple[int, int | None]]:
    """Ranges of places that no part covers, first and last included; the last one has no end.

    >>> part = Part(1, first_seq=5, last_seq=9)
    >>> list(uncovered([part]))
    [(1, 4), (10, None)]
    """
    following = 1
    for part in parts:
        if part.first_seq > following:
            yield following, part.first_seq - 1
        following = max(following, part.last_seq + 1)
    yield following, None


def sizes_between(reading: Reading, first: int, last: int | None) -> tuple[int, int]:
    """How many active memories have a place in a range, and how many terms they have together."""
    lines = func.cardinality(func.string_to_array(memory.c.terms, "\n"))
    terms = func.coalesce(func.sum(lines - 1), 0)
    statement = reading.select(memory, func.count(), terms).where(
        memory.c.state == MemoryState.ACTIVE, memory.c.added_seq >= first
    )
    if last is not None:
        statement = statement.where(memory.c.added_seq <= last)
    texts, total = reading.execute(statement).one()
    return int(texts), int(total)


def texts_between(
    reading: Reading, first: int, last: int | None, *, limit: int
) -> tuple[TextOf, ...]:
    """Active memories with a place in a range, by their places."""
    columns = (memory.c.added_seq, memory.c.content, memory.c.terms)
    statement = reading.select(memory, *columns).where(
        memory.c.state == MemoryState.ACTIVE, memory.c.added_seq >= first
    )
    if last is not None:
        statement = statement.where(memory.c.added_seq <= last)
    found = reading.execute(statement.order_by(memory.c.added_seq).limit(limit))
    return tuple((seq, content, terms) for seq, content, terms in found)


def begin(writing: Writing) -> None:
    """From now on the workspace has parts, and its vectors are kept for pgvector as well."""
    row = {"part": 0, "first_seq": 0, "last_seq": 0, "texts": 0, "terms": 0, "languages": []}
    writing.insert(word_part, [row], skip_known=True)


def are_kept(reading: Reading) -> bool:
    """Whether the workspace has parts, if only an empty one."""
    return reading.execute(reading.select(word_part, word_part.c.part).limit(1)).first() is not None


def add_postings(writing: Writing, part: int, pairs: Iterable[tuple[str, Pairs]]) -> None:
    """Write postings of a part. They count once the part is put."""
    rows = [
        {"term": term, "part": part, "texts": len(found.places), "pairs": found.to_bytes()}
        for term, found in pairs
    ]
    writing.insert(word_posting, rows, skip_known=True)


def put(writing: Writing, part: Part) -> None:
    """Have the postings of a part count, in place of those of parts within its places."""
    within = [
        one.part
        for one in listed(writing)
        if part.first_seq <= one.first_seq and one.last_seq <= part.last_seq
    ]
    _drop(writing, within)
    row = {
        "part": part.part,
        "first_seq": part.first_seq,
        "last_seq": part.last_seq,
        "texts": part.texts,
        "terms": part.terms,
        "languages": list(part.languages),
    }
    writing.insert(word_part, [row])


def drop_covering(writing: Writing, places: Iterable[int]) -> None:
    """Drop the parts that cover one of these places."""
    wanted = sorted(places)
    if not wanted:
        return
    _drop(
        writing,
        [one.part for one in listed(writing) if one.texts and any(map(one.covers, wanted))],
    )
    drop_unfinished(writing)


def drop_unfinished(writing: Writing) -> None:
    """Delete postings whose part is not put: of a job that died, or that has to begin again."""
    last = max((one.part for one in listed(writing)), default=-1)
    writing.execute(writing.delete(word_posting).where(word_posting.c.part > last))


def _drop(writing: Writing, numbers: Sequence[int]) -> None:
    if numbers:
        for table in (word_posting, word_part):
            writing.execute(writing.delete(table).where(table.c.part.in_(numbers)))
