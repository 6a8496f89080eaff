"""Executors give what `replay` gives, in its order, and hold few records at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from replay_records import record_of_facts

from mba_integrations import InputError
from mba_integrations.learning.replay.comparison import added_up, compared
from mba_integrations.learning.replay.executors import BATCH, Executor, Processes
from mba_integrations.learning.replay.numbers.making import without_texts
from mba_integrations.learning.replay.ray_executor import RayExecutor
from mba_integrations.learning.replay.records import Feedback, ReplayRecord
from mba_integrations.learning.replay.replay import Replayed, replay

TRIED = {"max_total_tokens": 60}


@pytest.fixture(scope="module")
def records() -> list[ReplayRecord]:
    whole = record_of_facts(20)
    kinds = (whole, without_texts(whole), record_of_facts(8))
    return [
        replace(kinds[number % 3], allocation_id=f"a{number}", budget_tokens=40 + number % 50)
        for number in range(3 * BATCH + 7)
    ]


@pytest.fixture(scope="module")
def given(records: list[ReplayRecord]) -> list[ReplayRecord]:
    """The records, every other with a budget that follows from the settings."""
    return [replace(one, budget_given=number % 2 == 0) for number, one in enumerate(records)]


@pytest.fixture(scope="module", params=[None, TRIED], ids=["then", "tried"])
def decided(
    request: pytest.FixtureRequest, given: list[ReplayRecord]
) -> tuple[Any, list[Replayed]]:
    """Settings, and what `replay` gives for the records under them."""
    return request.param, list(replay(given, request.param))


@pytest.fixture(scope="module", params=["one-process", "processes", "ray"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param != "ray":
        yield Processes(1 if request.param == "one-process" else 2)
        return
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield RayExecutor(batch=50)
    ray.shutdown()


def test_results_are_those_of_replay_in_its_order(
    executor: Executor, given: list[ReplayRecord], decided: tuple[Any, list[Replayed]]
) -> None:
    settings, expected = decided
    assert list(executor.replay(iter(given), settings)) == expected


def test_nothing_gives_nothing(executor: Executor) -> None:
    assert list(executor.replay(iter(()))) == []


def test_what_is_refused_is_raised_here(executor: Executor, records: list[ReplayRecord]) -> None:
    with pytest.raises(InputError, match="setting 'rendering' cannot be tried"):
        list(executor.replay(records, {"rendering": {"format": "xml"}}))


def test_few_records_are_taken_before_results_come(executor: Executor) -> None:
    taken = 0

    def endless() -> Iterator[ReplayRecord]:
        nonlocal taken
        record = record_of_facts(3)
        while True:
            taken += 1
            yield record

    results = executor.replay(endless())
    next(results)
    assert taken <= 8 * BATCH
    results.close()  # type: ignore[attr-defined]


def test_a_comparison_adds_up_what_changes(records: list[ReplayRecord]) -> None:
    first = records[0]
    gone = next(one for one in reversed(first.selected_ids) if one != "m0")  # which is pinned
    said = (
        Feedback(memory_id=gone, useful=True, origin="cited", weight=1.0),
        Feedback(memory_id=gone, useful=False, origin="overlap", weight=0.5),
        Feedback(memory_id=first.selected_ids[0], useful=False, origin="thumb", weight=1.0),
        Feedback(memory_id=None, useful=True, origin="thumb", weight=1.0),
    )
    told = replace(first, feedback=said)
    [again] = replay([told], TRIED)
    found = compared([told, first], TRIED, Processes(1))
    leaving = [one for one in first.selected_ids if one not in again.selected_ids]
    assert gone in leaving
    assert (found.records, found.equal, found.leaving) == (2, 0, 2 * len(leaving))
    assert (found.useful, found.useful_kept.before, found.useful_kept.after) == (1, 1, 0)
    assert found.used_tokens.before == 2 * first.decided.used_tokens
    assert found.used_tokens.after == 2 * again.used_tokens
    assert sum(one.before for one in found.tier_tokens.values()) == found.used_tokens.before
    assert found.examples[0].leaving == tuple(leaving)
    assert added_up([]).records == 0


def test_workers_are_counted() -> None:
    with pytest.raises(InputError, match="workers"):
        Processes(0)
