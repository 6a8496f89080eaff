"""Hostile input costs in proportion to its size, in every stage.

Where work can be counted, it is: pairs compared, terms looked up, bytes kept, calls made. Regular
expressions and arrays count nothing, so stages that read text are held against themselves, in CPU
time of the process, which other programs do not add to. Input of `TIMES` the size may take
`MOST_GROWTH` times as long, in the best of eight runs at most: four times what is linear, a fourth
of what is quadratic. What is shorter than `FLOOR_SECONDS` counts as that.
"""

from __future__ import annotations

import re
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import pytest
from counted_work import calls_in

from mba_integrations import (
    MemoryBudgetAllocator,
    MemoryItem,
    PromptFormat,
    RenderingSettings,
    WorkspaceConfig,
)
from mba_integrations.core.budget.complexity import estimate_complexity
from mba_integrations.core.counting.heuristic_counter import HeuristicCounter
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.headings import HeadingIndex
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.passages import best_passage
from mba_integrations.core.search.terms import TermSplitter
from mba_integrations.core.selection import duplicates
from mba_integrations.core.selection.duplicates import near_duplicates
from mba_integrations.ingest.chunking import chunks

CHARACTERS = 1_000
TIMES = 16
RUNS = 8
FLOOR_SECONDS = 0.002
MOST_GROWTH = 4.0 * TIMES
NOW = datetime(2026, 6, 1, tzinfo=UTC)
TEMPLATES = {"rag": "[{date}] [{source}] {text} {id}"}
CONFIG = WorkspaceConfig(workspace_id="w")

TEXTS: Mapping[str, Callable[[int], str]] = {
    "spaces-after-a-tag": lambda size: "a <" + " " * size + "x",
    "spaces": lambda size: "a" + " " * size + "a",
    "line-ends": lambda size: "a" + "\n" * size + "a",
    "spaces-and-line-ends": lambda size: "a" + " \n" * (size // 2) + "a",
    "one-word": lambda size: "a" * size,
    "one-number": lambda size: "1" * size,
    "one-letter-words": lambda size: "a " * (size // 2),
    "short-sentences": lambda size: "a. " * (size // 3),
    "words-of-both-cases": lambda size: "aB" * (size // 2),
    "letters-and-digits": lambda size: "a1" * (size // 2),
    "dots": lambda size: "." * size,
    "dotted": lambda size: "a." * (size // 2),
    "closing-quotes": lambda size: "!" + ")" * size,
    "quotes": lambda size: "'" * size,
    "contractions": lambda size: "don't" * (size // 5),
    "brackets": lambda size: "[" * size,
    "places": lambda size: "[{id} " * (size // 6),
    "tags": lambda size: "<" * size,
    "open-tags": lambda size: "< / " * (size // 4),
    "headings": lambda size: "# a\n" * (size // 4),
    "rules": lambda size: "=" * size,
    "dashes": lambda size: "-" * size,
    "underscores": lambda size: "a_" * (size // 2),
    "backticks": lambda size: "`" * size,
    "pipes": lambda size: "|" * size,
    "slashes": lambda size: "a/" * (size // 2),
    "questions": lambda size: "why? " * (size // 5),
    "listing": lambda size: "a, " * (size // 3),
    "and": lambda size: "a and " * (size // 6),
    "accents": lambda size: "e" + "\u0301" * size,
    "ideographs": lambda size: "日" * size,
    "ideographic-stops": lambda size: "日。 " * (size // 3),
    "emoji": lambda size: "👩\u200d" * (size // 2),
    "zeros": lambda size: "\0" * size,
    "surrogates": lambda size: "\ud800" * size,
}


def item_of(text: str) -> MemoryItem:
    return MemoryItem("a", text, "rag", source="s")


def rendered(shown: PromptFormat, templates: Any = None) -> Callable[[str], object]:
    settings = RenderingSettings(format=shown, line_templates=templates or {})
    return lambda text: Renderer(settings).line(item_of(text))


def passage(text: str) -> object:
    return best_passage(
        text, weights={"a": 1.0, "日": 2.0}, terms_of=TermSplitter().terms, max_chars=2000
    )


def whole_call(text: str, query: str) -> object:
    allocator = MemoryBudgetAllocator(len)
    allocator.register_workspace(CONFIG)
    found = allocator.allocate_memory_budget(query, [item_of(text)], "w", 2000, now=NOW)
    return found.explain(), found.to_dict(), found.as_previous, found.to_cache_blocks()


STAGES: Mapping[str, Callable[[str], object]] = {
    "markdown": rendered(PromptFormat.MARKDOWN),
    "xml": rendered(PromptFormat.XML),
    "messages": rendered(PromptFormat.MESSAGES),
    "template": rendered(PromptFormat.XML, TEMPLATES),
    "count": HeuristicCounter().count,
    "terms": lambda text: TermSplitter().terms(text),
    "BM25": lambda text: LexicalIndex.build([text]).scores(text),
    "passages": passage,
    "headings": lambda text: HeadingIndex([text, "A B\nc"]).named_in(text),
    "complexity": lambda text: estimate_complexity(
        text, settings=CONFIG.complexity, conversation_turns=0, candidate_count=1
    ),
    "duplicates": lambda text: pairwise([item_of(text), MemoryItem("b", text + "b", "rag")]),
    "pieces": lambda text: chunks(text, path="a.md"),
    "call": lambda text: whole_call(text, "What of a?"),
    "query": lambda text: whole_call("What of a?", text),
}


def seconds(work: Callable[[Any], object], given: Any) -> float:
    """CPU time of one run."""
    started = time.process_time()
    work(given)
    return time.process_time() - started


def grows_too_fast(
    work: Callable[[Any], object], small: Any, large: Any, *, runs: int = RUNS
) -> str | None:
    """What to say of *large*, `TIMES` *small*, if it takes more than `MOST_GROWTH` as long."""
    first = max(FLOOR_SECONDS, seconds(work, small))
    least = float("inf")
    for _ in range(runs):
        least = min(least, seconds(work, large))
        if least <= MOST_GROWTH * first:
            return None
    return f"{first * 1000:.1f} ms, {TIMES} times the input: {least * 1000:.1f} ms"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_takes_time_in_proportion_to_the_text(stage: str) -> None:
    found = {}
    for name, make in TEXTS.items():
        slow = grows_too_fast(STAGES[stage], make(CHARACTERS), make(TIMES * CHARACTERS))
        if slow is not None:
            found[name] = slow
    assert found == {}


@pytest.mark.parametrize(
    ("power", "is_seen"),
    [
        pytest.param(1.0, False, id="linear"),
        pytest.param(1.3, False, id="a-little-more"),
        pytest.param(2.0, True, id="quadratic"),
        pytest.param(3.0, True, id="cubic"),
    ],
)
def test_growth_is_judged_by_the_clock(
    power: float, is_seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 0.0

    def work(size: int) -> None:
        nonlocal clock
        clock += 1e-2 * size**power

    monkeypatch.setattr(time, "process_time", lambda: clock)
    assert (grows_too_fast(work, 1, TIMES) is not None) == is_seen


def test_an_expression_that_goes_back_from_each_place_is_seen() -> None:
    small, large = (TEXTS["spaces"](size) for size in (CHARACTERS, TIMES * CHARACTERS))
    assert grows_too_fast(re.compile(r"\s+$").search, small, large, runs=1) is not None
    assert grows_too_fast(re.compile(r"(?<!\s)\s++$").search, small, large) is None


SENTENCE = " ".join(f"word{place}" for place in range(40))  # nearly equal with one more word

ITEMS: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "equal": lambda place: {"content": SENTENCE},
    "nearly-equal": lambda place: {"content": f"{SENTENCE} {place}"},
    "equal-and-said": lambda place: {"content": SENTENCE, "tier": "working"},
    "one-group": lambda place: {"group": "g"},
    "groups": lambda place: {"group": f"g{place}"},
    "sources": lambda place: {"source": f"s{place}", "position": -place},
    "one-place": lambda place: {"source": "s", "position": 0},
    "speakers": lambda place: {"metadata": {"speaker": f"Kate{place}"}},
    "headings": lambda place: {"content": f"Kate {place}\n{SENTENCE}"},
    "one-heading": lambda place: {"content": f"Kate Bell\n{place} {SENTENCE}"},
    "one-time": lambda place: {"created_at": NOW},
    "times": lambda place: {"created_at": datetime(1 + place, 1, 1, tzinfo=UTC)},
    "words": lambda place: {"content": f"w{place} v{place} u{place}"},
}


def many(name: str, count: int) -> list[MemoryItem]:
    """Items whose texts are in no list of half or of twice the length, for words are remembered."""
    make = ITEMS[name]
    made = [{"content": f"{n} of it", "tier": "rag", **make(n)} for n in range(count, 2 * count)]
    return [MemoryItem(str(place), **fields) for place, fields in enumerate(made)]


def choose(items: Sequence[MemoryItem]) -> object:
    allocator = MemoryBudgetAllocator(len)
    allocator.register_workspace(CONFIG)
    found = allocator.allocate_memory_budget("What of Kate?", items, "w", 10**6, now=NOW)
    return found.to_dict(), found.explain(), found.as_previous


@pytest.mark.parametrize("name", ITEMS)
def test_a_call_makes_calls_in_proportion_to_the_items(name: str) -> None:
    choose(many(name, 2))  # what is made once for all calls is not counted
    counts = [calls_in(partial(choose, many(name, size))) for size in (300, 600, 1200)]
    assert counts[2] - counts[1] < 2.5 * (counts[1] - counts[0]) + 2000


@pytest.mark.parametrize("name", ITEMS)
def test_a_call_takes_time_in_proportion_to_the_items(name: str) -> None:
    slow = grows_too_fast(choose, many(name, 100), many(name, 100 * TIMES))
    assert slow is None


def pairwise(items: Sequence[MemoryItem], value: Any = None) -> dict[int, int]:
    rows = np.arange(len(items))
    value = np.ones(len(items)) if value is None else value
    return near_duplicates(PoolSnapshot(items), rows, value=value, threshold=0.9)


@pytest.mark.parametrize("name", ["equal", "nearly-equal", "equal-and-said"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda count: np.ones(count), id="of-one-value"),
        pytest.param(lambda count: np.arange(count) / count, id="rising"),
        pytest.param(lambda count: -np.arange(count) / count, id="falling"),
        pytest.param(lambda count: np.random.default_rng(0).random(count), id="of-any-value"),
    ],
)
def test_of_n_copies_fewer_than_n_pairs_are_compared(
    name: str, value: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = 0
    overlap = duplicates._overlap

    def counted(left: frozenset[str], right: frozenset[str]) -> float:
        nonlocal pairs
        pairs += 1
        return overlap(left, right)

    monkeypatch.setattr(duplicates, "_overlap", counted)
    for count in (700, 1400):
        pairs = 0
        assert len(pairwise(many(name, count), value(count))) == count - 1
        assert pairs == count - 1


def kept_and_peak(work: Callable[[], object]) -> tuple[float, float]:
    """Megabytes that stay after *work*, and the most at a time."""
    tracemalloc.start()
    try:
        work()
        return tuple(size / 2**20 for size in tracemalloc.get_traced_memory())  # type: ignore[return-value]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["equal", "nearly-equal"])
def test_pairs_of_copies_are_not_listed(name: str) -> None:
    items = many(name, 3000)
    _, peak = kept_and_peak(lambda: pairwise(items))
    assert peak < 60


def test_words_that_are_kept_are_bounded_by_their_bytes() -> None:
    items = [
        MemoryItem(str(text), " ".join(f"{text}x{word}" for word in range(6000)), "rag")
        for text in range(80)
    ]
    snapshot = PoolSnapshot(items)
    rows = [np.array([row]) for row in range(len(items))]
    kept, _ = kept_and_peak(
        lambda: [near_duplicates(snapshot, row, value=np.ones(1), threshold=0.9) for row in rows]
    )
    assert kept < 1.5 * duplicates._REMEMBERED_BYTES / 2**20


class Weights(dict[str, float]):
    """Weights that count how often they are read."""

    reads = 0

    def __getitem__(self, term: str) -> float:
        Weights.reads += 1
        return super().__getitem__(term)


def sentences(kind: str, count: int) -> tuple[str, Weights]:
    """As many sentences as terms: each with its own, all with all of few, or ever more of them."""
    terms = [f"w{place}" for place in range(count)]
    texts: Iterator[str] = {
        "its-own": (f"{term}. " for term in terms),
        "a-common-one": (f"{terms[0]} {term}. " for term in terms),
        "with-the-next": (" ".join(terms[place : place + 8]) + ". " for place in range(count)),
    }[kind]
    return "".join(texts), Weights(
        {term: 1.0 + (7 * place % 11) for place, term in enumerate(terms)}
    )


@pytest.mark.parametrize("kind", ["its-own", "a-common-one", "with-the-next"])
def test_a_passage_reads_weights_in_proportion_to_the_sentences(kind: str) -> None:
    reads = []
    for count in (400, 800, 1600):
        text, weights = sentences(kind, count)
        Weights.reads = 0
        found = best_passage(
            text,
            weights=weights,
            terms_of=lambda one: one.strip(". ").split(),
            max_chars=len(text) - 1,
        )
        assert found is not None
        reads.append(Weights.reads)
    assert reads[2] - reads[1] < 2.5 * (reads[1] - reads[0])
