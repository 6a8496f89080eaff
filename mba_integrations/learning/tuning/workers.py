"""Processes that share a study. Any of them may be killed at any time: the study goes on.

They are started by `subprocess`, so a script needs no guard, and a thread or a notebook may tune.
One that dies is replaced a few times; what is left then is done in this process.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from contextlib import suppress

from mba_integrations.learning.tuning.studies import Studies, Task, Told

_MODULE = "mba_integrations.learning.tuning.worker_process"
_PAUSE_SECONDS = 0.2
_MOST_DEATHS = 8


def work_apart(studies: Studies, task: Task, workers: int, told: Told | None = None) -> None:
    """Have processes work on a study until it has its trials, or too many of them died.

    Args:
        studies: Where the study is, which was begun.
        task: What it is about; its study is in a database.
        workers: How many processes.
        told: Told how far it is, some times a second.
    """
    team = _Team(task)
    try:
        for _ in range(workers):
            team.add()
        while team.works():
            done = studies.completed(task.name)
            if told is not None:
                told(min(1.0, done / task.trials))
            if done >= task.trials:
                return
            time.sleep(_PAUSE_SECONDS)
    finally:
        team.end()


class _Team:
    """The processes; each has a number of its own, and so have those in place of the dead."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._started = 0
        self._deaths = 0
        self._processes: list[subprocess.Popen[bytes]] = []

    def add(self) -> None:
        self._started += 1
        # `-P` keeps the current folder, which may be a stranger's, off the path of imports.
        path = os.pathsep.join(place for place in sys.path if place)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._processes.append(process)
        assert process.stdin is not None
        with suppress(OSError), process.stdin as pipe:  # it died: `works` sees it
            pickle.dump((self._started, self._task), pipe)

    def works(self) -> bool:
        """Whether any is at work; those that died are replaced."""
        for process in [one for one in self._processes if one.poll() is not None]:
            self._processes.remove(process)
            if process.returncode:
                self._deaths += 1
                if self._deaths <= _MOST_DEATHS:
                    self.add()
        return bool(self._processes)

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
