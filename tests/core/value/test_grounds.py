"""What is told of why an item has its score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fakes import CharCounter
from strategies import NOW

from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem, WorkspaceConfig

PLACE = {"source": "talk", "metadata": {"role": "user"}}


def allocate(query: str, items: Sequence[MemoryItem], **settings: Any) -> Allocation:
    allocator = MemoryBudgetAllocator(CharCounter())
    allocator.register_workspace(WorkspaceConfig(workspace_id="w", **settings))
    vector = [1.0, 0.0] if items[0].embedding is not None else None
    return allocator.allocate_memory_budget(query, items, "w", 5_000, vector, NOW)


def reasons(allocation: Allocation, item_id: str) -> list[str]:
    return [str(signal) for signal in allocation.decision(item_id).signals]


NOTES = [
    MemoryItem("ski", "Kate skis in Geilo every winter.", "rag"),
    MemoryItem("kate", "Kate lives in Oslo.", "rag"),
    *(MemoryItem(f"n{number}", f"The bus number {number} is late.", "rag") for number in range(9)),
]


@pytest.mark.parametrize(
    ("item_id", "expected"),
    [
        pytest.param("ski", ["words: skiing, Kate"], id="the-rarest-word-first"),
        pytest.param("kate", ["words: Kate"], id="as-the-query-writes-it"),
        pytest.param("n1", [], id="no-match"),
    ],
)
def test_the_words_that_are_met_are_named(item_id: str, expected: list[str]) -> None:
    allocation = allocate("Where does Kate go skiing?", NOTES)
    assert [text for text in reasons(allocation, item_id) if "context" not in text] == expected


def test_meaning_is_told_as_a_part_of_the_nearest() -> None:
    vectors = {"a": [1.0, 0.0], "b": [0.6, 0.8], "c": [0.0, 1.0], "d": [0.0, 1.0], "e": [0.0, 1.0]}
    items = [MemoryItem(name, f"Text {name}.", "rag", embedding=v) for name, v in vectors.items()]
    allocation = allocate("word", items)
    assert reasons(allocation, "a")[0] == "meaning 100%"
    assert reasons(allocation, "b")[0] == "meaning 60%"
    assert "meaning" not in " ".join(reasons(allocation, "c"))


TALK = [
    MemoryItem(f"turn{number}", text, "working", position=number, **PLACE)
    for number, text in enumerate(["Is Skerrow an island?", "It is small.", "Fine."])
]


@pytest.mark.parametrize(
    ("query", "item_id", "expected"),
    [
        pytest.param("Skerrow island", "turn1", "beside turn0", id="neighbour"),
        pytest.param("and how do I undo it?", "turn2", "newest exchange", id="newest-exchange"),
        pytest.param("", "turn2", "newest exchange", id="empty-query"),
        pytest.param("Skerrow", "rule", "standing instruction", id="standing"),
        pytest.param("Skerrow", "given", "relevance given 70%", id="given"),
    ],
)
def test_what_is_no_match_is_named_too(query: str, item_id: str, expected: str) -> None:
    more = [
        MemoryItem("rule", "Answer in French.", "project", importance=1.0),
        MemoryItem("given", "Anything.", "rag", relevance=0.7),
    ]
    assert expected in reasons(allocate(query, [*TALK, *more]), item_id)[:2]


def test_a_mem0_score_is_told_by_the_three_that_it_is_made_of() -> None:
    allocation = allocate("Kate skis", NOTES, scoring_method="weighted_sum")
    assert reasons(allocation, "kate") == ["words: Kate", "importance 50%", "freshness 50%"]


def test_a_score_that_its_relevance_does_not_explain_has_a_word_on_it() -> None:
    near = [0.8, 0.6]
    items = [
        MemoryItem("first", "The harbour of Oslo was built in 1890, after a fire.", "rag"),
        MemoryItem("short", "hm", "rag"),
        *(MemoryItem(f"n{number}", f"Bus {number}.", "rag") for number in range(30)),
    ]
    vectors = [[1.0, 0.0], near, *([[0.0, 1.0]] * 30)]
    dense = [
        MemoryItem(item.id, item.content, item.tier, embedding=np.array(vector))
        for item, vector in zip(items, vectors, strict=True)
    ]
    allocation = allocate("When was the harbour of Oslo built?", dense)
    short = allocation.decision("short")
    assert short.relevance < 0.5 or reasons(allocation, "short")[-1] == "lowered by context"
    assert "lowered by context" not in reasons(allocation, "first")


def test_the_signals_go_with_the_dictionary() -> None:
    record = allocate("Kate skis", NOTES).to_dict()
    by_id = {one["id"]: one["signals"] for one in record["selected"] + record["omitted"]}
    assert by_id["kate"][0]["kind"] == "words"
    assert by_id["kate"][0]["of"] == ["Kate"]
    assert 0.0 < by_id["kate"][0]["strength"] < by_id["ski"][0]["strength"] <= 1.0
    assert by_id["n1"] == []


def test_low_scores_of_all_are_told_from_a_poor_match() -> None:
    poor = allocate("zeppelins in winter", NOTES[1:]).explain()
    assert " Little fits the query: it is expected to need 0." in poor
    assert "Little fits" not in allocate("Where does Kate ski?", NOTES).explain()
    assert "Little fits" not in allocate("", NOTES).explain()
