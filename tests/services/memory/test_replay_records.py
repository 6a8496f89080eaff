"""Recalls of a service as records: they are replayed without it, and decide as they did."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from memory_services import Opened

from mba_integrations import MemoryItem
from mba_integrations.core.errors import UnknownWorkspaceError
from mba_integrations.learning.replay.files.reading import read_records
from mba_integrations.learning.replay.files.writing import write_records
from mba_integrations.learning.replay.replay import replay
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock, WordCounter

WORDS = ("Kate", "lives", "Lisbon", "skis", "invoice", "Friday")
_numbers = itertools.count()
texts = st.lists(st.sampled_from(WORDS), min_size=2, max_size=8).map(" ".join)
turns = st.tuples(
    texts,
    st.sampled_from([None, "s1", "s2"]),
    st.sampled_from([None, 40, 120]),
    st.sampled_from(["", "remember", "move", "settings"]),
)


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    return opened()


def remembered(service: MemoryService, name: str, count: int = 12, **settings_: Any) -> None:
    service.create_workspace(
        name, **{"max_total_tokens": 200, "logging": {"include_text": True}, **settings_}
    )
    tiers = ("project", "rag", "long_term", "working")
    service.remember(
        name,
        [
            MemoryItem(
                f"m{number}",
                f"Kate {WORDS[number % 6]} number {number} in Lisbon on Friday. "
                * (number % 3 + 1),
                tiers[number % 4],
            )
            for number in range(count)
        ],
    )


def happened(service: MemoryService, name: str, what: str) -> None:
    if what == "remember":
        service.remember(name, [f"Kate lives in Lisbon {next(_numbers)}."])
    elif what == "move":
        service.move(name, "m0", "rag")
    elif what == "settings":
        service.workspaces.change(name, token_price=1e-6 * next(_numbers))


@given(asked=st.lists(turns, min_size=1, max_size=6))
@settings(
    max_examples=8,
    phases=[Phase.generate],  # a smaller example costs minutes
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_records_of_recalls_decide_as_these_did(
    service: MemoryService, clock: Clock, asked: list[Any]
) -> None:
    name = f"w{next(_numbers)}"
    remembered(service, name)
    replies = []
    for query, session_id, budget, then in asked:
        replies.append(service.recall(name, query, session_id=session_id, budget_tokens=budget))
        happened(service, name, then)
        clock.pass_seconds(1)
    made = service.allocations.replay_records(name)
    records = list(made)
    assert not made.skipped
    assert {one.allocation_id for one in records} == {one.allocation_id for one in replies}
    of_reply = {one.allocation_id: one for one in replies}
    for record, again in zip(records, replay(records, token_counter=WordCounter()), strict=True):
        reply = of_reply[record.allocation_id]
        assert record.selected_ids == reply.allocation.selected_ids
        assert again.is_as_then(record)
        assert again.stable_prefix_tokens == reply.allocation.stable_prefix_tokens


def test_a_record_has_what_was_said_of_it(service: MemoryService) -> None:
    remembered(service, "w")
    reply = service.recall("w", "Where does Kate live?")
    first = reply.allocation.selected_ids[0]
    service.feedback("w", reply.allocation_id, cited=[first])
    [record] = service.allocations.replay_records("w")
    [useful] = [one for one in record.feedback if one.useful]
    assert (useful.memory_id, useful.origin) == (first, "cited")


def test_the_time_narrows_records_and_a_session_is_followed_from_before(
    service: MemoryService, clock: Clock, tmp_path: Path
) -> None:
    remembered(service, "w")
    for query in ("Where does Kate live?", "Kate skis?", "And the invoice of Friday?"):
        clock.pass_seconds(1)
        last = service.recall("w", query, session_id="s")
    row = service.allocations.get("w", last.allocation_id)
    made = service.allocations.replay_records("w", since=row.at)
    records = list(made)
    assert (len(records), dict(made.skipped)) == (1, {})
    assert records[-1].allocation_id == last.allocation_id
    assert records[-1].previous is not None
    assert write_records(records, tmp_path / "r.jsonl") == len(records)
    assert all(
        map(
            lambda a, b: a.is_as_then(b),
            replay(read_records(tmp_path / "r.jsonl"), token_counter=WordCounter()),
            records,
        )
    )
    assert not list(service.allocations.replay_records("w", until=row.at - timedelta(days=1)))


def test_what_cannot_be_decided_again_is_counted_by_reason(service: MemoryService) -> None:
    remembered(service, "w", logging={"include_text": False})
    service.recall("w", "Where does Kate live?")
    made = service.allocations.replay_records("w")
    assert list(made) == []
    assert made.skipped == {"question_not_logged": 1}
    remembered(service, "v")
    own = MemoryItem("own", "The tax code is 42.", "rag", pinned=True)
    service.recall("v", "Which tax code?", items=[own])
    service.recall("v", "Kate?", query_embedding=[1.0, 0.0])
    made = service.allocations.replay_records("v")
    assert list(made) == []
    assert made.skipped == {"not_as_then_any_more": 1, "vector_or_layout_of_the_caller": 1}


def test_an_unknown_workspace_is_refused(service: MemoryService) -> None:
    with pytest.raises(UnknownWorkspaceError):
        service.allocations.replay_records("nobody")
