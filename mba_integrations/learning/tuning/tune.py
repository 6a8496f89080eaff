"""`tune`: look for better settings on older sessions, and have them judged on the newer ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mba_integrations.core.arguments import checked_whole
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.learning.gate.comparison import side_of
from mba_integrations.learning.gate.split import split_by_time
from mba_integrations.learning.gate.verdict import Known, Verdict, judge, not_enough
from mba_integrations.learning.replay.needed import needed_of
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.learning.tuning import TRIALS
from mba_integrations.learning.tuning.bench import Bench, usable, with_fixed_budget
from mba_integrations.learning.tuning.space import changes_between, shipped
from mba_integrations.learning.tuning.studies import Studies, Task, Told, Worker
from mba_integrations.learning.tuning.workers import work_apart

SHIPPED = "shipped settings"
FIXED_BUDGET = "fixed budget of the same mean tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What tuning found.

    Attributes:
        changes: Settings that differ from those of now, by name; what a verdict other than a
            proposal is about, too.
        config: The settings with the changes.
        verdict: Whether they are proposed, and on what grounds.
        trained_on: Allocations of the older part.
        tested_on: Allocations of the newer part.
        without_texts: Allocations that were left out, since the log has no texts of them.
        trials: How many settings were tried.
    """

    changes: dict[str, Any]
    config: WorkspaceConfig
    verdict: Verdict
    trained_on: int
    tested_on: int
    without_texts: int
    trials: int


def tune(
    records: Iterable[ReplayRecord],
    config: WorkspaceConfig,
    *,
    trials: int = TRIALS,
    workers: int = 0,
    studies_url: str | None = None,
    name: str = "tuning",
    seed: int = 0,
    token_counter: object = None,
    told: Told | None = None,
) -> Tuned:
    """Look for better settings of a workspace, and say whether they are proven.

    A study of that name that is in the database goes on where it stood, and is dropped at the end.

    Args:
        records: Past allocations, in any order; those without texts are left out.
        config: The settings of now.
        trials: How many settings are tried.
        workers: How many processes try them; 0 tries them in this one, and gives the same settings
            each time.
        studies_url: Database of the study, as SQLAlchemy takes it; never one that has other tables.
            None keeps it in memory, or in a temporary file for workers.
        name: Of the study.
        seed: Of all draws.
        token_counter: As for `MemoryBudgetAllocator`; not with workers.
        told: Told how much is done, in [0, 1]; what it raises ends the tuning.

    Raises:
        MissingExtraError: If Optuna is not installed.
        InputError: If an argument is unusable.
    """
    checked_whole("trials", trials, at_least=1)
    checked_whole("workers", workers, at_least=0)
    if workers and token_counter is not None:
        raise InputError("a token_counter cannot be sent to workers. Set workers to 0.")
    given = list(records)
    found = usable(given)
    older, newer = split_by_time(found)
    known = Known(
        allocations=len(found), positives=sum(len(needed_of(one.feedback)) for one in found)
    )
    best, tried = config, 0
    verdict = not_enough(known, len({(one.session_id or one.allocation_id) for one in newer}))
    if verdict is None:
        task = Task(
            records=older, config=config, trials=trials, seed=seed, url=studies_url, name=name
        )
        bench = Bench(token_counter)
        best, tried = _searched(task, bench, workers, told), trials
        verdict = _verdict(bench, newer, (config, best), known, seed)
    return Tuned(
        changes=changes_between(config, best),
        config=best,
        verdict=verdict,
        trained_on=len(older),
        tested_on=len(newer),
        without_texts=len(given) - len(found),
        trials=tried,
    )


def _searched(task: Task, bench: Bench, workers: int, told: Told | None) -> WorkspaceConfig:
    if workers and task.url is None:
        with tempfile.TemporaryDirectory(prefix="mba-tuning-") as folder:
            url = f"sqlite:///{Path(folder) / 'studies.db'}"
            return _searched(replace(task, url=url), bench, workers, told)
    with Studies(task.url) as studies:
        worker = Worker(studies, task, bench)
        worker.begin()
        if workers:
            work_apart(studies, task, workers, told)
        worker.work(told=told)
        best = worker.best()
        studies.drop(task.name)
    return best


def _verdict(
    bench: Bench,
    newer: Sequence[ReplayRecord],
    settings: tuple[WorkspaceConfig, WorkspaceConfig],
    known: Known,
    seed: int,
) -> Verdict:
    now, best = settings
    tried = bench.outcomes(newer, best)
    mean_tokens = round(side_of(tried).mean_used_tokens)
    return judge(
        bench.outcomes(newer, now),
        tried,
        known=known,
        beside={
            SHIPPED: bench.outcomes(newer, shipped(now)),
            FIXED_BUDGET: bench.outcomes(with_fixed_budget(newer, mean_tokens), now),
        },
        seed=seed,
    )
