"""`Tuning`: settings learned from past recalls, as `service.tuning`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from mba_integrations.core.arguments import checked_whole
from mba_integrations.core.errors import InputError, MissingExtraError
from mba_integrations.learning.gate.monitor import LEAST_TURNS
from mba_integrations.learning.gate.verdict import LEAST_ALLOCATIONS
from mba_integrations.learning.tuning import TRIALS
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.once import Once
from mba_integrations.services.memory.tuning import switching
from mba_integrations.services.memory.tuning.handlers import KIND
from mba_integrations.services.store.errors import UnknownProposalError
from mba_integrations.services.store.rows.jobs import JobRow
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import jobs, workspaces
from mba_integrations.services.store.statements.learning import proposals

SHADOW = 100
WATCH = 500
SHARE = 0.5
JUDGED = 500
MOST_TRIALS = 10_000
MOST_WORKERS = 32
MOST_SEED = 1_000_000_000
MOST_RECALLS = 10_000
_MOST_JOBS = 10_000
_EXPERIMENT = "experiment"


class Tuning:
    """Look for settings or try some on live sessions, apply what is proposed, take it back.

    Args:
        equipment: What the service lends.
        wake: Tells the worker that there is a job.
    """

    def __init__(self, equipment: Equipment, wake: Callable[[], None]) -> None:
        self._equipment = equipment
        self._wake = wake

    def run(
        self,
        workspace_id: str,
        *,
        trials: int = TRIALS,
        workers: int = 1,
        seed: int = 0,
        once: Once | None = None,
    ) -> JobRow:
        """Look for better settings by a job; what it finds has the job's id.

        Nothing changes by it. Only recalls whose texts were logged (`logging.include_text`) count.

        Args:
            workspace_id: Of which workspace.
            trials: How many settings are tried.
            workers: How many processes try them; 0 tries them in the service's thread.
            seed: Of the draws.
            once: Names the request; made again, it is not done again.

        Raises:
            InputError: If a number is out of its range.
            MissingExtraError: If Optuna is not installed.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        payload = {
            "trials": _within("trials", trials, 1, MOST_TRIALS),
            "workers": _within("workers", workers, 0, MOST_WORKERS),
            "seed": _within("seed", seed, 0, MOST_SEED),
        }
        if importlib.util.find_spec("optuna") is None:
            raise MissingExtraError("tuning", extra="learning")
        self._equipment.trail.flush()

        def act(writing: Writing) -> JobRow:
            return jobs.enqueue(writing, _next_id(writing, KIND), KIND, payload)

        row = self._equipment.write(workspace_id, act, once=once)
        self._wake()
        return row

    def experiment(
        self,
        workspace_id: str,
        changes: Mapping[str, Any],
        *,
        share: float = SHARE,
        recalls: int = JUDGED,
        actor: str | None = None,
        once: Once | None = None,
    ) -> ProposalRow:
        """Have a share of the sessions decided under changed settings, and compare both arms.

        It ends by itself: with a verdict, when the changed arm does worse, or when somebody changes
        the settings. The settings then are as before; what is proposed can be applied.

        Args:
            workspace_id: Of which workspace.
            changes: Settings that differ, by name; groups as mappings of what differs.
            share: Of the sessions, how many get the changes, within (0, 1).
            recalls: After how many recalls with feedback on their memories, of both arms together,
                it is judged. The gate says nothing of fewer than 300.
            actor: Who begins it.
            once: Names the request; made again, it is not done again.

        Raises:
            InputError: If a number is out of its range, nothing would differ, nothing is logged, or
                an experiment was put in by hand.
            InvalidWorkspaceError: If a setting is unknown, out of its range, or must be the same
                for all sessions.
            UnknownProposalError: If another proposal is on its way.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        judged = _within("recalls", recalls, LEAST_ALLOCATIONS, MOST_RECALLS)

        def act(writing: Writing) -> ProposalRow:
            _check_alone(writing, "an experiment")
            row = switching.begin_experiment(
                writing, _next_id(writing, _EXPERIMENT), changes, share=share, recalls=judged
            )
            switching.put_in(writing, row, 1, delay=switching.LOOK_EVERY)
            return row

        row = self._equipment.write(workspace_id, act, actor=actor, once=once)
        self._wake()
        return row

    def list(self, workspace_id: str) -> tuple[ProposalRow, ...]:
        """What was found, the latest first.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return proposals.listed(reading)

    def get(self, workspace_id: str, proposal_id: str) -> ProposalRow:
        """One of them.

        Raises:
            UnknownProposalError: If there is none of that id.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return proposals.get(reading, proposal_id)

    def apply(
        self,
        workspace_id: str,
        proposal_id: str,
        *,
        shadow: int = SHADOW,
        watch: int = WATCH,
        actor: str | None = None,
        once: Once | None = None,
    ) -> ProposalRow:
        """Switch proposed settings on, in stages.

        Args:
            workspace_id: Of which workspace.
            proposal_id: Which ones.
            shadow: For how many new recalls they decide a second time before they hold; 0 for none.
            watch: After how many recalls that they decided they are kept.
            actor: Who applies them.
            once: Names the request; made again, it is not done again.

        Raises:
            InputError: If a number is out of its range.
            UnknownProposalError: If there is none of that id, it is no proposal, or another one is
                on its way.
        """
        plan = {
            "shadow": _within("shadow", shadow, 0, MOST_RECALLS),
            "watch": _within("watch", watch, LEAST_TURNS, MOST_RECALLS),
        }

        def act(writing: Writing) -> ProposalRow:
            _check_alone(writing, f"proposal {proposal_id!r}")
            row = proposals.move(
                *(writing, proposal_id, (ProposalState.PROPOSAL,), ProposalState.SHADOW), plan=plan
            )
            if not shadow:
                row = switching.switch_on(writing, row)
            switching.put_in(writing, row, 1, delay=timedelta(0))
            return row

        row = self._equipment.write(workspace_id, act, actor=actor, once=once)
        self._wake()
        return row

    def rollback(
        self,
        workspace_id: str,
        proposal_id: str | None = None,
        *,
        actor: str | None = None,
        once: Once | None = None,
    ) -> ProposalRow:
        """Take settings back, whatever stage they are at; the settings get a new version.

        Only what the proposal changed goes back to what it was; other changes since stay.

        Args:
            workspace_id: Of which workspace.
            proposal_id: Which ones; None for the latest that hold, are tried or are in shadow.
            actor: Who takes them back.
            once: Names the request; made again, it is not done again.

        Raises:
            UnknownProposalError: If there is none of that id, or none to take back.
        """

        def act(writing: Writing) -> ProposalRow:
            row = _to_take_back(writing, proposal_id)
            return switching.take_back(writing, row, "taken back by hand.")

        return self._equipment.write(workspace_id, act, actor=actor, once=once)


def _within(name: str, value: object, least: int, most: int) -> int:
    found = checked_whole(name, value, at_least=least)
    if found > most:
        raise InputError(f"{name} must be at most {most:,}, got {found:,}.")
    return found


def _next_id(reading: Reading, kind: str) -> str:
    known = [job.job_id for job in jobs.listed(reading, limit=_MOST_JOBS) if job.kind == KIND]
    known += [row.proposal_id for row in proposals.listed(reading)]
    last = max((int(one.rpartition("-")[2]) for one in known), default=0)
    return f"{kind}-{last + 1:06}"


def _check_alone(reading: Reading, who: str) -> None:
    going = [one for one in proposals.listed(reading) if one.state in switching.GOING]
    if going:
        is_tried = going[0].state is ProposalState.EXPERIMENT
        raise UnknownProposalError(
            f"proposal {going[0].proposal_id!r} is {going[0].state.value}: {who} has to wait "
            f"until it is {'over' if is_tried else 'kept'} or taken back."
        )


def _to_take_back(reading: Reading, proposal_id: str | None) -> ProposalRow:
    if proposal_id is not None:
        return proposals.get(reading, proposal_id)
    states = (*switching.GOING, ProposalState.KEPT)
    found = [one for one in proposals.listed(reading) if one.state in states]
    if not found:
        raise UnknownProposalError(
            f"workspace {reading.workspace_id!r} has no settings to take back."
        )
    return found[0]
