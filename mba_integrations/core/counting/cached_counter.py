"""Keep token counts by the content of the text.

`CachedCounter` gives the counts of the counter that it wraps, under the same id. A text is counted
once as long as its count is kept; a batch is looked up first, and what is missing goes to the
wrapped counter in one batch, each distinct text once. A batch that is all known costs under 0.2 us
per text.

Texts are the keys, so a text that an item holds is not copied. Long texts are kept as a digest.
Counts are bounded in number, and their keys in bytes.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from sys import getsizeof
from typing import Any

from mba_integrations.core.counting.counter import TokenCounter, checked_counts
from mba_integrations.core.errors import InputError

DEFAULT_MAX_ENTRIES = 200_000

# Texts of more characters than this are known by their digest, so the cache holds none of them.
_MAX_KEY_CHARS = 65_536
_DIGEST_BYTES = 32

# What keys may take in all: as many as the default number of entries, at 1,300 characters each.
_MAX_KEY_BYTES = 256 * 2**20

# Share of the entries that go at once when the cache is full: going one by one would walk over the
# gaps at the front of the dictionary again each time.
_EVICTED_SHARE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheInfo:
    """What a `CachedCounter` has done so far.

    Args:
        hits: Texts whose count was known, repeats within a batch included.
        misses: Texts that were counted.
        entries: Counts that are kept now.
        max_entries: Most that are kept.
    """

    hits: int
    misses: int
    entries: int
    max_entries: int


class CachedCounter:
    """A counter that counts each text once. Safe to use from many threads.

    Two threads that miss the same text at the same time both count it, with equal results.

    Args:
        counter: What counts. Its `id` and `exact` are this counter's as well.
        max_entries: Most counts that are kept, >= 0. When there are more, or their texts take more
            than 256 MB, the oldest sixteenth goes. 0 keeps none.

    Raises:
        InputError: If *max_entries* is not an integer >= 0, or *counter* is no `TokenCounter`.
    """

    __slots__ = (
        "_counter",
        "_counts",
        "_hits",
        "_key_bytes",
        "_lock",
        "_misses",
        "exact",
        "id",
        "max_entries",
    )

    def __init__(self, counter: TokenCounter, *, max_entries: int = DEFAULT_MAX_ENTRIES) -> None:
        if not isinstance(counter, TokenCounter) or isinstance(counter, type):
            raise InputError(
                f"counter must be a TokenCounter, got {counter!r}. See as_token_counter()."
            )
        if type(max_entries) is not int or max_entries < 0:
            raise InputError(f"max_entries must be an integer >= 0, got {max_entries!r}.")
        self._counter = counter
        self.id = counter.id
        self.exact = counter.exact
        self.max_entries = max_entries
        self._counts: dict[str | bytes, int] = {}
        self._key_bytes = 0
        self._hits = 0
        self._misses = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"CachedCounter({self._counter!r}, max_entries={self.max_entries})"

    def count(self, text: str, /) -> int:
        """Tokens of *text*.

        Raises:
            InputError: If the wrapped counter gives no integer >= 0.
        """
        return self.count_batch((text,))[0]

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        """Tokens of each text, in order.

        Raises:
            InputError: If the wrapped counter gives no integer >= 0 for each text.
        """
        counts = list(map(self._counts.get, texts))
        if None in counts:
            return self._count_missing(texts, counts)
        with self._lock:
            self._hits += len(counts)
        return counts  # type: ignore[return-value]

    def info(self) -> CacheInfo:
        """Hits, misses and entries up to now."""
        with self._lock:
            return CacheInfo(
                hits=self._hits,
                misses=self._misses,
                entries=len(self._counts),
                max_entries=self.max_entries,
            )

    def clear(self) -> None:
        """Forget every count; hits and misses stay."""
        with self._lock:
            self._counts.clear()
            self._key_bytes = 0

    def _count_missing(self, texts: Sequence[str], counts: list[int | None]) -> list[int]:
        missing = {place: _key(texts[place]) for place, count in enumerate(counts) if count is None}
        known = {key: self._counts.get(key) for key in missing.values()}
        fresh = {key: texts[place] for place, key in missing.items() if known[key] is None}
        if fresh:
            counted = checked_counts(self._counter, list(fresh.values()))
            known |= zip(fresh, counted, strict=True)
        with self._lock:
            self._hits += len(counts) - len(fresh)
            self._misses += len(fresh)
            self._keep({key: known[key] for key in fresh})
        for place, key in missing.items():
            counts[place] = known[key]
        return counts  # type: ignore[return-value]

    def _keep(self, fresh: dict[str | bytes, Any]) -> None:
        for key, count in islice(fresh.items(), self.max_entries):
            if key not in self._counts:  # another thread may have kept it meanwhile
                self._counts[key] = count
                self._key_bytes += getsizeof(key)
        excess = len(self._counts) - self.max_entries
        if excess > 0:
            self._forget(max(excess, self.max_entries // _EVICTED_SHARE))
        while self._key_bytes > _MAX_KEY_BYTES:
            self._forget(max(1, len(self._counts) // _EVICTED_SHARE))

    def _forget(self, entries: int) -> None:
        """Forget the oldest."""
        for key in list(islice(self._counts, entries)):
            del self._counts[key]
            self._key_bytes -= getsizeof(key)

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake_cached_counter, (self._counter, self.max_entries)


def _remake_cached_counter(counter: TokenCounter, max_entries: int) -> CachedCounter:
    return CachedCounter(counter, max_entries=max_entries)


def _key(text: str) -> str | bytes:
    if len(text) <= _MAX_KEY_CHARS:
        return text
    content = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
