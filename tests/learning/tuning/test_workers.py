"""Workers that share a study are killed; the study goes on."""

from __future__ import annotations

import os
import signal
import time
import warnings
from pathlib import Path

import pytest

from benchmarks.tuning_traffic import traffic, wrong_config
from mba_integrations.learning.tuning import studies as studies_module
from mba_integrations.learning.tuning import workers as workers_module
from mba_integrations.learning.tuning.studies import Studies, Task, Worker
from mba_integrations.learning.tuning.workers import work_apart

optuna = pytest.importorskip("optuna")


def task_at(url: str, *, trials: int) -> Task:
    return Task(
        records=tuple(traffic(12)),
        config=wrong_config(),
        trials=trials,
        seed=3,
        url=url,
        name="kate/1",
    )


def begun(task: Task) -> tuple[Studies, Worker]:
    studies = Studies(task.url)
    worker = Worker(studies, task)
    worker.begin()
    return studies, worker


def test_workers_that_are_killed_are_replaced_and_the_study_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_at(f"sqlite:///{tmp_path}/studies.db", trials=12)
    studies, worker = begun(task)
    team: list[workers_module._Team] = []
    kept = workers_module._Team

    def watched(given: Task) -> workers_module._Team:
        team.append(kept(given))
        return team[0]

    monkeypatch.setattr(workers_module, "_Team", watched)
    killed: list[int] = []

    def kill_one(done: float) -> None:
        if len(killed) < 3 and done * task.trials > 2 * (len(killed) + 1):
            pid = team[0]._processes[0].pid
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    work_apart(studies, task, 2, kill_one)
    worker.work()
    trials = studies.opened(task.name).get_trials()
    complete = [one for one in trials if one.state is optuna.trial.TrialState.COMPLETE]
    assert len(killed) == 3
    assert len(complete) >= 12
    assert all(one.values and one.constraints for one in complete)


def test_a_trial_of_a_dead_worker_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies_module, "STALE_SECONDS", 1)
    monkeypatch.setattr(studies_module, "SIGN_OF_LIFE_SECONDS", 1)
    task = task_at(f"sqlite:///{tmp_path}/studies.db", trials=4)
    studies, worker = begun(task)
    study = studies.opened(task.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that such a trial is not from `optimize`
        dead = study.ask()
    study._storage.record_heartbeat(dead._trial_id)  # type: ignore[attr-defined]  # of RDBStorage
    time.sleep(2.1)
    worker.work()
    trials = study.get_trials()
    assert trials[dead.number].state is optuna.trial.TrialState.FAIL
    again = [one for one in trials if one.system_attrs.get("failed_trial") == dead.number]
    assert [one.state for one in again] == [optuna.trial.TrialState.COMPLETE]


def test_equal_seeds_give_equal_settings_of_one_worker() -> None:
    found = []
    for _ in range(2):
        task = task_at("", trials=5)
        studies = Studies(None)
        worker = Worker(studies, task)
        worker.begin()
        worker.work()
        found.append([one.params for one in studies.opened(task.name).get_trials()])
    assert found[0] == found[1]
