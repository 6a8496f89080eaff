"""The evidence benchmark measures what it says, on a set made for the test."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import evidence_methods as methods
from benchmarks.evidence import Outcome, evenly, measured, tokens_for
from benchmarks.evidence_data import load_set


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    items = [
        {
            "id": f"m{i}",
            "text": text,
            "tier": None,
            "created_at": f"2024-01-0{i + 1}T10:00:00",
            "meta": {"session": 1, "turn": i, "speaker": "Kate"},
        }
        for i, text in enumerate(["I keep two cats.", " ", "I ski in winter.", "It rains a lot."])
    ]
    queries = [
        {
            "id": "q0",
            "text": "Who keeps cats?",
            "asked_at": "2024-02-01T00:00:00",
            "evidence": ["m0", "m2"],
            "category": "plain",
            "answer": "Kate",
        },
        {**{"id": "q1", "text": "Nothing?", "asked_at": None}, "evidence": [], "category": "none"},
    ]
    record = {"pool_id": "p", "items": items, "queries": queries}
    with gzip.open(tmp_path / "small.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
    return tmp_path


def test_a_set_is_read_without_blank_items_and_unanswerable_questions(folder: Path) -> None:
    (pool,) = load_set(folder, "small", dense="none")
    assert list(pool.corpus.texts) == ["I keep two cats.", "I ski in winter.", "It rains a lot."]
    (query,) = pool.queries
    assert query.evidence == ((0,), (1,))
    assert pool.labels(query).tolist() == [True, True, False]
    assert pool.corpus.source.tolist() == [0, 0, 0]
    assert pool.corpus.speaker_names == ("Kate",)


def test_recall_is_the_share_of_evidence_taken(folder: Path) -> None:
    pools = load_set(folder, "small", dense="none")
    outcome = measured(pools, methods.bm25)
    assert outcome.recall[0, -1] == 1.0
    nothing = measured(pools, lambda pool, query: np.array([0.0, 1.0, 0.5]))
    taken = methods.selections(np.array([0.0, 1.0, 0.5]), pools[0].tokens, [8])
    assert taken[0].tolist() == [False, True, False]
    assert nothing.recall[0, 0] == 1.0


def test_curves_of_usefulness_need_no_embeddings(folder: Path) -> None:
    pools = load_set(folder, "small", dense="none")
    outcome = measured(pools, methods.usefulness())
    assert outcome.summary()["recall"][-1] == 100.0


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 30)), max_size=12), st.integers(0, 100))
def test_selection_takes_by_value_and_skips_what_does_not_fit(
    rows: list[tuple[float, int]], budget: int
) -> None:
    values = np.array([value for value, _ in rows])
    tokens = np.array([cost for _, cost in rows], dtype=np.int64)
    expected, left = [False] * len(rows), budget
    for row in sorted(range(len(rows)), key=lambda i: -rows[i][0]):
        if rows[row][1] <= left:
            expected[row], left = True, left - rows[row][1]
    assert methods.selections(values, tokens, [budget])[0].tolist() == expected


@pytest.mark.parametrize("most", [1, 4, 7, 8, 23, 100])
def test_an_ablation_asks_every_so_many_of_all_questions(folder: Path, most: int) -> None:
    (pool,) = load_set(folder, "small", dense="none")
    asked = [replace(pool.queries[0], text=str(number)) for number in range(23)]
    pools = [replace(pool, queries=tuple(asked[a:b])) for a, b in ((0, 5), (5, 6), (6, 23))]
    taken = [query for one in evenly(pools, most) for query in one.queries]
    assert taken == asked[:: -(-23 // most)]


def test_tokens_for_a_recall_are_interpolated() -> None:
    recall = np.tile(np.array([0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9]), (3, 1))
    outcome = Outcome(recall=recall, pool_of_question=np.zeros(3), categories=("a", "a", "b"))
    assert tokens_for(outcome, 0.3) == pytest.approx(768.0)
    assert tokens_for(outcome, 0.95) is None
