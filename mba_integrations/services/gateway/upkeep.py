"""`Upkeep`: what must be done every few seconds while a gateway runs, in a thread of its own.

    upkeep = Upkeep([spending.renew, log.flush])
    ...
    upkeep.close()

An act that fails is done again next time; the others are done all the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.spending.budgets.spending import LEASE

EVERY_SECONDS = LEASE.total_seconds() / 3


class Upkeep:
    """Does acts again and again until it is closed.

    Args:
        acts: They; each once more at the end.
        seconds: Between two rounds.

    Attributes:
        problem: Why an act of the last round failed; None if none did.
    """

    problem: str | None = None

    def __init__(
        self, acts: Sequence[Callable[[], object]], *, seconds: float = EVERY_SECONDS
    ) -> None:
        self._acts = tuple(acts)
        self._seconds = seconds
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gateway upkeep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Do the acts once more, and end the thread. A second time is no error."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(self._seconds):
            self._round()
        self._round()

    def _round(self) -> None:
        problem = None
        for act in self._acts:
            try:
                act()
            except MemoryBudgetError as error:
                problem = str(error)
        self.problem = problem
