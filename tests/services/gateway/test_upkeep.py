"""What is done every few seconds goes on when an act fails, and once more at the end."""

from __future__ import annotations

import threading

from mba_integrations.services.gateway.upkeep import Upkeep
from mba_integrations.services.store.errors import StoreBusyError


def test_an_act_that_fails_does_not_keep_the_others_from_being_done() -> None:
    rounds = 0
    enough = threading.Event()

    def fails() -> None:
        raise StoreBusyError("busy")

    def counts() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            enough.set()

    upkeep = Upkeep([fails, counts], seconds=0.001)
    assert enough.wait(10)
    upkeep.close()
    assert upkeep.problem == "busy"
    assert rounds >= 4


def test_at_its_end_all_is_done_once_more_however_long_the_pause() -> None:
    done: list[str] = []
    upkeep = Upkeep([lambda: done.append("flushed")], seconds=3_600)
    upkeep.close()
    upkeep.close()
    assert done == ["flushed"]
    assert upkeep.problem is None
