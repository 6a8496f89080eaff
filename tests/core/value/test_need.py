"""How probably items are needed: by what is asked, by the talk that runs, and whatever is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem, OmissionReason
from mba_integrations.core.value.need.need import doubt_of
from mba_integrations.testing import WordEmbedder

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTES = [
    "The door code of the north office is 4711.",
    "Lunch for visitors is ordered from the bakery.",
    "Parking permits are renewed in April.",
    "The coffee machine is cleaned on Fridays.",
    "Kate keeps the spare keys of the cellar.",
]


def notes(**changes: Any) -> list[MemoryItem]:
    return [
        MemoryItem(f"n{number}", text, "project", **changes) for number, text in enumerate(NOTES)
    ]


def said(number: int, role: str, text: str) -> MemoryItem:
    return MemoryItem(
        f"t{number}",
        text,
        "working",
        created_at=NOW - timedelta(minutes=30 - number),
        source="chat",
        position=number,
        metadata={"role": role},
    )


TALK = [
    said(0, "user", "How do I ship the parcel to Oslo?"),
    said(1, "assistant", "Take it to the post office before five."),
    said(2, "user", "How do I start the zeppelin migration?"),
    said(3, "assistant", "Run larkctl with the number of the step."),
]


def allocate(
    query: str, items: list[MemoryItem], budget: int = 4000, **arguments: Any
) -> Allocation:
    return MemoryBudgetAllocator(embedder=WordEmbedder()).allocate_memory_budget(
        query, items, budget_tokens=budget, now=NOW, **arguments
    )


def scores(allocation: Allocation) -> dict[str, float]:
    return {one.id: one.score for one in (*allocation.selected, *allocation.omitted)}


@pytest.mark.parametrize("query", ["", " \n", "?", "and so on, with that"])
def test_an_empty_query_takes_the_most_important_then_the_freshest(query: str) -> None:
    items = [
        MemoryItem("old", "One note.", "long_term", created_at=NOW - timedelta(days=300)),
        MemoryItem("new", "Two note.", "long_term", created_at=NOW - timedelta(days=1)),
        MemoryItem("rule", "Six note.", "long_term", importance=1.0),
    ]
    found = scores(allocate(query, items))
    assert found["rule"] > found["new"] > found["old"]
    assert [one.id for one in allocate(query, items, 16).selected] == ["rule", "new"]


def test_an_empty_query_takes_the_newest_exchange() -> None:
    found = scores(allocate("", [*notes(), *TALK]))
    assert set(sorted(found, key=lambda one: -found[one])[:2]) == {"t2", "t3"}
    assert {one.id for one in allocate("", [*notes(), *TALK], 40).selected} >= {"t2", "t3"}


def test_importance_of_1_is_a_standing_instruction() -> None:
    rule = MemoryItem("rule", "Answer in Danish.", "long_term", importance=1.0)
    found = scores(allocate("What is the door code?", [*notes(), rule]))
    assert found["n0"] > found["rule"] > found["n1"]
    ordinary = MemoryItem("rule", "Answer in Danish.", "long_term", importance=0.6)
    assert scores(allocate("What is the door code?", [*notes(), ordinary]))["rule"] < 0.1


def test_a_question_that_follows_finds_what_the_exchange_is_about() -> None:
    undo = MemoryItem("undo", "The zeppelin migration goes back with larkctl --to.", "project")
    other = MemoryItem("other", "To undo a parcel label, call the harbour.", "project")
    items = [*notes(), undo, other, *TALK]
    follows = scores(allocate("and how do I undo it?", items))
    stands = scores(allocate("Tell me how users undo anything in general", items))
    assert follows["undo"] > follows["other"]
    assert stands["undo"] < stands["other"]
    assert follows["t3"] > 0.4 > stands["t3"]


@pytest.mark.parametrize("talk", [[], TALK], ids=["no talk", "in a talk"])
@pytest.mark.parametrize("query", ["Perfect, thanks a lot!", "hello"])
def test_a_greeting_and_thanks_need_next_to_nothing(query: str, talk: list[MemoryItem]) -> None:
    many = [
        MemoryItem(f"m{number}", f"{text} Number {number} of the list, with more.", "project")
        for number, text in enumerate(NOTES * 10)
    ]
    rule = MemoryItem("rule", "Answer in Danish.", "long_term", importance=1.0)
    allocation = allocate(query, [*many, *talk, rule])
    assert "rule" in {one.id for one in allocation.selected}
    assert allocation.used_tokens <= 40
    assert allocation.omission_counts()[OmissionReason.BELOW_PRICE] >= 45


def test_a_question_of_another_subject_leaves_the_prompt_nearly_empty() -> None:
    many = [
        MemoryItem(f"m{number}", f"{text} Number {number} of the list.", "project")
        for number, text in enumerate(NOTES * 10)
    ]
    assert allocate("Jupiter moons", many).used_tokens <= 60
    assert "m0" in allocate("door code", many).selected_ids


def test_what_a_retriever_found_is_not_doubted() -> None:
    found = allocate("Jupiter moons", notes(relevance=0.6))
    assert len(found.selected) == len(NOTES)


def test_without_vectors_a_word_that_is_met_is_enough() -> None:
    allocator = MemoryBudgetAllocator()
    met = allocator.allocate_memory_budget("door moons", notes(), budget_tokens=4000, now=NOW)
    assert len(met.selected) == len(NOTES)


def test_no_items_need_nothing() -> None:
    assert allocate("door", []).selected == ()


@pytest.mark.parametrize(
    ("expected", "doubt"),
    [
        pytest.param(3.0, 0.0, id="three"),
        pytest.param(0.45, 0.0, id="just-enough"),
        pytest.param(0.225, 7.0, id="half-of-that"),
        pytest.param(0.01, 20.0, id="next-to-nothing"),
    ],
)
def test_doubt_grows_where_less_than_about_half_an_item_is_expected(
    expected: float, doubt: float
) -> None:
    assert doubt_of(expected) == pytest.approx(doubt)
