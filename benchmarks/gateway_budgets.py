"""Sixty-four calls at once against a budget for ten, with processes killed in between.

    python benchmarks/gateway_budgets.py WHERE --rounds 20

Each round has a session of its own, whose budget has room for ten calls. Eight processes ask for
eight calls each at the same moment; half of them are killed while they do, at a random moment.

- Of the calls that were told they may go on there are ten at most, and no more is ever reserved.
- The calls that live are settled with all that they had reserved, and exactly that is used.
- Once the lease is over, as many calls fit again as what is used leaves room for.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import random
import sys
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection

from mba_integrations.core.config.gateway_settings import GatewaySettings
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.budgets.costs import CallTokens
from mba_integrations.services.spending.budgets.errors import SpendExceededError
from mba_integrations.services.spending.budgets.spending import Demand, Reservation, Spending
from mba_integrations.services.spending.budgets.standing import BudgetState, budget_states
from mba_integrations.services.store.errors import WorkspaceExistsError

PROCESSES, THREADS, ROOM, NEEDED = 8, 8, 10, 200
LEASE = timedelta(seconds=4)
SETTINGS = GatewaySettings(
    spend=[
        {"unit": "tokens", "amount": ROOM * NEEDED, "period": "month", "scope": "session"},
        {"unit": "tokens", "amount": 10**12, "period": "day"},
    ]
)
NAME = "spent"


@dataclass(frozen=True, slots=True)
class Round:
    """What one round came to."""

    admitted: int
    killed: int
    settled: int
    used: int
    reserved_most: int
    fit_again: int

    @property
    def is_right(self) -> bool:
        """Whether it kept the budget, and what had died came back."""
        room = (ROOM * NEEDED - self.used) // NEEDED
        return (
            self.admitted <= ROOM
            and self.reserved_most <= ROOM * NEEDED
            and self.used == self.settled * NEEDED
            and self.fit_again == room
        )


def demand(session_id: str) -> Demand:
    """One call."""
    return Demand(
        models=("m",), input_tokens=NEEDED // 2, output_tokens=NEEDED // 2, session_id=session_id
    )


def asked(spending: Spending, session_id: str) -> Reservation | None:
    """Reserve for one call; None if there is no room."""
    try:
        return spending.reserve(NAME, SETTINGS, demand(session_id))
    except SpendExceededError:
        return None


def work(where: str, session_id: str, told: Connection) -> None:
    """One process: ask at once, say what was admitted, and settle it."""
    with MemoryService.open(where, background=False) as service:
        spending = Spending(service, lease=LEASE)
        told.send("ready")
        told.recv()
        held: list[Reservation] = []

        def ask() -> None:
            found = asked(spending, session_id)
            if found is not None:
                held.append(found)
                told.send("admitted")

        threads = [threading.Thread(target=ask) for _ in range(THREADS)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        for found in held:
            spending.settle(found, CallTokens(input=NEEDED, output=0))
            told.send("settled")


def state_of(service: MemoryService, session_id: str) -> BudgetState | None:
    """How the budget of a session stands."""
    return next((one for one in budget_states(service, NAME) if one.subject == session_id), None)


def play(where: str, session_id: str, rng: random.Random) -> Round:
    """One round. Processes are forked before this one opens the store."""
    context = multiprocessing.get_context("fork")
    pipes = [context.Pipe() for _ in range(PROCESSES)]
    workers = [
        context.Process(target=work, args=(where, session_id, theirs)) for _, theirs in pipes
    ]
    for worker in workers:
        worker.start()
    for _, theirs in pipes:
        theirs.close()
    with MemoryService.open(where, background=False) as service:
        for ours, _ in pipes:
            ours.recv()
        for ours, _ in pipes:
            ours.send("go")
        reserved = []
        for doomed in rng.sample(workers, PROCESSES // 2):
            time.sleep(rng.uniform(0.0, 0.2))
            doomed.kill()
            state = state_of(service, session_id)
            reserved.append(0 if state is None else state.used + state.reserved)
        said = [word for ours, _ in pipes for word in all_of(ours)]
        for worker in workers:
            worker.join()
        time.sleep(LEASE.total_seconds() + 0.5)
        state = state_of(service, session_id)
        spending = Spending(service)
        again = [asked(spending, session_id) for _ in range(ROOM + 1)]
    return Round(
        admitted=said.count("admitted"),
        killed=sum(one.exitcode != 0 for one in workers),
        settled=said.count("settled"),
        used=0 if state is None else state.used,
        reserved_most=max(reserved),
        fit_again=sum(one is not None for one in again),
    )


def all_of(pipe: Connection) -> list[str]:
    """What a process says until its end."""
    said = []
    with contextlib.suppress(EOFError, ConnectionResetError):
        while True:
            said.append(pipe.recv())
    return said


def main() -> None:
    """Play rounds, and say what they came to."""
    parser = argparse.ArgumentParser(description="Calls at once against a budget for ten.")
    parser.add_argument("where", help="path of a file, or postgresql://...")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    with MemoryService.open(given.where, background=False) as service:
        with contextlib.suppress(WorkspaceExistsError):
            service.create_workspace(NAME)
        service.workspaces.change(NAME, gateway=SETTINGS)
    rng, stamp = random.Random(0), f"{time.time():.0f}"
    wrong = most = 0
    for number in range(given.rounds):
        found = play(given.where, f"{stamp}.{number}", rng)
        print(found, "" if found.is_right else "WRONG", flush=True)
        wrong, most = wrong + (not found.is_right), max(most, found.admitted)
    print(f"{given.rounds} rounds, {most} admitted at most, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
