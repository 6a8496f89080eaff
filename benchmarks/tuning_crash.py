"""Kill what tunes and what switches settings: do studies go on, and is nothing half applied?

    python -m benchmarks.tuning_crash WHERE --kills 40

WHERE is a path or a URL of Postgres. Two things are killed with SIGKILL at random moments:

- Processes that do the job `tune`, by themselves and with two workers that share the study; those
  of the workers that are there are killed as well in every other round. Clocks of later processes
  are ahead by the lease of those before them. At the end the job must be done, its study dropped,
  what was found kept, and no settings changed; and no completed trial may be lost on the way.
- Processes that apply proposals and take them back, one after the other. Each time, the settings of
  each proposal must hold if and only if its state says so.

A kill counts where something was left to do.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.services_crash import forked
from mba_integrations import MemoryItem
from mba_integrations.learning.gate import verdict
from mba_integrations.learning.tuning.studies import Studies
from mba_integrations.services import MemoryService
from mba_integrations.services.memory.tuning import switching
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.services.store.rows.proposals import ProposalState
from mba_integrations.services.store.statements.learning import proposals
from mba_integrations.services.store.statements.records import hash_of
from mba_integrations.services.store.store import utc_now

FACTS = 12
RECALLS = 24
TRIALS = 6
LEAST = {"LEAST_ALLOCATIONS": RECALLS, "LEAST_POSITIVES": 2, "LEAST_SESSIONS": 2}
"""Of the gate, in place of its own: a log of some recalls is enough here."""
MOST_KILLS_OF_A_JOB = 3
LEASE_AND_MORE = timedelta(seconds=70)
_LONGEST_SECONDS = 0.3
_MOST_SWITCHES = 3
_ORPHANS_END_SECONDS = 60.0


@dataclass(slots=True)
class TuningReport:
    """What became of jobs whose processes were killed.

    Attributes:
        kills: How many were killed before the job was done.
        in_study: How many of those had begun the study.
        jobs: Jobs that there were.
        stuck: Jobs that were not done in the end.
        trials_lost: Completed trials that were gone after a kill.
        studies_left: Studies that were not dropped.
        settings_changed: Workspaces whose settings are not those of before.
        orphans: Workers that outlived the process that started them.
    """

    kills: int = 0
    in_study: int = 0
    jobs: int = 0
    stuck: int = 0
    trials_lost: int = 0
    studies_left: int = 0
    settings_changed: int = 0
    orphans: int = 0


@dataclass(slots=True)
class SwitchingReport:
    """What became of proposals whose processes were killed.

    Attributes:
        kills: How many processes were killed.
        applied: Proposals that were applied.
        taken_back: Of those, how many were taken back.
        half_applied: Proposals whose settings hold and whose state does not say so, or the other
            way round.
    """

    kills: int = 0
    applied: int = 0
    taken_back: int = 0
    half_applied: int = 0


def kill_tuning(where: str, *, kills: int, seed: int, workers: int) -> TuningReport:
    """Kill processes until so many were in the middle of the job, and look at what came of it."""
    importlib.import_module("optuna")  # once, before processes are forked
    lots, report, ahead, number = random.Random(seed), TuningReport(), 0, 0
    while report.kills < kills:
        workspace, number = f"tuned-{workers}-{seed}-{number}", number + 1
        with _opened(where, ahead) as service:
            _ask(service, workspace)
            service.tuning.run(workspace, trials=TRIALS, workers=workers)
        completed = 0
        for _ in range(lots.randint(1, MOST_KILLS_OF_A_JOB)):
            _kill_job(where, ahead, lots, report)
            ahead += 1
            known = _completed(where, workspace)
            if not _is_running(where, ahead, workspace):
                break
            report.kills += 1
            report.in_study += known is not None
            report.trials_lost += max(0, completed - (known or 0))
            completed = known or 0
        with _small_gate(), _opened(where, ahead) as service:
            service.jobs.run()
            _look(service, workspace, report)
        report.studies_left += _completed(where, workspace) is not None
    return report


def _opened(where: str, ahead: int) -> MemoryService:
    """A service whose clock is so many leases ahead."""
    return MemoryService.open(
        where, background=False, clock=lambda: utc_now() + ahead * LEASE_AND_MORE
    )


@contextmanager
def _small_gate() -> Iterator[None]:
    """The gate is content with little, as long as the block lasts."""
    known = {name: getattr(verdict, name) for name in LEAST}
    try:
        for name, value in LEAST.items():
            setattr(verdict, name, value)
        yield
    finally:
        for name, value in known.items():
            setattr(verdict, name, value)


def _ask(service: MemoryService, workspace: str) -> None:
    """A workspace that was asked some questions, and told what the answers needed."""
    service.create_workspace(workspace, logging={"include_text": True})
    service.remember(
        workspace,
        [
            MemoryItem(f"m{n}", f"Kate keeps key {n} in drawer {n % 5}.", "rag")
            for n in range(FACTS)
        ],
    )
    for number in range(RECALLS):
        reply = service.recall(
            workspace,
            f"Where is key {number % FACTS}?",
            session_id=f"s{number // 2}",
            budget_tokens=60,
        )
        service.feedback(workspace, reply.allocation_id, cited=[reply.allocation.selected_ids[0]])


def _kill_job(where: str, ahead: int, lots: random.Random, report: TuningReport) -> None:
    """Let a process do the job, and kill it after some of its signs of life; workers by lot."""
    signs, delay_s = lots.randint(1, TRIALS), lots.random() * _LONGEST_SECONDS

    def work(say: Callable[[], None]) -> None:
        with _small_gate(), _opened(where, ahead) as service:
            say()
            service.jobs.run(progress=lambda job, done: say())

    workers = _killed(work, signs=signs, delay_s=delay_s)
    if lots.random() < 0.5:
        for one in workers:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
    report.orphans += _outliving(workers)


def _killed(work: Callable[[Callable[[], None]], None], *, signs: int, delay_s: float) -> list[int]:
    """Kill a process so long after so many signs of its life; gives what it had started."""
    reader, writer = os.pipe()
    pid = forked(lambda: work(lambda: _say(writer)))
    os.close(writer)
    while signs > 0 and os.read(reader, 1):
        signs -= 1
    time.sleep(delay_s)
    started = _children(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(reader)
    return started


def _say(writer: int) -> None:
    os.write(writer, b".")


def _children(pid: int) -> list[int]:
    """Processes that a process has started, where the system tells."""
    found: list[int] = []
    for place in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, place.read_text().split())
    return found


def _outliving(pids: list[int]) -> int:
    """How many of these processes have not ended by themselves after a while."""
    until = time.monotonic() + _ORPHANS_END_SECONDS
    while (left := [one for one in pids if _works(one)]) and time.monotonic() < until:
        time.sleep(0.1)
    return len(left)


def _works(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _is_running(where: str, ahead: int, workspace: str) -> bool:
    with _opened(where, ahead) as service:
        return service.jobs.counts(workspace)[JobState.RUNNING] > 0


def _completed(where: str, workspace: str) -> int | None:
    """How many trials of the workspace's study are completed; None where it is not there."""
    with _opened(where, 0) as service:
        url = service.equipment.store.studies_url
    name = hash_of(f"{workspace} tune-000001")
    with Studies(url) as studies:
        return studies.completed(name) if name in studies.names() else None


def _look(service: MemoryService, workspace: str, report: TuningReport) -> None:
    [job] = service.jobs.list(workspace)
    report.jobs += 1
    report.stuck += job.state is not JobState.DONE
    report.settings_changed += len(service.workspaces.versions(workspace)) != 1
    if job.state is JobState.DONE:
        assert service.tuning.get(workspace, job.job_id).found["trials"] == TRIALS


def kill_switching(where: str, *, kills: int, seed: int) -> SwitchingReport:
    """Kill processes that apply settings and take them back, and look at what holds each time."""
    lots, report, workspace = random.Random(seed), SwitchingReport(), f"switched-{seed}"
    with _opened(where, 0) as service:
        service.create_workspace(workspace)
    for _ in range(kills):
        _killed(
            lambda say: _switch(where, workspace, say),
            signs=lots.randint(1, _MOST_SWITCHES),
            delay_s=lots.random() * _LONGEST_SECONDS,
        )
        report.kills += 1
        with _opened(where, 0) as service:
            report.half_applied += len(half_applied(service, workspace))
    with _opened(where, 0) as service:
        states = [one.state for one in service.tuning.list(workspace)]
    report.applied = sum(state is not ProposalState.PROPOSAL for state in states)
    report.taken_back = states.count(ProposalState.TAKEN_BACK)
    return report


def _switch(where: str, workspace: str, say: Callable[[], None]) -> None:
    """Apply proposals and take them back without end; each has a stability of its own."""
    with _opened(where, 0) as service:
        for one in service.tuning.list(workspace):
            if one.state in switching.GOING:
                service.tuning.rollback(workspace, one.proposal_id)
        while True:
            say()
            number = len(service.tuning.list(workspace)) + 1
            proposal_id = f"tune-{number:06}"
            propose(service, workspace, proposal_id, stability=round(number / 1e6, 6))
            service.tuning.apply(workspace, proposal_id, shadow=0)
            service.tuning.rollback(workspace, proposal_id)


def propose(service: MemoryService, workspace: str, proposal_id: str, *, stability: float) -> None:
    """Leave a proposal, as the job does."""
    version = service.workspaces.row(workspace).settings_version
    service.equipment.write(
        workspace,
        lambda writing: proposals.keep(
            writing,
            proposal_id,
            state=ProposalState.PROPOSAL,
            from_version=version,
            changes={"stability": stability},
            found={},
        ),
    )


def half_applied(service: MemoryService, workspace: str) -> list[str]:
    """Proposals, each with a stability of its own, of which state and settings say two things."""
    held = [one.settings["stability"] for one in service.workspaces.versions(workspace)]
    now = service.workspaces.config(workspace).stability
    wrong = []
    for one in service.tuning.list(workspace):
        stability = one.changes["stability"]
        was_applied = one.live_version is not None
        holds = one.state in switching.HOLDING
        if (stability in held) != was_applied or (stability == now) != holds:
            wrong.append(one.proposal_id)
    return wrong


def main() -> None:
    """Run it, and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("where")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for workers in (0, 2):
        found = kill_tuning(given.where, kills=given.kills // 2, seed=given.seed, workers=workers)
        print(f"{workers} workers: {found}", flush=True)
    print(kill_switching(given.where, kills=10 * given.kills, seed=given.seed))


if __name__ == "__main__":
    main()
