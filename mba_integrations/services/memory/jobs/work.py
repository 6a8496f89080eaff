"""`JobWork`: what the code of a job gets, and the rules that it keeps.

1. A job may be begun more than once: the worker before may have died at any place. So each step
   looks at what is there and does what is missing.
2. `write` does a step in a transaction that first shows a sign of life. If the job is somebody
   else's by then, or was cancelled, the step is not done and `LeaseLostError` ends the work.
3. What takes long between two steps runs in `alive`, which shows signs of life meanwhile.
4. `finish` does the last step and ends the job in one transaction: it is done once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.store.errors import LeaseLostError, StoreError
from mba_integrations.services.store.rows.jobs import JobRow
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import jobs

Result = TypeVar("Result")
SIGN_SECONDS = jobs.LEASE.total_seconds() / 4
"""Between two signs of life of `alive`."""
JobProgress = Callable[[JobRow, float], None]
"""Told how far a job is, in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWork:
    """One job in the hands of a worker.

    Attributes:
        equipment: What the service lends.
        job: The job.
        owner: The worker's name.
        stop: Is set when the worker is to end soon.
        told: Is told how far the job is, in [0, 1].
    """

    equipment: Equipment
    job: JobRow
    owner: str
    stop: threading.Event | None = None
    told: JobProgress | None = None

    @property
    def workspace_id(self) -> str:
        """The job's workspace."""
        return self.job.workspace_id

    def write(self, act: Callable[[Writing], Result], *, progress: float | None = None) -> Result:
        """Do a step.

        Raises:
            LeaseLostError: If the job is not this worker's any more; the step is not done.
        """

        def step(writing: Writing) -> Result:
            jobs.renew(writing, self.job.job_id, self.owner, progress=progress)
            return act(writing)

        done = self.equipment.write(self.workspace_id, step, actor=self.job.kind)
        if self.told is not None and progress is not None:
            self.told(self.job, progress)
        return done

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Show signs of life from a thread as long as the block lasts.

        Where the job is not this worker's any more, they end, and the next step says so.
        """
        over = threading.Event()
        thread = threading.Thread(target=self._show_signs, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _show_signs(self, over: threading.Event) -> None:
        while not over.wait(SIGN_SECONDS):
            with suppress(StoreError):  # one that does not answer may answer the next time
                try:
                    self.write(lambda writing: None)
                except LeaseLostError:
                    return

    @property
    def is_to_stop(self) -> bool:
        """Whether the job is to be given back at the next place where it can."""
        return self.stop is not None and self.stop.is_set()

    def release(self) -> None:
        """Give the job back, for somebody to go on with it; the attempt does not count.

        Raises:
            LeaseLostError: If the job is not this worker's any more.
        """
        self.equipment.write(
            self.workspace_id, lambda writing: jobs.release(writing, self.job.job_id, self.owner)
        )

    def finish(self, act: Callable[[Writing], Mapping[str, Any]]) -> None:
        """Do the last step and end the job; what the step gives is the job's result.

        Raises:
            LeaseLostError: If the job is not this worker's any more; the step is not done.
        """

        def step(writing: Writing) -> None:
            jobs.complete(writing, self.job.job_id, self.owner, act(writing))

        self.equipment.write(self.workspace_id, step, actor=self.job.kind)


Handler = Callable[[JobWork], None]
"""Does a job to its end: the last thing that it calls is `finish`."""
