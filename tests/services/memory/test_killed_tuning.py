"""What tunes and what switches settings is killed: studies go on, and nothing is half applied."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from memory_services import Opened, on_both

from benchmarks.services_crash import forked
from benchmarks.tuning_crash import half_applied, kill_switching, kill_tuning, propose
from mba_integrations.services.memory.jobs import work as work_module
from mba_integrations.services.memory.jobs.work import JobWork
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tuning import seen
from mba_integrations.services.store.errors import LeaseLostError
from mba_integrations.services.store.rows.jobs import JobRow
from mba_integrations.services.store.rows.proposals import ProposalState
from mba_integrations.services.store.statements import jobs
from mba_integrations.services.store.statements.learning import proposals
from mba_integrations.testing import Clock, WordCounter

pytest.importorskip("optuna")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")


@needs_fork
@on_both
@pytest.mark.parametrize("workers", [0, 2], ids=["by-itself", "two-workers"])
def test_a_study_whose_processes_are_killed_goes_on_and_ends(where: str, workers: int) -> None:
    report = kill_tuning(where, kills=1, seed=4, workers=workers)
    assert report.kills >= 1
    assert report.in_study >= 1
    assert report.jobs >= 1
    assert (report.stuck, report.trials_lost, report.studies_left) == (0, 0, 0)
    assert (report.settings_changed, report.orphans) == (0, 0)


@needs_fork
@on_both
def test_settings_are_never_half_applied_whenever_a_process_is_killed(where: str) -> None:
    report = kill_switching(where, kills=4, seed=1)
    assert report.applied >= 1
    assert report.half_applied == 0


def applied(service: MemoryService) -> None:
    service.tuning.apply("kate", "tune-000001", shadow=0)


def looked(service: MemoryService) -> None:
    service.jobs.run()


def taken_back(service: MemoryService) -> None:
    service.tuning.rollback("kate")


@needs_fork
@on_both
@pytest.mark.parametrize(
    ("before", "act", "after"),
    [
        pytest.param(None, applied, ProposalState.LIVE, id="apply"),
        pytest.param("shadow", looked, ProposalState.LIVE, id="stage"),
        pytest.param("live", taken_back, ProposalState.TAKEN_BACK, id="rollback"),
    ],
)
def test_a_kill_between_settings_and_state_leaves_both_as_they_were(
    where: str,
    opened: Opened,
    clock: Clock,
    before: str | None,
    act: Callable[[MemoryService], None],
    after: ProposalState,
) -> None:
    service = opened()
    service.create_workspace("kate", logging={"include_text": True})
    service.remember("kate", [f"Kate keeps key {number}." for number in range(6)])
    propose(service, "kate", "tune-000001", stability=0.123)
    if before is not None:
        service.tuning.apply("kate", "tune-000001", shadow=int(before == "shadow"))
    clock.pass_seconds(1)
    service.recall("kate", "Where is key 3?", budget_tokens=60)
    service.close()
    was = as_they_are(opened)

    _, status = os.waitpid(forked(partial(killed_at_its_switch, where, clock, act)), 0)

    assert os.WTERMSIG(status) == signal.SIGKILL
    assert as_they_are(opened) == was
    clock.pass_seconds(61)  # the lease of the job that was killed
    again = opened()
    act(again)
    [found] = again.tuning.list("kate")
    assert found.state is after
    assert half_applied(again, "kate") == []


def begun(service: MemoryService) -> None:
    service.tuning.experiment("kate", {"stability": 0.123})


@needs_fork
@on_both
@pytest.mark.parametrize(
    ("runs", "act", "after"),
    [
        pytest.param(False, begun, ProposalState.EXPERIMENT, id="begin"),
        pytest.param(True, looked, ProposalState.FOUND, id="verdict"),
        pytest.param(True, taken_back, ProposalState.TAKEN_BACK, id="rollback"),
    ],
)
def test_a_kill_between_settings_and_state_of_an_experiment_leaves_both_as_they_were(
    where: str,
    opened: Opened,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    runs: bool,
    act: Callable[[MemoryService], None],
    after: ProposalState,
) -> None:
    monkeypatch.setattr(seen, "MOST_SENT", 1)  # the first look has read enough
    service = opened()
    service.create_workspace("kate")
    service.remember("kate", ["Kate keeps key 3."])
    if runs:
        begun(service)
        service.recall("kate", "Where is key 3?")
    clock.pass_seconds(61)
    service.close()
    was = in_step(opened)

    _, status = os.waitpid(forked(partial(killed_at_its_switch, where, clock, act)), 0)

    assert os.WTERMSIG(status) == signal.SIGKILL
    assert in_step(opened) == was
    clock.pass_seconds(61)  # the lease of the job that was killed
    again = opened()
    act(again)
    [found] = again.tuning.list("kate")
    assert found.state is after
    again.close()
    in_step(opened)


def in_step(opened: Opened) -> tuple[object, ...]:
    """Settings and experiments, which say the same."""
    service = opened()
    config, rows = service.workspaces.config("kate"), service.tuning.list("kate")
    running = [one.proposal_id for one in rows if one.state is ProposalState.EXPERIMENT]
    assert running == ([] if config.experiment is None else [config.experiment.id])
    versions = [one.settings for one in service.workspaces.versions("kate")]
    service.close()
    return config, versions, rows


def killed_at_its_switch(where: str, clock: Clock, act: Callable[[MemoryService], None]) -> None:
    """Do an act, and die where settings are written and the state is not."""
    moved, kept = proposals.move, proposals.keep

    def die_moving(
        writing: Any, proposal_id: str, states: Any, to: ProposalState, **news: Any
    ) -> Any:
        if to in (ProposalState.LIVE, ProposalState.TAKEN_BACK, ProposalState.FOUND):
            os.kill(os.getpid(), signal.SIGKILL)
        return moved(writing, proposal_id, states, to, **news)

    def die_keeping(writing: Any, proposal_id: str, **news: Any) -> Any:
        if news["state"] is ProposalState.EXPERIMENT:
            os.kill(os.getpid(), signal.SIGKILL)
        return kept(writing, proposal_id, **news)

    proposals.move, proposals.keep = die_moving, die_keeping  # type: ignore[assignment]
    counter = WordCounter()
    with MemoryService.open(where, background=False, clock=clock, token_counter=counter) as service:
        act(service)


def as_they_are(opened: Opened) -> tuple[object, ...]:
    """Settings and proposals."""
    service = opened()
    assert half_applied(service, "kate") == []
    versions = [one.settings for one in service.workspaces.versions("kate")]
    found = service.workspaces.config("kate"), versions, service.tuning.list("kate")
    service.close()
    return found


def claimed(service: MemoryService, owner: str) -> JobRow | None:
    return service.equipment.store.write_all(
        lambda writing: jobs.claim(writing, owner, kinds=["tune"])
    )


def test_a_job_that_takes_longer_than_its_lease_stays_its_workers(
    opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_module, "SIGN_SECONDS", 0.01)
    service = opened()
    service.create_workspace("kate")
    service.tuning.run("kate")
    job = claimed(service, "one")
    assert job is not None
    work = JobWork(equipment=service.equipment, job=job, owner="one")
    with work.alive():
        for _ in range(3):
            clock.pass_seconds(50)
            shown(service, clock)
            assert claimed(service, "another") is None
    clock.pass_seconds(61)
    assert claimed(service, "another") is not None
    with work.alive():
        pass
    with pytest.raises(LeaseLostError):
        work.write(lambda writing: None)


def shown(service: MemoryService, clock: Clock) -> None:
    """Wait for a sign of life of now."""
    for _ in range(1_000):
        [job] = service.jobs.list("kate")
        assert job.lease_until is not None
        if job.lease_until == clock() + jobs.LEASE:
            return
        threading.Event().wait(0.01)
    raise AssertionError("there was no sign of life.")
