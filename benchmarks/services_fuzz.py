"""Throw random operations of many workspaces at one store: does any see what belongs to another?

    python benchmarks/services_fuzz.py WHERE --operations 100000

Every text, tag, source, subject, session, payload and answer names its workspace, while all ids
are drawn from the same few: so foreign ids are guessed all the time. Whatever comes back is
searched for the name of another workspace, and a mirror of each workspace says what must be there.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from mba_integrations import MemoryTier
from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.store.erasure import erasing, ledger, pruning
from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.rows.allocations import (
    AllocationItem,
    AllocationRow,
    FeedbackOrigin,
    FeedbackRow,
)
from mba_integrations.services.store.rows.gateway.spend import Hold, SpendPlace
from mba_integrations.services.store.rows.gateway.usage import UsageAt, UsageFigures, UsageOf
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow
from mba_integrations.services.store.rows.rollups import Part, Span
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import (
    accesses,
    answers,
    changes,
    finding,
    history,
    jobs,
    memories,
    vectors,
    workspaces,
)
from mba_integrations.services.store.statements.gateway import spend, usage
from mba_integrations.services.store.statements.log import allocations, sessions
from mba_integrations.services.store.store import Store

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("ownerA", "ownerB", "ownerC", "ownerD", "ownerE")
IDS = tuple(f"m{number}" for number in range(12))


@dataclass(slots=True)
class FuzzReport:
    """What came of it.

    Attributes:
        operations: How many there were.
        refused: Those that an error of ours refused.
        foreign: What was seen of another workspace, as text.
        wrong: Where a workspace was not what its mirror says.
    """

    operations: int = 0
    refused: int = 0
    foreign: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Tenant:
    """One workspace, and a mirror of what it must hold."""

    def __init__(self, name: str, rng: random.Random) -> None:
        self.name = name
        self.rng = rng
        self.texts: dict[str, str] = {}
        self.count = 0

    def id(self) -> str:
        """An id, known here or only elsewhere or nowhere."""
        return self.rng.choice(IDS)

    def row(self, memory_id: str) -> MemoryRow:
        """A memory that names its workspace everywhere."""
        self.count += 1
        return MemoryRow(
            memory_id=memory_id,
            content=f"{self.name} {self.count}",
            tier=self.rng.choice(list(MemoryTier)),
            source=f"{self.name} {self.rng.randrange(3)}",
            subject=f"{self.name} {self.rng.randrange(3)}",
            metadata={"of": self.name},
            tags=(self.name, "shared"),
        )

    def add(self, writing: Writing) -> object:
        row = self.row(self.id())
        stored = memories.add(writing, [row])
        self.texts[row.memory_id] = row.content
        return stored

    def supersede(self, writing: Writing) -> object:
        old, row = self.id(), self.row(self.id())
        stored = memories.supersede(writing, {old: row})
        del self.texts[old]
        self.texts[row.memory_id] = row.content
        return stored

    def rewrite(self, writing: Writing) -> object:
        row = self.row(self.id())
        saved = memories.rewrite(writing, [row], keep_versions=True)
        self.texts[row.memory_id] = row.content
        return saved

    def forget(self, writing: Writing) -> object:
        memory_id = self.id()
        gone = memories.forget(writing, [memory_id])
        self.texts.pop(memory_id, None)
        return gone

    def erase(self, writing: Writing) -> object:
        kind, value = self.rng.choice(
            [("memory", self.id()), ("subject", f"{self.name} 0"), ("source", f"{self.name} 1")]
        )
        for memory_id in erasing.chosen(writing, kind, [value]):  # type: ignore[arg-type]
            self.texts.pop(memory_id, None)
        self.count += 1
        return erasing.erase(writing, f"e{self.count}", kind, [value])  # type: ignore[arg-type]

    def log(self, writing: Writing) -> object:
        one = self.id()
        record = {"query": self.name, "texts": [self.name]}
        items = (AllocationItem(memory_id=one, selected=True, reason=self.name),)
        row = AllocationRow(allocation_id=one, at=writing.at, record=record, items=items)
        allocations.add(writing, [row])
        said = FeedbackRow(
            allocation_id=one,
            memory_id=one,
            useful=True,
            origin=FeedbackOrigin.THUMB,
            weight=1.0,
            at=writing.at,
        )
        allocations.add_feedback(writing, [said])
        sessions.put(writing, one, {"text": self.name})
        jobs.enqueue(writing, one, "k", {"of": self.name})
        answers.keep(writing, one, "h", {"of": self.name})
        return one

    def other_writes(self, writing: Writing) -> object:
        one, tier = self.id(), self.rng.choice(list(MemoryTier))
        acts: list[Callable[[], object]] = [
            lambda: memories.move(writing, {one: tier}),
            lambda: memories.update(writing, finding.known(writing, [one])),
            lambda: accesses.count(writing, [one], session_id=one),
            lambda: vectors.put(writing, "e", [one], [[1.0, 2.0]]),  # type: ignore[arg-type]
            lambda: vectors.drop(writing, "e"),
            lambda: sessions.end(writing, [one]),
            lambda: sessions.delete(writing, [one]),
            lambda: jobs.cancel(writing, one),
            lambda: jobs.retry(writing, one),
            lambda: workspaces.change_settings(writing, {"of": self.name}),
            lambda: pruning.prune(
                writing, pruning.Horizon(forgotten=writing.at, jobs=writing.at, sessions=writing.at)
            ),
            lambda: self.spend(writing, one),
            lambda: spend.settle(writing, one, {self.place(writing.at): 1}),
            lambda: spend.renew(writing, IDS, writing.at + timedelta(hours=1)),
            lambda: usage.add(writing, [self.used(writing.at)]),
            lambda: sessions.put_gateway(writing, one, {"model": self.name, "level": "simple"}),
        ]
        return self.rng.choice(acts)()

    def place(self, now: datetime) -> SpendPlace:
        """Where all workspaces count, each its own."""
        return SpendPlace.rolling("shared", "", timedelta(hours=1), now)

    def spend(self, writing: Writing, name: str) -> object:
        """Reserve, under an id that others use too."""
        place = self.place(writing.at)
        spend.opened(writing, [place])
        spend.settle(writing, name, {place: 1})
        until = writing.at + timedelta(minutes=1)
        return spend.reserve(writing, name, {place: Hold(1, 3)}, lease_until=until)

    def used(self, now: datetime) -> UsageAt:
        """A call of a model that names the workspace."""
        return UsageAt(now, UsageOf("simple", self.name), UsageFigures(requests=1))

    def look(self, reading: Reading) -> object:
        """Ask for something by guessed ids, and for what belongs to others by their names."""
        one = self.id()
        other = self.rng.choice(NAMES)
        foreign = frozenset({f"{other} {number}" for number in range(3)})
        wanted = self.rng.choice(
            [
                MemoryFilter(states=None),
                MemoryFilter(states=None, subjects=foreign),
                MemoryFilter(sources=foreign),
                MemoryFilter(tags=frozenset({other})),
                MemoryFilter(tags=frozenset({"shared"}), metadata={"of": other}),
                MemoryFilter(contains=other),
                MemoryFilter(memory_ids=frozenset(IDS)),
            ]
        )
        asks: list[Callable[[], object]] = [
            lambda: finding.listed(reading, wanted, limit=5),
            lambda: finding.find(reading, IDS),
            lambda: finding.repeated(reading, [self.row(one)]),
            lambda: changes.changes_since(reading, 0, limit=50),
            lambda: changes.changes_of(reading, one),
            lambda: history.versions(reading, one),
            lambda: allocations.find(reading, one),
            lambda: allocations.listed(reading),
            lambda: allocations.feedback_of(reading, one),
            lambda: sessions.find(reading, one),
            lambda: jobs.listed(reading),
            lambda: jobs.get(reading, one),
            lambda: answers.find(reading, one, "h"),
            lambda: erasing.receipts(reading),
            lambda: ledger.entries(reading),
            lambda: workspaces.get(reading),
            lambda: workspaces.settings_versions(reading),
            lambda: vectors.missing(reading, "e", limit=5),
            lambda: spend.standing(reading, self.place(START), START),
            lambda: spend.slices(reading, self.place(START)),
            lambda: usage.of_part(reading, Part(Span.DAY, None, None), sessions=False),
        ]
        return self.rng.choice(asks)()

    def check(self, reading: Reading) -> str | None:
        """Where the workspace is not what the mirror says."""
        found = {one.memory_id: one.content for one in finding.current(reading)}
        return None if found == self.texts else f"{self.name}: {found} is not {self.texts}"


def fuzz(store: Store, *, operations: int, seed: int) -> FuzzReport:
    """Throw random operations at a store in which there are no workspaces of these names."""
    rng = random.Random(seed)
    report = FuzzReport()
    tenants = [Tenant(name, rng) for name in NAMES]
    for tenant in tenants:
        store.write(tenant.name, lambda writing: workspaces.create(writing, settings={}))
    for number in range(operations):
        tenant = rng.choice(tenants)
        said = _operation(store, tenant, report)
        report.operations += 1
        seen = [name for name in NAMES if name != tenant.name and name in said]
        if seen:
            report.foreign.append(f"{tenant.name} saw {seen}: {said[:500]}")
        if number % 50 == 0:
            with store.read(tenant.name) as reading:
                wrong = tenant.check(reading)
            report.wrong += [] if wrong is None else [wrong]
    return report


def _operation(store: Store, tenant: Tenant, report: FuzzReport) -> str:
    """Do one operation; gives all that came back, as text."""
    writes: list[Callable[[Writing], Any]] = [
        *(tenant.add, tenant.add, tenant.supersede, tenant.rewrite, tenant.forget),
        *(tenant.erase, tenant.log, tenant.other_writes, tenant.other_writes),
    ]
    before = dict(tenant.texts)
    try:
        if tenant.rng.random() < 0.5:
            return repr(store.write(tenant.name, tenant.rng.choice(writes)))
        with store.read(tenant.name) as reading:
            return repr(tenant.look(reading))
    except MemoryBudgetError as error:
        tenant.texts = before
        report.refused += 1
        return str(error)


def main() -> None:
    """Run it, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("where")
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with open_store(given.where) as store:
        report = fuzz(store, operations=given.operations, seed=given.seed)
    print(
        f"{report.operations:,} operations, {report.refused:,} refused, "
        f"{len(report.foreign)} foreign, {len(report.wrong)} wrong"
    )
    print(*report.foreign[:5], *report.wrong[:5], sep="\n")


if __name__ == "__main__":
    main()
