"""A worker that dies in the middle of a job: the job is done once in effect, and none is stuck."""

from __future__ import annotations

import os

import pytest
from memory_services import Opened, on_both

from benchmarks.services_workers import kill_workers
from mba_integrations.core.arrays import FloatArray
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.testing import Clock, WordEmbedder

TEXTS = [f"Kate {number}." for number in range(6)]


class _Dying(BaseException):
    """Stands for the end of the process: nothing catches it."""


class _Mortal(WordEmbedder):
    """Dies at its n-th call."""

    def __init__(self, dies_at: int | None) -> None:
        super().__init__(8)
        self.calls = 0
        self.dies_at = dies_at
        self.asked: list[str] = []

    def __call__(self, texts: list[str]) -> FloatArray:
        self.calls += 1
        if self.calls == self.dies_at:
            raise _Dying
        self.asked += texts
        return super().__call__(texts)


@pytest.fixture
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mba_integrations.services.memory.embedding.job.BATCH", 2)


@on_both
@pytest.mark.usefixtures("two_at_once")
@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_what_a_dead_worker_left_is_done_by_the_next_after_the_lease(
    opened: Opened, clock: Clock, dies_at: int
) -> None:
    first = opened(embedder=_Mortal(dies_at), embedding_model="m")
    first.create_workspace("kate")
    first.remember("kate", TEXTS)
    with pytest.raises(_Dying):
        first.jobs.run()
    embedder = _Mortal(None)
    second = opened(embedder=embedder, embedding_model="m")
    assert second.jobs.run() == 0, "the lease has not run out"
    clock.pass_seconds(61)
    assert second.jobs.run() == 1
    assert embedder.asked == TEXTS[2 * (dies_at - 1) :]
    assert second.embeddings.coverage("kate") == {"m": 1.0}
    [job] = second.jobs.list("kate")
    assert (job.state, job.attempts) == (JobState.DONE, 2)


@pytest.mark.usefixtures("two_at_once")
def test_a_worker_that_comes_back_late_writes_nothing(
    opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = opened(embedder=_Mortal(None), embedding_model="m")

    class Late(_Mortal):
        def __call__(self, texts: list[str]) -> FloatArray:
            made = super().__call__(texts)
            if self.calls == 2:
                clock.pass_seconds(61)
                other.jobs.run()
            return made

    late = Late(None)
    service = opened(embedder=late, embedding_model="m")
    service.create_workspace("kate")
    service.remember("kate", TEXTS)
    changes = service.remember("kate", TEXTS).change_seq
    assert service.jobs.run() == 1
    [job] = service.jobs.list("kate")
    assert (job.state, job.result) == (JobState.DONE, {"embedded": 4, "passed_over": 0})
    assert late.calls == 2
    assert service.remember("kate", TEXTS).change_seq == changes + len(TEXTS)


def test_a_job_that_is_cancelled_while_it_runs_stops_at_its_next_step(opened: Opened) -> None:
    class Cancelling(_Mortal):
        def __call__(self, texts: list[str]) -> FloatArray:
            [job] = service.jobs.list("kate")
            service.jobs.cancel("kate", job.job_id)
            return super().__call__(texts)

    service = opened(embedder=Cancelling(None), embedding_model="m")
    service.create_workspace("kate")
    service.remember("kate", TEXTS)
    service.jobs.run()
    [job] = service.jobs.list("kate")
    assert job.state is JobState.CANCELLED
    assert service.embeddings.coverage("kate") == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")
def test_jobs_of_killed_processes_are_done_once_in_effect(where: str) -> None:
    report = kill_workers(where, kills=1, seed=1)
    assert report.kills == 1
    assert report.jobs >= 7
    assert (report.stuck, report.embedded_twice, report.extracted_twice) == (0, 0, 0)
    assert (report.not_embedded, report.not_extracted) == (0, 0)


@on_both
def test_what_a_process_left_is_done_by_the_next_that_only_answers(opened: Opened) -> None:
    first = opened(embedder=WordEmbedder(8), embedding_model="m")
    first.create_workspace("kate")
    first.remember("kate", TEXTS)
    second = opened(embedder=WordEmbedder(8), embedding_model="m", background=True)
    assert second.jobs.wait_until_idle("kate", seconds=30)
    assert second.embeddings.coverage("kate") == {"m": 1.0}
