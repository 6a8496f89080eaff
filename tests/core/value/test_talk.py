"""The running talk: which exchange is the newest, and questions that hang on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mba_integrations import MemoryItem
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.need.talk import (
    follows,
    newest_exchanges,
    with_exchange,
    with_talk,
)
from mba_integrations.core.value.question import Question

START = datetime(2026, 3, 1, tzinfo=UTC)


def said(number: int, role: str | None, *, source: str = "chat", text: str = "") -> MemoryItem:
    return MemoryItem(
        f"m{number}",
        text or f"message {number}",
        "working",
        created_at=START + timedelta(minutes=number),
        source=source,
        position=number,
        metadata={"role": role} if role else {},
    )


def exchanges(*items: MemoryItem) -> list[list[int]]:
    return [rows.tolist() for rows in newest_exchanges(PoolSnapshot(items))]


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        pytest.param("", [], id="no-items"),
        pytest.param("ua", [[0, 1]], id="one"),
        pytest.param("uaua", [[2, 3], [0, 1]], id="two"),
        pytest.param("uauaa", [[2, 3, 4], [0, 1]], id="two-answers"),
        pytest.param("uau", [[2], [0, 1]], id="a-question-that-waits"),
        pytest.param("aua", [[1, 2], [0]], id="begins-with-an-answer"),
        pytest.param("cacaua", [[4, 5], [2, 3], [0, 1]], id="customers-ask"),
        pytest.param("uauauaua", [[6, 7], [4, 5], [2, 3]], id="three-at-most"),
        pytest.param("-----", [[3, 4], [1, 2], [0]], id="no-roles"),
        pytest.param("u" + "a" * 9, [[*range(2, 10)], [0, 1]], id="eight-items-at-most"),
    ],
)
def test_the_newest_exchanges(roles: str, expected: list[list[int]]) -> None:
    names = {"u": "user", "a": "assistant", "c": "customer", "-": None}
    items = [said(number, names[role]) for number, role in enumerate(roles)]
    assert exchanges(*items) == expected


def test_the_conversation_is_the_one_of_the_newest_item() -> None:
    one, other = said(1, "user"), said(2, "assistant")
    elsewhere = said(0, "user", source="another chat")
    assert exchanges(other, elsewhere, one) == [[2, 0]]


def test_items_of_other_tiers_are_no_talk() -> None:
    document = MemoryItem("d", "text", "rag", created_at=START + timedelta(days=9))
    assert exchanges(said(0, "user"), document) == [[0]]
    assert exchanges(document) == []


def test_an_exchange_further_back_counts_a_tenth() -> None:
    found = with_talk(np.zeros(3), (np.array([2]), np.array([1]), np.array([0])), newest=0.5)
    assert found.tolist() == pytest.approx([0.005, 0.05, 0.5])


def test_probabilities_that_are_handed_in_stay_as_they_are() -> None:
    before = np.array([0.1, 0.2])
    with_talk(before, (np.array([1]),), newest=0.5)
    assert before.tolist() == [0.1, 0.2]


def question(text: str, vector: list[float] | None = None) -> Question:
    return Question(text=text, vector=None if vector is None else np.array(vector), now_seconds=0.0)


def test_without_a_conversation_no_question_follows() -> None:
    document = PoolSnapshot([MemoryItem("d", "undo the migration", "rag")])
    talk = PoolSnapshot([said(0, "user", text="undo the migration")])
    asked = question("and how do I undo it?")
    assert not follows(asked, document.corpus(None), newest_exchanges(document))
    assert follows(asked, talk.corpus(None), newest_exchanges(talk))


def test_a_question_that_follows_is_asked_with_the_rarest_terms_of_the_exchange() -> None:
    texts = ["the port is open", "the port is shut", "the harbour zeppelin port"]
    items = [said(number, "user", text=text) for number, text in enumerate(texts)]
    corpus = PoolSnapshot(items).corpus(None)
    joint = with_exchange(question("and then?"), corpus, np.array([2]))
    assert joint.text.split()[:2] == ["and", "then?"]
    assert {"harbour", "zeppelin"} <= set(joint.text.split())
    assert joint.vector is None


def test_its_vector_is_that_of_both() -> None:
    rows = np.array([[3.0, 0.0], [0.0, 2.0]], dtype=np.float32)
    items = [
        MemoryItem(f"m{n}", "text", "working", embedding=row, created_at=START)
        for n, row in enumerate(rows)
    ]
    snapshot = PoolSnapshot(items)
    corpus = snapshot.corpus(snapshot.vectors(None).column)
    joint = with_exchange(question("and then?", [4.0, 0.0]), corpus, np.array([1]))
    assert joint.vector is not None
    assert joint.vector.tolist() == [1.0, 1.0]
