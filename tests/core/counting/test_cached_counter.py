"""Counts are kept by content: each text is counted once, and never more are kept than allowed."""

import pickle
import sys
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.counting.cached_counter import CachedCounter
from mba_integrations.core.counting.given_counters import CallableCounter
from mba_integrations.core.errors import InputError


class Recording:
    """Counts characters and remembers the batches that it was asked for."""

    id = "characters"
    exact = True

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def count(self, text: str, /) -> int:
        return len(text)

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        self.batches.append(list(texts))
        return [len(text) for text in texts]


def test_a_cached_counter_has_the_id_and_exactness_of_what_it_wraps() -> None:
    cached = CachedCounter(Recording())
    assert (cached.id, cached.exact) == ("characters", True)


def test_each_distinct_missing_text_is_counted_once_in_one_batch() -> None:
    counter = Recording()
    cached = CachedCounter(counter)
    cached.count("aa")
    assert cached.count_batch(["b", "aa", "ccc", "b", ""]) == [1, 2, 3, 1, 0]
    assert counter.batches == [["aa"], ["b", "ccc", ""]]


def test_a_known_batch_asks_nothing() -> None:
    counter = Recording()
    cached = CachedCounter(counter)
    for _ in range(3):
        assert cached.count_batch(["x", "yy"]) == [1, 2]
    assert cached.count_batch([]) == []
    assert len(counter.batches) == 1


def test_info_counts_hits_and_misses() -> None:
    cached = CachedCounter(Recording(), max_entries=10)
    cached.count_batch(["a", "b", "a"])
    cached.count("b")
    info = cached.info()
    assert (info.hits, info.misses, info.entries, info.max_entries) == (2, 2, 2, 10)


def test_clear_forgets_counts() -> None:
    counter = Recording()
    cached = CachedCounter(counter)
    cached.count("a")
    cached.clear()
    cached.count("a")
    assert counter.batches == [["a"], ["a"]]


def test_the_oldest_counts_go_first() -> None:
    counter = Recording()
    cached = CachedCounter(counter, max_entries=3)
    cached.count_batch(["a", "b", "c"])
    cached.count("d")
    cached.count_batch(["b", "c", "d"])
    assert counter.batches == [["a", "b", "c"], ["d"]]


def test_when_it_is_full_a_sixteenth_goes_at_once() -> None:
    cache = CachedCounter(CallableCounter(len, id="characters"), max_entries=64)
    cache.count_batch([f"text {number}" for number in range(64)])
    assert cache.info().entries == 64
    cache.count("one more")
    assert cache.info().entries == 61
    cache.count_batch(["text 3", "text 4"])
    assert (cache.info().hits, cache.info().misses) == (1, 66)


def test_no_entries_still_counts_each_text_of_a_batch_once() -> None:
    counter = Recording()
    cached = CachedCounter(counter, max_entries=0)
    assert cached.count_batch(["a", "a", "bb"]) == [1, 1, 2]
    assert counter.batches == [["a", "bb"]]
    assert cached.info().entries == 0


@given(
    batches=st.lists(st.lists(st.text("abc", max_size=3), max_size=12), max_size=12),
    max_entries=st.integers(0, 20),
)
def test_counts_are_those_of_the_wrapped_counter_and_entries_stay_bounded(
    batches: list[list[str]], max_entries: int
) -> None:
    cached = CachedCounter(Recording(), max_entries=max_entries)
    for batch in batches:
        assert cached.count_batch(batch) == [len(text) for text in batch]
        assert cached.info().entries <= max_entries


def test_long_texts_are_kept_as_a_digest() -> None:
    counter = Recording()
    cached = CachedCounter(counter)
    long, other = "a\ud800" * 40_000, "a\ud801" * 40_000
    assert cached.count_batch([long, other, long]) == [80_000] * 3
    assert cached.count(long) == 80_000
    assert [len(batch) for batch in counter.batches] == [2]
    assert max(len(key) for key in cached._counts) == 32


@pytest.mark.parametrize("max_entries", [-1, 1.5, None, True])
def test_a_limit_that_is_no_number_of_entries_is_refused(max_entries: object) -> None:
    with pytest.raises(InputError, match="max_entries"):
        CachedCounter(Recording(), max_entries=max_entries)  # type: ignore[arg-type]


@pytest.mark.parametrize("counter", [len, None, Recording])
def test_what_is_no_counter_is_refused(counter: object) -> None:
    with pytest.raises(InputError, match="TokenCounter"):
        CachedCounter(counter)  # type: ignore[arg-type]


def test_a_bad_count_is_refused_and_not_kept() -> None:
    class Negative(Recording):
        def count_batch(self, texts: Sequence[str], /) -> list[int]:
            return [-1 for _ in texts]

    cached = CachedCounter(Negative())
    with pytest.raises(InputError, match="'characters'"):
        cached.count("x")
    assert cached.info().entries == 0


def test_many_threads_get_right_counts_while_entries_are_evicted() -> None:
    cached = CachedCounter(Recording(), max_entries=50)
    texts = ["x" * length for length in range(200)]
    wrong: list[list[int]] = []

    def count() -> None:
        for start in range(0, 200, 10):
            got = cached.count_batch(texts[start:] + texts[:start])
            if got != [*range(start, 200), *range(start)]:
                wrong.append(got)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cached.info().entries <= 50


def test_a_pickled_cache_comes_back_empty() -> None:
    cached = CachedCounter(Recording(), max_entries=7)
    cached.count("a")
    twin = pickle.loads(pickle.dumps(cached))
    assert (twin.info().entries, twin.max_entries, twin.count("a")) == (0, 7, 1)


@pytest.mark.parametrize("size", [1_000, 60_000, 100_000], ids=str)
def test_texts_that_are_kept_are_bounded_by_their_bytes(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 500_000
    monkeypatch.setattr("mba_integrations.core.counting.cached_counter._MAX_KEY_BYTES", most)
    counter = CachedCounter(CallableCounter(len, id="characters"))
    for number in range(700):
        assert counter.count(str(number).ljust(size)) == size
        held = sum(sys.getsizeof(key) for key in counter._counts)
        assert counter._key_bytes == held <= most
    entries = counter.info().entries
    # A text is as large as itself, and beyond 65,536 characters as large as its digest.
    assert (entries == 700) if size > 65_536 else (most // (2 * size) <= entries < 700)
    assert counter.count("699".ljust(size)) == size
    assert counter.info().hits == 1
