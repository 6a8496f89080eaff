"""Notes that say more of what the likeliest items speak of come in with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from mba_integrations import MemoryBudgetAllocator, MemoryItem
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.need.links import with_links

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUERY = "How long does the gate wait for customs?"
FIRST = "The gate asks customs by the shared outbound client."
SECOND = "The outbound client reads its limits from limits.yaml."
OTHERS = [
    MemoryItem(f"n{number}", f"Crane {number} is painted in the colour of pier {number}.", "rag")
    for number in range(20)
]


def raised(second: str, first: str = FIRST, query: str = QUERY, **other: Any) -> float:
    """What a link adds to an item that the question does not match."""
    linked = MemoryItem("second", second, **{"tier": "rag", **other})
    items = [MemoryItem("first", first, "rag"), linked, *OTHERS]
    probability: FloatArray = np.array([0.8, 0.01, *[0.001] * len(OTHERS)])
    found = with_links(probability, query, PoolSnapshot(items))
    assert found[0] == 0.8
    assert found[2:].tolist() == probability[2:].tolist()
    return float(found[1] - probability[1])


def test_a_note_that_shares_rare_words_with_the_likeliest_is_raised_by_a_part_of_it() -> None:
    assert 0.05 < raised(SECOND) <= 0.15 * 0.8


@pytest.mark.parametrize(
    ("second", "changes"),
    [
        pytest.param("The client of pier 4 is rich.", {}, id="one-word"),
        pytest.param("The gate waits, customs asks.", {}, id="words-of-the-question"),
        pytest.param(SECOND + " More." * 120, {}, id="long"),
        pytest.param(SECOND, {"tier": "working"}, id="conversation"),
        pytest.param(SECOND, {"metadata": {"speaker": "Kate"}}, id="message-of-somebody"),
        pytest.param(SECOND, {"query": QUERY + " Which outbound client?"}, id="asked-for"),
        pytest.param(SECOND, {"first": FIRST + " More." * 120}, id="linked-by-a-long-text"),
        pytest.param("門の客戸は税関", {"first": "税関の客戸は門"}, id="pairs-of-characters"),
    ],
)
def test_what_links_nothing(second: str, changes: dict[str, Any]) -> None:
    assert raised(second, **changes) == 0.0


def test_what_many_items_speak_of_links_nothing() -> None:
    crowd = [MemoryItem(f"c{number}", f"Outbound client {number}.", "rag") for number in range(9)]
    items = [MemoryItem("first", FIRST, "rag"), *crowd, *OTHERS]
    probability = np.array([0.8, *[0.001] * (len(items) - 1)])
    assert with_links(probability, QUERY, PoolSnapshot(items)).tolist() == (probability.tolist())


def test_the_second_step_comes_into_a_tight_budget() -> None:
    crowd = [MemoryItem(f"c{number}", f"Fee {number} for customs.", "rag") for number in range(3)]
    items = [
        MemoryItem("second", SECOND, "rag"),
        MemoryItem("first", FIRST, "rag"),
        *crowd,
        *OTHERS,
    ]
    allocation = MemoryBudgetAllocator().allocate_memory_budget(
        QUERY, items, budget_tokens=36, now=NOW
    )
    assert {"first", "second"} <= set(allocation.selected_ids)
