"""A study of Optuna: in a database that several workers share, and what one of them does in it.

The database is one of its own, beside that of a service and never the same. Optuna writes and
checkpoints by connections of its own, and a SQLite file of the service has one writer; its tables
know no workspace, so that no row-level security could hold them. On SQLite it is another file, on
Postgres another schema. What a study holds are numbers of settings, no texts and no ids.

A worker that is killed leaves a trial that runs for ever: it shows no sign of life, and another
worker puts the trial in again.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import MissingExtraError
from mba_integrations.learning.gate.comparison import Side, side_of
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.learning.tuning.bench import Bench
from mba_integrations.learning.tuning.space import SearchSpace, shipped

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

SIGN_OF_LIFE_SECONDS = 2
STALE_SECONDS = 12
_MOST_RETRIES = 3
_LOCK_SECONDS = 60
Told = Callable[[float], None]
"""Told how much of a study is done, in [0, 1]; what it raises ends the work."""
COST_SLACK = 0.025
STABILITY_SLACK = 0.01
"""Half of what the gate allows: what is chosen at the edge here is over it on other traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What all workers of a study work on. It can be sent to another process.

    Attributes:
        records: Of the older part, with texts, in the order of time; at least one.
        config: The settings of now.
        trials: How many are to be completed, by all workers together.
        seed: Of the draws.
        url: Database of the study, as SQLAlchemy takes it; None keeps it in memory.
        name: Of the study.
    """

    records: tuple[ReplayRecord, ...]
    config: WorkspaceConfig
    trials: int
    seed: int
    url: str | None
    name: str


class Studies:
    """The studies of a database; close them, or use them in a `with` statement.

    Args:
        url: Where; None keeps them in memory.

    Raises:
        MissingExtraError: If Optuna is not installed.
    """

    def __init__(self, url: str | None) -> None:
        try:
            import optuna
        except ImportError as error:
            raise MissingExtraError("tuning", extra="learning") from error
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._storage = optuna.storages.InMemoryStorage() if url is None else _storage_at(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the database; the studies stay."""
        from optuna.storages import RDBStorage

        if isinstance(self._storage, RDBStorage):
            self._storage.remove_session()
            self._storage.engine.dispose()

    def opened(self, name: str, *, seed: int = 0) -> Study:
        """The study of that name, which is made if it is not there.

        Its sampler goes on where trials ended: equal seeds give equal trials, of one worker.
        """
        import optuna

        study = optuna.create_study(
            storage=self._storage, study_name=name, direction="maximize", load_if_exists=True
        )
        begun = len(study.get_trials(deepcopy=False))
        with _quiet():
            study.sampler = optuna.samplers.TPESampler(seed=seed + begun)
        return study

    def completed(self, name: str) -> int:
        """How many trials of a study are completed."""
        return _completed(self.opened(name))

    def names(self) -> list[str]:
        """The studies that there are."""
        import optuna

        return optuna.get_all_study_names(self._storage)

    def drop(self, name: str) -> None:
        """Drop a study."""
        import optuna

        optuna.delete_study(study_name=name, storage=self._storage)


class Worker:
    """Works on a study: tries settings until enough trials are completed.

    Args:
        studies: Where the study is.
        task: What it is about.
        bench: Decides again.
    """

    def __init__(self, studies: Studies, task: Task, bench: Bench | None = None) -> None:
        self._studies = studies
        self._task = task
        self._bench = Bench() if bench is None else bench
        self._space = SearchSpace(task.config, task.records)
        self._now = side_of(self._bench.outcomes(task.records, task.config))

    def begin(self) -> None:
        """Make the study, with the settings of now and the shipped ones to be tried first."""
        study = self._studies.opened(self._task.name)
        for config in (self._task.config, shipped(self._task.config)):
            study.enqueue_trial(self._space.of_settings(config), skip_if_exists=True)

    def work(self, *, number: int = 0, told: Told | None = None) -> None:
        """Try settings until the study has its trials.

        Args:
            number: Of this worker; two with the same number would draw the same.
            told: Told how far the study is; what it raises ends the work.
        """
        import optuna

        if self._studies.completed(self._task.name) >= self._task.trials:
            return
        study = self._studies.opened(self._task.name, seed=self._task.seed + 10_007 * number)
        until = optuna.study.MaxTrialsCallback(
            self._task.trials, states=(optuna.trial.TrialState.COMPLETE,)
        )
        with _quiet():
            study.optimize(self._tried, callbacks=[until, _teller(self._task, told)])

    def best(self) -> WorkspaceConfig:
        """The settings of the best trial that keeps every constraint; those of now if none does."""
        kept = [
            trial
            for trial in self._studies.opened(self._task.name).get_trials(deepcopy=False)
            if trial.value is not None and all(one <= 0.0 for one in trial.constraints.values())
        ]
        if not kept:
            return self._task.config
        best = max(kept, key=lambda trial: (trial.value, -trial.number))
        return self._space.suggested(_Taken(best.params))

    def _tried(self, trial: Trial) -> float:
        outcomes = self._bench.outcomes(self._task.records, self._space.suggested(trial))
        found = side_of(outcomes)
        for name, excess in _excesses(self._now, found).items():
            trial.set_constraint(name, excess)
        return found.evidence_per_1000_tokens


@dataclass(frozen=True, slots=True)
class _Taken:
    """Suggests the parameters of a trial again."""

    params: dict[str, Any]

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(self.params[name])

    def suggest_categorical(self, name: str, choices: object) -> str:
        return str(self.params[name])


def _excesses(now: Side, tried: Side) -> dict[str, float]:
    """By how much each constraint is broken; at most 0 where it is kept."""
    stability = 0.0
    if now.stability is not None and tried.stability is not None:
        stability = now.stability - STABILITY_SLACK - tried.stability
    return {
        "evidence": now.evidence - tried.evidence,
        "cost": tried.mean_cost - now.mean_cost * (1.0 + COST_SLACK),
        "stability": stability,
        "fit": float(tried.unfit - now.unfit),
    }


def _teller(task: Task, told: Told | None) -> Callable[[Study, FrozenTrial], None]:
    def tell(study: Study, trial: FrozenTrial) -> None:
        if told is not None:
            told(min(1.0, _completed(study) / task.trials))

    return tell


def _completed(study: Study) -> int:
    from optuna.trial import TrialState

    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))


def _storage_at(url: str) -> BaseStorage:
    from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback

    waits = {"connect_args": {"timeout": _LOCK_SECONDS}} if url.startswith("sqlite") else {}
    with _quiet():
        return RDBStorage(
            url,
            engine_kwargs=waits,
            heartbeat_interval=SIGN_OF_LIFE_SECONDS,
            grace_period=STALE_SECONDS,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(_MOST_RETRIES),
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings that signs of life are an experiment of Optuna's."""
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
