"""A past recall asked again: equal decisions under its own settings, however it was narrowed."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from memory_services import Opened

from mba_integrations import MemoryItem
from mba_integrations.core.errors import InputError
from mba_integrations.services.contracts.log import ReplayView
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.memories import MemoryFilter

WORDS = ("Kate", "lives", "Lisbon", "skis", "invoice", "Friday")
TIERS = ("working", "project", "long_term", "rag")
_numbers = itertools.count()

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
facts = st.tuples(
    texts, st.sampled_from(TIERS), st.sampled_from(["kate", "tom", None]), st.booleans()
)
narrowings = st.fixed_dictionaries(
    {},
    optional={
        "tiers": st.lists(st.sampled_from(TIERS), min_size=1, unique=True),
        "subject": st.sampled_from(["kate", "tom"]),
        "filters": st.sampled_from(
            [MemoryFilter(tags=frozenset({"t"})), MemoryFilter(contains="Kate", pinned=False)]
        ),
        "budget_tokens": st.integers(20, 60),
        "reserved_tokens": st.integers(0, 960),
    },
)
later = st.lists(st.sampled_from(["add", "move", "forget", "revise", "recall"]), max_size=4)


def remembered(service: MemoryService, name: str, found: list[Any]) -> None:
    service.remember(
        name,
        [
            NewMemory(
                item=MemoryItem(f"m{number}", f"{text} {number}", tier),
                subject=subject,
                tags=("t",) if tagged else (),
            )
            for number, (text, tier, subject, tagged) in enumerate(found)
        ],
    )


def change(service: MemoryService, name: str, what: str) -> None:
    """What happens after the recall that is asked again."""
    active = service.list(name).rows
    if what == "add" or not active:
        service.remember(name, [f"Kate lives in Lisbon {next(_numbers)}."])
    elif what == "move":
        service.move(name, active[0].memory_id, "rag")
    elif what == "forget":
        service.forget(name, active[-1].memory_id)
    elif what == "revise":
        service.revise(name, active[0].memory_id, f"Kate skis {next(_numbers)}.")
    else:
        service.recall(name, "Kate skis?")


@pytest.fixture
def empty(opened: Opened) -> MemoryService:
    """A service without workspaces; each example makes its own."""
    return opened()


@given(facts=st.lists(facts, min_size=1, max_size=12), asked=narrowings, then=later)
@settings(
    max_examples=8,
    phases=[Phase.generate],  # a smaller example costs minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_same_settings_decide_alike(
    empty: MemoryService, facts: list[Any], asked: dict[str, Any], then: list[str]
) -> None:
    service = empty
    name = f"w{next(_numbers)}"
    service.create_workspace(name, max_total_tokens=1_000, logging={"include_text": True})
    remembered(service, name, facts)
    reply = service.recall(name, "Where does Kate live, and what of the invoice?", **asked)
    for what in then:
        change(service, name, what)  # at the same moment: the sequence tells before and after
    row = service.allocations.get(name, reply.allocation_id)
    again = service.allocations.replay(name, reply.allocation_id)
    view = ReplayView.of(row, again)
    assert view.changed == []
    assert (again.selected_ids, again.used_tokens, again.budget_tokens) == (
        *(reply.allocation.selected_ids, reply.used_tokens, reply.budget_tokens),
    )


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    made = opened()
    made.create_workspace("kate", max_total_tokens=1_000, logging={"include_text": True})
    facts = [("Kate lives in Lisbon", "project", "kate", True), ("Kate skis", "rag", "tom", False)]
    remembered(made, "kate", facts)
    return made


def test_other_settings_show_which_decisions_differ(service: MemoryService) -> None:
    reply = service.recall("kate", "Where does Kate live?", subject="kate", budget_tokens=30)
    row = service.allocations.get("kate", reply.allocation_id)
    again = service.allocations.replay("kate", reply.allocation_id, budget_tokens=2)
    (changed,) = ReplayView.of(row, again).changed
    assert changed.before is not None
    assert changed.after is not None
    assert (changed.memory_id, changed.before.selected, changed.after.selected) == (
        *("m0", True, False),
    )
    assert changed.after.reason is not None
    kept = service.allocations.replay("kate", reply.allocation_id, settings={"stability": 0.5})
    assert kept.budget_tokens == 30


@pytest.mark.parametrize("words", [{"contains": "Kate"}, {"metadata": {"a": 1}}])
def test_words_that_the_log_may_not_keep_are_asked_for(
    service: MemoryService, words: dict[str, Any]
) -> None:
    service.workspaces.change("kate", logging={"include_text": False})
    reply = service.recall("kate", "Kate?", subject="kate", filters=MemoryFilter(**words))
    record = service.allocations.get("kate", reply.allocation_id).record
    assert record["asked"]["filters"] == {"subjects": ["kate"]}
    with pytest.raises(InputError, match=r"which the log has not kept.*include_text"):
        service.allocations.replay("kate", reply.allocation_id, query="Kate?")


def test_what_is_not_followed_is_told(service: MemoryService) -> None:
    service.recall("kate", "Kate?", session_id="s")
    reply = service.recall("kate", "Kate?", session_id="s")
    row = service.allocations.get("kate", reply.allocation_id)
    again = service.allocations.replay("kate", reply.allocation_id)
    assert ReplayView.of(row, again).not_followed == ["the prompt before it in its session"]


def test_an_erasure_takes_filters_that_name_what_is_erased(service: MemoryService) -> None:
    """Also of a subject of whom there was no memory, and of a time before the first one."""
    asked = [service.recall("kate", "?", subject=name) for name in ("anna", "kate")]
    words = service.recall("kate", "?", filters=MemoryFilter(contains="Lisbon"))
    service.erasures.erase("kate", subjects=["anna"])
    service.erasures.erase("kate", memory_ids=["m0"])
    rows = [service.allocations.get("kate", one.allocation_id) for one in (*asked, words)]
    assert [one.record["asked"] for one in rows] == [
        *({"unkept": ["filters"]}, {"filters": {"subjects": ["kate"]}}, {"unkept": ["filters"]}),
    ]
