"""The talk of a pool: its exchanges, the newest of them, and its rounds of tool calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mba_integrations import MemoryItem
from mba_integrations.core.dialogue.talk import Talk
from mba_integrations.core.pool.snapshot import PoolSnapshot

START = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = {"u": "user", "a": "assistant", "t": "tool", "c": "customer", "s": "system", "-": None}


def items(
    roles: str, source: str = "chat", tier: str = "working", after: int = 0
) -> list[MemoryItem]:
    """An item for each letter, a minute after the one before."""
    return [
        MemoryItem(
            f"{source}-{tier}-{number}",
            f"text {number}",
            tier,  # type: ignore[arg-type]
            created_at=START + timedelta(minutes=number + after),
            source=source,
            position=number,
            metadata={"role": NAMES[letter]} if NAMES[letter] else {},
        )
        for number, letter in enumerate(roles)
    ]


def talk(*parts: list[MemoryItem]) -> Talk:
    return PoolSnapshot([item for part in parts for item in part]).talk


@pytest.mark.parametrize(
    ("roles", "exchange", "newest"),
    [
        pytest.param("", [], [], id="nothing"),
        pytest.param("-----", [], [], id="no-roles"),
        pytest.param("ua", [0, 0], [0, 1], id="one"),
        pytest.param("uaua", [0, 0, 1, 1], [2, 3], id="two"),
        pytest.param("aua", [-1, 0, 0], [1, 2], id="an-answer-before-the-question"),
        pytest.param("aa", [-1, -1], [], id="no-question"),
        pytest.param("uau", [0, 0, 1], [0, 1, 2], id="a-question-that-waits"),
        pytest.param("uu", [0, 1], [1], id="never-answered"),
        pytest.param("uatau", [0, 0, 0, 0, 1], [0, 1, 2, 3, 4], id="tools"),
        pytest.param("caca", [0, 0, 1, 1], [2, 3], id="customers-ask"),
        pytest.param("us-a", [0, 0], [0, 3], id="system-and-nobody-are-no-talk"),
    ],
)
def test_exchanges(roles: str, exchange: list[int], newest: list[int]) -> None:
    found = talk(items(roles))
    assert found.exchange.tolist() == exchange
    assert found.newest.tolist() == newest


def test_conversations_of_different_sources_have_exchanges_of_their_own() -> None:
    found = talk(items("ua", "one"), items("aua", "two", after=9))
    assert found.rows.tolist() == [0, 1, 2, 3, 4]
    assert found.exchange.tolist() == [0, 0, -1, 1, 1]
    assert (found.running.tolist(), found.newest.tolist()) == ([2, 3, 4], [3, 4])


def test_of_other_tiers_only_the_conversation_that_runs_is_talk() -> None:
    older, other = items("ua", tier="long_term"), items("ua", "book", tier="rag")
    found = talk(items("ua", after=9), older, other)
    assert found.rows.tolist() == [0, 1, 2, 3]
    assert found.exchange.tolist() == [0, 0, 1, 1]
    assert found.newest.tolist() == [0, 1]


def test_items_stand_in_the_order_of_time_and_position() -> None:
    found = talk(items("uaua")[::-1])
    assert found.rows.tolist() == [3, 2, 1, 0]
    assert found.newest.tolist() == [1, 0]


def call(number: int, *ids: str) -> MemoryItem:
    calls = [{"id": one, "name": "look"} for one in ids]
    metadata = {"role": "assistant", "tool_calls": calls}
    return MemoryItem(f"c{number}", "call", "working", position=number, metadata=metadata)


def result(number: int, call_id: str) -> MemoryItem:
    metadata = {"role": "tool", "tool_call_id": call_id}
    return MemoryItem(f"r{number}", "result", "working", position=number, metadata=metadata)


def said(number: int, role: str) -> MemoryItem:
    return MemoryItem(f"s{number}", "said", "working", position=number, metadata={"role": role})


def test_rounds_are_calls_with_their_results() -> None:
    found = talk(
        [said(0, "user"), call(1, "a", "b"), result(2, "b"), result(3, "a"), call(4, "c")],
        [result(5, "c"), said(6, "assistant"), said(7, "user"), call(8, "d", "e"), result(9, "d")],
    )
    assert found.round.tolist() == [-1, 0, 0, 0, 1, 1, -1, -1, 2, 2]


def test_where_a_result_is_missing_there_is_no_round() -> None:
    found = talk([said(0, "user"), call(1, "a", "b"), result(2, "a"), said(3, "assistant")])
    assert found.round.tolist() == [-1, -1, -1, -1]
