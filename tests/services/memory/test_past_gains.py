"""What larger tiers would have brought to a past recall is found once, and goes with an erasure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from memory_services import Opened

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.services.memory.past import trials
from mba_integrations.services.memory.past.trials import StarvingTier
from mba_integrations.services.memory.pools.past_gains import (
    MOST_RECALLS,
    MOST_WORKSPACES,
    Gain,
    PastGains,
)
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock

QUERY = "Where is the key of Kate?"
GAINS = {tier: Gain(value=0.5, entering=1) for tier in MemoryTier}


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    made = opened()
    made.create_workspace("kate", max_total_tokens=8, logging={"include_text": True})
    remember(made, "lisbon", "Kate hides the key in Lisbon.")
    remember(made, "oslo", "Kate lives in Oslo.")
    return made


@pytest.fixture
def one_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time to try more than one."""
    monkeypatch.setattr(trials, "STARVING_SECONDS", -1.0)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Recalls that were asked again, in order."""
    ids: list[str] = []
    again = trials._Trial.again

    def noted(*given: Any) -> Any:
        ids.append(given[1].allocation_id)
        return again(*given)

    with monkeypatch.context() as patch:
        patch.setattr(trials._Trial, "again", noted)
        yield ids


def remember(service: MemoryService, name: str, text: str) -> None:
    service.remember("kate", MemoryItem(name, text, "project"))


def recalls(service: MemoryService, count: int) -> list[str]:
    """Ids of so many recalls."""
    return [service.recall("kate", QUERY).allocation_id for _ in range(count)]


def figures(found: tuple[StarvingTier, ...]) -> dict[MemoryTier, tuple[float, int]]:
    return {one.tier: (one.value_per_100_tokens, one.would_enter) for one in found}


@pytest.mark.usefixtures("one_each")
def test_who_asks_again_has_further_recalls_tried_until_none_is_left(
    service: MemoryService, tried: list[str]
) -> None:
    recalls(service, 3)
    for looked_at in (1, 2, 3, 3):
        found = service.allocations.starving("kate")
        assert {one.looked_at for one in found} == {looked_at}
        assert {one.untried for one in found} == {3 - looked_at}
    assert tried == [row.allocation_id for row in service.allocations.list("kate").rows]
    (later,) = recalls(service, 1)
    service.allocations.starving("kate")
    assert tried[3:] == [later]


def test_what_was_kept_counts_as_what_is_found_anew(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "STARVING_SECONDS", 60.0)
    recalls(service, 2)
    remember(service, "later", "Kate has another key.")
    recalls(service, 1)
    at_once = service.allocations.starving("kate")
    assert max(value for value, _ in figures(at_once).values()) > 0
    for _ in range(2):
        assert service.allocations.starving("kate") == at_once


def test_recalls_that_all_were_tried_are_not_read_for(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    recalls(service, 2)
    monkeypatch.setattr(trials, "STARVING_SECONDS", 60.0)
    first = service.allocations.starving("kate")
    monkeypatch.setattr(trials, "Grounds", None)
    assert service.allocations.starving("kate") == first


def test_other_settings_have_them_tried_anew(service: MemoryService, tried: list[str]) -> None:
    recalls(service, 1)
    before = service.allocations.starving("kate")
    service.workspaces.change("kate", max_total_tokens=1_000)
    after = service.allocations.starving("kate")
    assert len(tried) == 2
    assert figures(before) != figures(after)


def test_a_recall_that_cannot_be_asked_again_is_tried_once(
    service: MemoryService, tried: list[str]
) -> None:
    recalls(service, 1)
    service.pin("kate", "lisbon")
    service.pin("kate", "oslo")
    for _ in range(2):
        assert {one.looked_at for one in service.allocations.starving("kate")} == {0}
    assert len(tried) == 1


def test_an_erasure_takes_out_what_was_found(opened: Opened, service: MemoryService) -> None:
    other = opened()
    recalls(service, 1)
    for one in (service, other):
        assert {tier.looked_at for tier in one.allocations.starving("kate")} == {1}
    kept = service.equipment.past_gains
    service.erasures.erase("kate", memory_ids="lisbon")
    assert not kept._kept
    for one in (service, other):
        assert {tier.looked_at for tier in one.allocations.starving("kate")} == {0}


def test_a_deleted_workspace_leaves_nothing(service: MemoryService) -> None:
    recalls(service, 1)
    service.allocations.starving("kate")
    service.workspaces.delete("kate")
    assert not service.equipment.past_gains._kept


@pytest.mark.parametrize("seed", range(3))
def test_kept_figures_equal_those_found_anew_whatever_happened(
    opened: Opened,
    service: MemoryService,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.setattr(trials, "STARVING_SECONDS", 60.0)
    draw, other = random.Random(seed), opened()
    for step in range(10):
        act(service, draw, step, clock)
        clock.pass_seconds(draw.choice((1, 1_800)))
        recalls(service, 1)
        kept = service.allocations.starving("kate")
        other.equipment.past_gains.drop("kate")
        assert kept == other.allocations.starving("kate")


def act(service: MemoryService, draw: random.Random, step: int, clock: Clock) -> None:
    """Something other than a pin."""
    active = [row.memory_id for row in service.list("kate").rows]
    what = draw.choice(["add", "add", "forget", "revise", "move", "expire", "erase"])
    if what == "add" or not active:
        remember(service, f"m{step}", f"Kate has key {step}.")
        return
    one = draw.choice(active)
    if what == "forget":
        service.forget("kate", [one])
    elif what == "revise":
        service.revise("kate", one, f"Kate has another key {step}.")
    elif what == "move":
        service.move("kate", [one], draw.choice(["working", "rag"]))
    elif what == "expire":
        service.expire("kate", one, clock() + timedelta(minutes=draw.choice((10, 40))))
    else:
        service.erasures.erase("kate", memory_ids=one)


def test_what_is_dropped_while_it_is_tried_is_not_kept() -> None:
    kept = PastGains()
    trying = kept.within("a", 1)
    kept.drop("a")
    trying.keep("r", GAINS)
    assert kept.within("a", 1).of(["r"]) == {}


def test_what_stands_otherwise_knows_nothing() -> None:
    kept = PastGains()
    kept.within("a", 1).keep("r", GAINS)
    assert kept.within("a", 1).of(["r", "s"]) == {"r": GAINS}
    assert kept.within("a", 2).of(["r"]) == {}
    assert kept.within("a", 1).of(["r"]) == {}


def test_it_is_bounded_and_the_oldest_go() -> None:
    kept = PastGains()
    for number in range(MOST_RECALLS + 1):
        kept.within("a", 1).keep(f"r{number}", None)
    assert kept.within("a", 1).of(["r0", "r1"]) == {"r1": None}
    for number in range(MOST_WORKSPACES - 1):
        kept.within(f"w{number}", 1)
    assert kept.within("a", 1).of(["r1"]) == {"r1": None}
    kept.within("another", 1)
    kept.within("w0", 1)
    assert kept.within("a", 1).of(["r1"]) == {"r1": None}
    for number in range(MOST_WORKSPACES):
        kept.within(f"v{number}", 1)
    assert kept.within("a", 1).of(["r1"]) == {}
