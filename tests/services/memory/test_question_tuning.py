"""Tuning learns from questions what no feedback on prompts can say: what these never had."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from memory_services import Opened

from mba_integrations import MemoryItem
from mba_integrations.learning.gate import verdict
from mba_integrations.learning.gate.verdict import Answer
from mba_integrations.learning.questions.question import Question
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.learning.tuning.tune import Tuned, tune
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock, WordCounter

pytest.importorskip("optuna")
PEOPLE = ("Kate", "Ben", "Mina", "Otto", "Lena")
THINGS = ("bicycle", "kitchen", "garden", "piano")
TRIALS = 2
"""The settings of now, and the shipped ones."""
COUNT = 150


@pytest.fixture
def service(opened: Opened, clock: Clock) -> MemoryService:
    """A year-old fact of each person and thing, and notes of today; the newest weigh the most."""
    service = opened()
    service.create_workspace(
        "kate",
        max_total_tokens=40,
        scoring_method="weighted_sum",
        relevance_weight=0.1,
        importance_weight=0.1,
        freshness_weight=0.8,
        half_life_days=1.0,
    )
    facts = [
        MemoryItem(
            f"{who}-{what}".lower(),
            f"{who} painted the {what} green.",
            "long_term",
            created_at=clock() - timedelta(days=365),
        )
        for who in PEOPLE
        for what in THINGS
    ]
    notes = [
        MemoryItem(
            f"note-{number}",
            f"Rain at {number} o'clock.",
            "long_term",
            created_at=clock() - timedelta(hours=number),
        )
        for number in range(8)
    ]
    service.remember("kate", [*facts, *notes])
    return service


def questions() -> list[Question]:
    """Of three, one needs the newest note, whose words it has not, and two need a fact."""
    found = []
    for number in range(COUNT):
        who, what = PEOPLE[number % 5], THINGS[number % 4]
        if number % 3:
            query, needed = f"Which colour did {who} give the {what}?", f"{who}-{what}".lower()
        else:
            query, needed = "Anything new today?", "note-0"
        found.append(Question(query=query, needed=needed))
    return found


def of_own_prompts(record: ReplayRecord) -> ReplayRecord:
    """What feedback on the prompt alone could say."""
    there = set(record.selected_ids)
    return replace(record, feedback=tuple(o for o in record.feedback if o.memory_id in there))


def tuned(service: MemoryService, records: list[ReplayRecord]) -> Tuned:
    config = service.workspaces.config("kate")
    return tune(records, config, trials=TRIALS, token_counter=WordCounter())


def test_questions_show_a_gain_that_a_log_cannot(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict, "LEAST_ALLOCATIONS", COUNT)
    records = list(service.questions.records("kate", questions()))
    by_log = tuned(service, [of_own_prompts(one) for one in records])
    assert by_log.verdict.answer is Answer.NO_GAIN
    found = tuned(service, records)
    assert found.verdict.answer is Answer.PROPOSAL
    comparison = found.verdict.comparison
    assert comparison is not None
    assert comparison.before.evidence == pytest.approx(1 / 3)
    assert comparison.after.evidence > 0.6
    shown = service.questions.evaluate(
        "kate", questions()[found.trained_on :], found.changes
    ).evaluated
    assert shown.tried is not None
    assert shown.tried.figures == comparison.after
    assert shown.now.figures == comparison.before
