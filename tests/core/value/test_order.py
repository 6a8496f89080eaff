"""Questions that ask for a place in the running conversation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fakes import CharCounter
from strategies import NOW

from mba_integrations import MemoryBudgetAllocator, MemoryItem

START = datetime(2026, 5, 1, 9, tzinfo=UTC)


def turn(number: int, role: str, text: str) -> MemoryItem:
    return MemoryItem(
        f"t{number}",
        text,
        "working",
        source="talk",
        position=number,
        created_at=START + timedelta(minutes=number),
        metadata={"role": role},
    )


TALK = [
    turn(0, "user", "How long do I boil eggs?"),
    turn(1, "assistant", "Seven minutes."),
    turn(2, "user", "log: 19:20 Ember Twins beaten"),
    turn(3, "assistant", "Noted."),
    turn(4, "user", "log: 20:50 Hydra beaten"),
    turn(5, "assistant", "Noted, well done."),
    turn(6, "user", "log: 21:40 Quiet King beaten"),
    turn(7, "assistant", "A gratin with chard."),
]
NOTES = [
    MemoryItem("first", "First read the recipe, then ask.", "rag"),
    MemoryItem("hydra", "The Hydra has seven heads.", "rag"),
]


def placed(query: str, items: list[MemoryItem] | None = None) -> set[str]:
    """Ids of the items that come in for their place."""
    allocator = MemoryBudgetAllocator(CharCounter())
    given = [*TALK, *NOTES] if items is None else items
    allocation = allocator.allocate_memory_budget(query, given, budget_tokens=5_000, now=NOW)
    told = {one.id: [signal.kind for signal in one.signals] for one in allocation.selected}
    return {item_id for item_id, kinds in told.items() if "order" in kinds}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("What did I ask you first today?", {"t0"}, id="first-of-the-asker"),
        pytest.param("What was the last thing you said?", {"t7"}, id="last-of-the-answerer"),
        pytest.param("Was habe ich zuerst gefragt?", {"t0"}, id="german"),
        pytest.param("Which boss was beaten before the Hydra?", {"t2", "t4"}, id="before"),
        pytest.param("Which one was beaten after the Hydra?", {"t4", "t6"}, id="after"),
        pytest.param("Who was beaten first?", {"t2"}, id="first-line-of-a-log"),
        pytest.param("Who was beaten last, and before that?", {"t4", "t6"}, id="last-but-one"),
        pytest.param("What did you say about the first option?", set(), id="first-of-something"),
        pytest.param("What do I read before the exam?", set(), id="nothing-put-in-order"),
        pytest.param("When was the last week of term?", set(), id="a-time"),
        pytest.param("How many heads has the Hydra?", set(), id="no-order-asked"),
    ],
)
def test_the_place_that_is_asked_for_comes_in(query: str, expected: set[str]) -> None:
    assert placed(query) == expected


def test_places_are_those_of_the_conversation_not_of_the_input() -> None:
    assert placed("What did I ask you first today?", [*NOTES, *reversed(TALK)]) == {"t0"}


@pytest.mark.parametrize(
    "items", [[], TALK[:1], NOTES], ids=["nothing", "one-turn", "no-conversation"]
)
def test_without_an_order_there_is_no_place(items: list[MemoryItem]) -> None:
    assert placed("What did I ask you first?", items) == set()
