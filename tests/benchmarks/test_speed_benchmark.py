"""The pieces of the speed benchmark run on small sizes; no test looks at a time."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import speed
from benchmarks.speed_peers import peers, trim_approximately
from benchmarks.speed_references import LexicalFloor, NumpyFloor
from benchmarks.speed_workload import (
    BUDGET_TOKENS,
    DIMENSIONS,
    cpu_ms,
    exponent,
    memories,
    random_vectors,
    texts,
)
from mba_integrations import MemoryPool

SIZES = [20, 40]


def test_texts_are_equal_for_equal_arguments_and_differ_among_themselves() -> None:
    assert texts(50) == texts(50)
    assert len(set(texts(50))) == 50
    assert texts(50) != texts(50, seed=1)


def test_memories_bring_what_was_asked_for() -> None:
    vectors = random_vectors(5)
    plain, full = memories(5, relevance=False), memories(5, relevance=True, vectors=vectors)
    assert [item.relevance for item in plain] == [None] * 5
    assert all(item.relevance is not None for item in full)
    assert [item.id for item in plain] == [item.id for item in full]
    embedding = full[3].embedding
    assert embedding is not None
    assert embedding.shape == (DIMENSIONS,)
    assert np.shares_memory(embedding, vectors)


def test_numpy_floor_cuts_at_the_budget() -> None:
    assert len(NumpyFloor(10, BUDGET_TOKENS)()) == 10
    assert 0 < len(NumpyFloor(1000, BUDGET_TOKENS)()) < 200


def test_lexical_floor_scores_every_text() -> None:
    floor = LexicalFloor(["the garden", "a server in a garden", "music"])
    assert (floor("Server?") > 0).tolist() == [False, True, False]


def test_growth_exponent_is_the_slope_in_logarithms() -> None:
    assert exponent([10, 1000], [2.0, 200.0]) == pytest.approx(1.0)
    assert exponent([10, 100], [3.0, 3.0]) == pytest.approx(0.0)


def test_the_first_call_is_not_counted() -> None:
    seen: list[int] = []
    cpu_ms(lambda: seen.append(1), repeats=3)
    assert len(seen) == 4


def test_each_call_takes_the_next_query() -> None:
    memory, items = speed.allocator(), memories(5, relevance=True)
    call = speed.calls(memory, items, "weighted_sum", queries=("one", "two"))
    assert [call().query for _ in range(3)] == ["one", "two", "one"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("row", "met"),
    [
        pytest.param(speed.Row(work="w", ours=2.0, reference=4.0, goal=0.5), "yes", id="ratio-met"),
        pytest.param(speed.Row(work="w", ours=3.0, reference=4.0, goal=0.5), "no", id="ratio-over"),
        pytest.param(speed.Row(work="w", ours=2.0, goal=2.0), "yes", id="absolute-met"),
        pytest.param(speed.Row(work="w", ours=2.0, reference=4.0), "", id="no-goal"),
    ],
)
def test_a_row_says_whether_its_goal_is_met(row: speed.Row, met: str) -> None:
    assert row.line()[-4:].strip() == met


@pytest.mark.parametrize("part", ["retrieval", "warm", "usefulness", "cold"])
def test_each_part_runs_on_few_items(part: str) -> None:
    rows = list(speed.PARTS[part](SIZES))
    assert rows
    assert all(np.isfinite(row.figure) for row in rows)


def test_peers_have_names_of_their_own() -> None:
    names = [peer.name for peer in peers()]
    assert len(set(names)) == len(names)


def test_trimming_keeps_the_newest_within_the_budget() -> None:
    pytest.importorskip("langchain_core")
    contents = texts(400)
    kept = trim_approximately(contents, None)()
    assert 0 < len(kept) < 400  # type: ignore[arg-type]
    assert kept[-1].content == contents[-1]  # type: ignore[index]


def test_the_command_prints_machine_command_and_rows(capsys: pytest.CaptureFixture[str]) -> None:
    speed.main(["--sizes", "20", "--parts", "warm"])
    machine, command, heading, *rows = capsys.readouterr().out.splitlines()
    assert "cores" in machine
    assert command == "python -m benchmarks.speed --sizes 20 --parts warm"
    assert heading == speed.HEADING
    assert any("prepared pool" in row for row in rows)


def test_no_index_is_built_where_relevance_is_given_and_the_budget_is_full() -> None:
    pool = MemoryPool.from_items(memories(300, relevance=True))
    speed.calls(speed.allocator(), pool, "weighted_sum")()
    assert "lexical" not in vars(pool.snapshot())
