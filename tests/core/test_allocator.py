"""The allocator as a whole: workspaces, threads, turns, counters and embedders."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone
from typing import Any

import numpy as np
import pytest
from allocators import BY_RELEVANCE, DAY, NOW, Clock, allocator_with, ids, result, workspace
from fakes import CharCounter, line

from mba_integrations import (
    InputError,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryPool,
    MemoryTier,
    Omitted,
    QueryComplexity,
    UnknownWorkspaceError,
    apply_recommendations,
)

# Workspaces


def test_default_is_there_from_the_start_and_can_be_replaced() -> None:
    allocator = allocator_with()
    assert allocator.workspace_ids == ("default",)
    assert allocator.workspace("default").max_total_tokens == 8192
    allocator.register_workspace(workspace("default", max_total_tokens=70))
    assert allocator.workspace_ids == ("default",)
    assert allocator.allocate_memory_budget("?", []).budget_tokens <= 70


def test_each_call_uses_the_settings_of_its_workspace() -> None:
    allocator = allocator_with(
        workspace("small", max_total_tokens=100), workspace("xml", rendering={"format": "xml"})
    )
    items = [line("a", 20)]
    assert allocator.workspace_ids == ("default", "small", "xml")
    assert allocator.allocate_memory_budget("?", items, "small").budget_tokens <= 100
    prompt = allocator.allocate_memory_budget("?", items, "xml").prompt_text
    assert prompt.startswith("<rag>\n<item>a")


def test_registering_again_replaces_and_only_settings_are_accepted() -> None:
    allocator = allocator_with(workspace(max_total_tokens=100), workspace(max_total_tokens=50))
    assert allocator.workspace("w").max_total_tokens == 50
    with pytest.raises(InputError, match="config must be a WorkspaceConfig, got dict"):
        allocator.register_workspace({"workspace_id": "w"})  # type: ignore[arg-type]


def test_a_simple_query_gets_less_of_the_ceiling_than_a_hard_one() -> None:
    allocator = allocator_with(workspace(max_total_tokens=1000))
    simple = allocator.allocate_memory_budget("Who?", [], "w")
    hard = allocator.allocate_memory_budget(
        "Compare the two database designs, analyse why each fails under load, "
        "and propose an architecture with trade-offs for consistency and latency.",
        [],
        "w",
    )
    assert simple.complexity is QueryComplexity.SIMPLE
    assert (simple.budget_tokens, hard.budget_tokens) == (500, 1000)
    assert allocator.estimate_query_complexity("Who?").complexity is simple.complexity


def test_a_reserve_comes_off_the_ceiling_but_not_off_a_given_budget() -> None:
    allocator = allocator_with(workspace(max_total_tokens=1000))
    less = allocator.allocate_memory_budget("Who?", [], "w", reserved_tokens=400)
    assert less.budget_tokens == 300
    exact = allocator.allocate_memory_budget("Who?", [], "w", 900, reserved_tokens=400)
    assert exact.budget_tokens == 900


# Threads


def test_many_threads_give_the_results_of_one() -> None:
    draw = random.Random(5)
    words = ["deploy", "key", "Monday", "Zebra", "index", "database", "query", "cache"]
    lists = [
        [
            MemoryItem(
                f"m{number}",
                " ".join(draw.choices(words, k=draw.randint(3, 30))),
                draw.choice(tuple(MemoryTier)),
                created_at=NOW - DAY * number,
            )
            for number in range(40)
        ]
        for _ in range(4)
    ]
    calls = [(lists[n % 4], f"{words[n % 8]} {words[n % 3]}?", 60 + 7 * n) for n in range(40)]

    def run(allocator: MemoryBudgetAllocator, call: tuple[list[MemoryItem], str, int]) -> Any:
        items, query, budget = call
        return result(allocator.allocate_memory_budget(query, items, "w", budget, now=NOW))

    config = workspace(performance={"prepared_pools": 2})
    alone = allocator_with(config, token_counter=None)
    expected = [run(alone, call) for call in calls]
    shared = allocator_with(config, token_counter=None)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda call: run(shared, call), calls)) == expected
    assert shared.get_allocation_statistics("w").allocation_count == len(calls)


# Turns


def test_previous_keeps_the_order_of_what_stays_and_appends_what_is_new() -> None:
    config = workspace(**BY_RELEVANCE)
    allocator = allocator_with(config)
    before = [
        line("a", 20, relevance=0.9),
        line("b", 20, relevance=0.8),
        line("c", 20, relevance=0.7),
    ]
    first = allocator.allocate_memory_budget("?", before, "w", 100)
    now = [
        line("c", 20, relevance=0.9),
        line("d", 20, relevance=0.8),
        line("a", 20, relevance=0.1),
    ]
    assert ids(first) == ["a", "b", "c"]
    assert ids(allocator.allocate_memory_budget("?", now, "w", 100)) == ["c", "d", "a"]
    second = allocator.allocate_memory_budget("?", now, "w", 100, previous=first)
    assert ids(second) == ["a", "c", "d"]
    assert second.notes == ()


def test_previous_keeps_the_prompt_as_a_prefix_when_an_item_is_added() -> None:
    allocator = allocator_with(workspace(**BY_RELEVANCE))
    before = [line("a", 20, relevance=0.2), line("b", 20, relevance=0.3)]
    first = allocator.allocate_memory_budget("?", before, "w", 200)
    more = [line("x", 20, relevance=0.9), *before]
    second = allocator.allocate_memory_budget("?", more, "w", 200, previous=first)
    assert second.prompt_text.startswith(first.prompt_text)


def test_previous_of_another_workspace_is_ignored_with_a_note() -> None:
    allocator = allocator_with(workspace(**BY_RELEVANCE), workspace("other"))
    items = [line("a", 20, relevance=0.2), line("b", 20, relevance=0.9)]
    other = allocator.allocate_memory_budget("?", items, "other", 100)
    allocation = allocator.allocate_memory_budget("?", items, "w", 100, previous=other)
    assert ids(allocation) == ["b", "a"]
    assert allocation.notes == (
        "previous is an allocation of workspace 'other', not 'w'; it is ignored.",
    )


# Counters


def test_each_workspace_is_counted_by_its_model() -> None:
    allocator = allocator_with(
        workspace("new", counting={"model": "gpt-4o"}),
        workspace("old", counting={"model": "gpt-4"}),
        workspace("unknown", counting={"model": "no-such-model"}),
        token_counter=None,
    )
    items = [MemoryItem("a", "日本語のテキスト、少し長い。", "rag")]
    made = {
        name: allocator.allocate_memory_budget("?", items, name, 100) for name in ("new", "old")
    }
    assert made["new"].counter_id == "tiktoken:o200k_base"
    assert made["old"].counter_id == "tiktoken:cl100k_base"
    assert made["new"].used_tokens < made["old"].used_tokens
    assert made["new"].exact
    assert made["new"].notes == ()
    guessed = allocator.allocate_memory_budget("?", items, "unknown", 100)
    assert not guessed.exact
    (note,) = guessed.notes
    assert "estimates" in note
    assert "'no-such-model'" in note


def test_a_given_counter_counts_for_every_workspace() -> None:
    allocator = allocator_with(workspace("a"), workspace("b", counting={"model": "gpt-4"}))
    for name in ("a", "b"):
        allocation = allocator.allocate_memory_budget("?", [line("x", 20)], name, 100)
        assert allocation.counter_id == "characters"
        assert allocation.used_tokens == len(allocation.prompt_text)


def test_a_function_is_a_counter_and_its_counts_are_called_estimates() -> None:
    allocator = allocator_with(token_counter=lambda text: len(text.split()))
    allocation = allocator.allocate_memory_budget(
        "?", [MemoryItem("a", "one two three", "rag")], budget_tokens=6
    )
    assert allocation.used_tokens == 6  # "##", "Documents", "-" and three words
    assert not allocation.exact
    assert "Counts are estimates" in allocation.notes[0]


# Embedders and embeddings


class Embedder:
    """Vectors of two numbers: about skiing, about anything else."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, texts: list[str]) -> Any:
        self.texts += texts
        return np.array(
            [[1.0, 0.0] if "ski" in text or "snow" in text else [0, 1] for text in texts]
        )


def test_an_embedder_decides_where_words_do_not() -> None:
    embedder = Embedder()
    items = [line("a", 20), MemoryItem("b", "fond of skiing", "rag"), line("c", 20)]
    allocator = allocator_with(workspace(**BY_RELEVANCE), embedder=embedder)
    allocation = allocator.allocate_memory_budget("snow?", items, "w", 35)
    assert ids(allocation) == ["b"]
    assert sorted(embedder.texts) == sorted([*(item.content for item in items), "snow?"])


def test_items_are_embedded_once_and_only_where_they_have_no_vector() -> None:
    embedder = Embedder()
    items = [MemoryItem("a", "known", "rag", embedding=[1.0, 0.0]), MemoryItem("b", "new", "rag")]
    allocator = allocator_with(embedder=embedder)
    for query in ("first", "second"):
        allocator.allocate_memory_budget(query, items, budget_tokens=100)
    assert sorted(embedder.texts) == ["first", "new", "second"]


def test_a_given_query_embedding_is_used_instead_of_the_embedder() -> None:
    items = [
        MemoryItem("a", "x" * 17, "rag", embedding=[0.0, 1.0]),
        MemoryItem("b", "y" * 17, "rag", embedding=[1.0, 0.0]),
    ]
    allocator = allocator_with(workspace(**BY_RELEVANCE))
    for vector, expected in (([0.0, 2.0], ["a"]), ([3.0, 0.0], ["b"])):
        allocation = allocator.allocate_memory_budget(
            "?", items, "w", 35, query_embedding=vector, now=NOW
        )
        assert ids(allocation) == expected


# Time


def test_ages_count_from_now_and_by_default_from_the_clock() -> None:
    clock = Clock()
    allocator = allocator_with(workspace(half_life_days=10.0), clock=clock)
    items = [line("a", 20, created_at=NOW - 10 * DAY)]

    def freshness(**arguments: Any) -> float:
        allocation = allocator.allocate_memory_budget("?", items, "w", 100, **arguments)
        return allocation.selected[0].freshness

    assert freshness() == pytest.approx(0.5)
    assert freshness(now=NOW + 10 * DAY) == pytest.approx(0.25)
    clock.now += 20 * DAY
    assert freshness() == pytest.approx(0.125)


def test_zones_do_not_matter_for_ages() -> None:
    allocator = allocator_with(workspace(half_life_days=1.0))
    tokyo = timezone(timedelta(hours=9))
    items = [line("a", 20, created_at=(NOW - DAY).astimezone(tokyo))]
    (entry,) = allocator.allocate_memory_budget("?", items, "w", 100, now=NOW).selected
    assert entry.freshness == pytest.approx(0.5)


@pytest.fixture
def nine_hours_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's zone, where the system lets it be set."""
    if not hasattr(time, "tzset"):
        pytest.skip("the system's zone cannot be set")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("nine_hours_east")
def test_times_without_a_zone_are_local_and_meet_the_local_present() -> None:
    allocator = allocator_with(workspace(half_life_days=1.0))
    local = NOW.astimezone().replace(tzinfo=None)
    items = [line("a", 20, created_at=local - DAY)]
    (entry,) = allocator.allocate_memory_budget("?", items, "w", 100).selected
    assert entry.freshness == pytest.approx(0.5)
    (entry,) = allocator.allocate_memory_budget("?", items, "w", 100, now=local + DAY).selected
    assert entry.freshness == pytest.approx(0.25)


# Pools and lists


def test_a_pool_gives_what_its_list_gives() -> None:
    items = [line(f"m{number}", 20 + number) for number in range(10)]
    allocator = allocator_with()
    of_list = allocator.allocate_memory_budget("mmm", items, budget_tokens=120, now=NOW)
    pool = MemoryPool.from_items(items)
    of_pool = allocator.allocate_memory_budget("mmm", pool, budget_tokens=120, now=NOW)
    assert result(of_pool) == result(of_list)
    again = allocator.allocate_memory_budget("mmm", iter(items), budget_tokens=120, now=NOW)  # type: ignore[arg-type]
    assert result(again) == result(of_list)


class CountingCounter(CharCounter):
    """Remembers the texts that it counted."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        self.seen += texts
        return [len(text) for text in texts]


def test_a_text_is_counted_once_over_many_calls() -> None:
    counter = CountingCounter()
    allocator = allocator_with(token_counter=counter)
    for _ in range(3):
        items = [MemoryItem("a", "first text", "rag"), MemoryItem("b", "second text", "rag")]
        allocator.allocate_memory_budget("?", items, budget_tokens=100)
    assert [text for text in counter.seen if "text" in text] == [
        "- first text\n",
        "- second text\n",
    ]


# Promotion and demotion


def test_recommended_moves_are_recorded_and_applied_by_a_call_of_their_own() -> None:
    config = workspace()
    allocator = allocator_with(config)
    items = [
        MemoryItem(
            "hot",
            "used every day",
            "long_term",
            relevance=1.0,
            importance=1.0,
            created_at=NOW - 30 * DAY,
            last_accessed_at=NOW,
            access_count=50,
        ),
        MemoryItem("cold", "never used", "working", importance=0.0, created_at=NOW - 90 * DAY),
    ]
    review = allocator.evaluate_promotion_demotion(items, config)
    assert [(move.item_id, move.to_tier) for move in review] == [
        ("hot", MemoryTier.PROJECT),
        ("cold", MemoryTier.LONG_TERM),
    ]
    assert all(move.why for move in review)
    assert [item.tier for item in items] == [MemoryTier.LONG_TERM, MemoryTier.WORKING]
    moved = apply_recommendations(items, review, now=NOW)
    assert [item.tier for item in moved] == [MemoryTier.PROJECT, MemoryTier.LONG_TERM]
    assert len(allocator.evaluate_promotion_demotion(moved, config)) == 0
    counted = allocator.get_allocation_statistics("w")
    assert (counted.promoted, counted.demoted) == (1, 1)


def test_a_review_takes_a_group_that_spans_tiers_and_moves_without_a_zone() -> None:
    config = workspace()
    allocator = allocator_with(config)
    local = NOW.astimezone().replace(tzinfo=None)
    items = [
        MemoryItem("a", "text", "working", group="g", metadata={"tier_since": local - DAY}),
        MemoryItem("b", "text", "long_term", group="g"),
    ]
    assert allocator.evaluate_promotion_demotion(items, config).staying >= 1
    with pytest.raises(InputError, match="zone"):
        allocator.evaluate_promotion_demotion(items, config, now=NOW)


# One call


def test_nothing_to_choose_from_is_an_empty_prompt() -> None:
    allocation = allocator_with().allocate_memory_budget("?", [])
    assert (allocation.prompt_text, allocation.used_tokens) == ("", 0)
    assert allocation.to_messages() == []
    assert (allocation.gap, allocation.selected, allocation.omitted) == (0.0, (), ())


def test_an_empty_query_ranks_by_importance() -> None:
    items = [line("a", 20, importance=0.1), line("b", 20, importance=0.9)]
    allocator = allocator_with(workspace(scoring_method="weighted_sum"))
    assert ids(allocator.allocate_memory_budget("", items, "w", 35)) == ["b"]


def test_each_outcome_can_be_looked_up() -> None:
    allocator = allocator_with(workspace(**BY_RELEVANCE))
    items = [line("a", 20, relevance=0.9), line("b", 20, relevance=0.1)]
    allocation = allocator.allocate_memory_budget("?", items, "w", 35)
    assert allocation.decision("a") == allocation.selected[0]
    assert isinstance(allocation.decision("b"), Omitted)
    with pytest.raises(UnknownWorkspaceError):
        allocator.workspace("nowhere")
