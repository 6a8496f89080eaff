"""`Worker`: a thread that does jobs as they come.

It sleeps until it is woken by a write that left a job, and looks by itself every few seconds for
jobs of other processes, and for those whose time has come. A store that does not answer is asked
again later.
"""

from __future__ import annotations

import threading

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.memory.jobs.runner import JobRunner

PAUSE_SECONDS = 5.0
_JOBS_A_ROUND = 100


class Worker:
    """Begins at once. `close` ends it after the job that it is doing.

    Args:
        runner: Does the jobs.

    Attributes:
        problem: Why the last round failed; None if it did not.
    """

    def __init__(self, runner: JobRunner) -> None:
        self._runner = runner
        self._stop = threading.Event()
        self._wake = threading.Event()
        self.problem: str | None = None
        self._thread = threading.Thread(target=self._run, name="mba-worker", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be a job."""
        self._wake.set()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                self._runner.run(most=_JOBS_A_ROUND, stop=self._stop)
                self.problem = None
            except MemoryBudgetError as error:
                self.problem = str(error)
            self._wake.wait(PAUSE_SECONDS)
