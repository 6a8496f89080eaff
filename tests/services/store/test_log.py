"""Sessions, the log of allocations, feedback, and answers that are given again."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from store_rows import START, Clock, read

from mba_integrations.services.store.errors import IdempotencyConflictError
from mba_integrations.services.store.rows.allocations import (
    AllocationItem,
    AllocationRow,
    FeedbackOrigin,
    FeedbackRow,
)
from mba_integrations.services.store.rows.sessions import SessionRow
from mba_integrations.services.store.statements import answers
from mba_integrations.services.store.statements.log import allocations, sessions
from mba_integrations.services.store.store import Store


def test_a_session_keeps_its_last_prompt(store: Store, clock: Clock) -> None:
    store.write("kate", lambda writing: sessions.put(writing, "s", {"text": "a"}))
    later = clock.move(minutes=1)
    store.write("kate", lambda writing: sessions.put(writing, "s", {"text": "b"}))
    kept = SessionRow(session_id="s", previous={"text": "b"}, updated_at=later)
    assert read(store, "kate", lambda reading: sessions.find(reading, "s")) == kept
    assert read(store, "tom", lambda reading: sessions.find(reading, "s")) is None


def test_idle_sessions_are_ended_once_and_go_on_when_they_are_used(
    store: Store, clock: Clock
) -> None:
    for name in ("a", "b"):
        store.write("kate", partial(sessions.put, session_id=name, previous={"x": 1}))
        clock.move(minutes=1)
    idle = read(store, "kate", lambda reading: sessions.idle(reading, START + timedelta(seconds=1)))
    assert [one.session_id for one in idle] == ["a"]
    assert store.write("kate", lambda writing: sessions.end(writing, ["a", "unknown"])) == 1
    assert store.write("kate", lambda writing: sessions.end(writing, ["a"])) == 0
    ended = read(store, "kate", lambda reading: sessions.find(reading, "a"))
    assert ended == SessionRow(session_id="a", previous=None, updated_at=START, ended_at=clock.now)
    assert [
        one.session_id
        for one in read(store, "kate", lambda reading: sessions.idle(reading, clock.now))
    ] == ["b"]
    store.write("kate", lambda writing: sessions.put(writing, "a", None))
    again = read(store, "kate", lambda reading: sessions.find(reading, "a"))
    assert again == SessionRow(session_id="a", previous=None, updated_at=clock.now)
    assert store.write("kate", lambda writing: sessions.delete(writing, ["a", "x"])) == 1


def allocation(allocation_id: str, **fields: object) -> AllocationRow:
    fields = {"at": START, "record": {"used_tokens": 3}, **fields}
    return AllocationRow(allocation_id=allocation_id, **fields)


def test_an_allocation_is_logged_once_with_its_items(store: Store) -> None:
    items = (
        AllocationItem(memory_id="m", selected=True, tokens=3, score=0.25),
        AllocationItem(memory_id="n", selected=False, reason="outranked"),
        AllocationItem(memory_id="m", selected=False),
    )
    logged = allocation(
        "a",
        session_id="s",
        settings_version=2,
        core_version="1",
        change_seq=7,
        prefix_hash="p",
        stable_prefix_tokens=5,
        query_hash="q",
        items=items,
    )
    store.write("kate", lambda writing: allocations.add(writing, [logged, allocation("b")]))
    store.write("kate", lambda writing: allocations.add(writing, [allocation("a", record={})]))
    found = read(store, "kate", lambda reading: allocations.find(reading, "a"))
    assert found == logged
    assert found is not None
    assert found.items == items
    assert read(store, "tom", lambda reading: allocations.find(reading, "a")) is None


def test_allocations_are_listed_in_pages_the_latest_first(store: Store) -> None:
    rows = [
        allocation("a"),
        allocation("b", session_id="s"),
        allocation("c", at=START + timedelta(hours=1), session_id="s"),
    ]
    store.write("kate", lambda writing: allocations.add(writing, rows))

    def listed(**wanted: object) -> list[str]:
        return [
            one.allocation_id
            for one in read(store, "kate", lambda reading: allocations.listed(reading, **wanted))
        ]

    assert listed() == ["c", "b", "a"]
    assert listed(limit=1) == ["c"]
    assert listed(after=(START, "b")) == ["a"]
    assert listed(until=START + timedelta(hours=1)) == ["b", "a"]
    assert listed(since=START + timedelta(minutes=1)) == ["c"]
    assert listed(session_id="s") == ["c", "b"]


def test_the_last_word_of_each_origin_holds(store: Store) -> None:
    thumb, overlap = FeedbackOrigin.THUMB, FeedbackOrigin.OVERLAP

    def say(memory_id: str | None, useful: bool | None, origin: FeedbackOrigin) -> None:
        said = FeedbackRow(
            **{"allocation_id": "a", "memory_id": memory_id, "useful": useful, "origin": origin},
            **{"weight": 0.0 if useful is None else 0.5, "at": START},
        )
        store.write("kate", lambda writing: allocations.add_feedback(writing, [said]))

    say("m", True, thumb)
    say("m", None, overlap)
    say("m", False, thumb)
    say(None, True, thumb)
    found = read(store, "kate", lambda reading: allocations.feedback_of(reading, "a"))
    assert [(one.memory_id, one.origin, one.useful, one.weight) for one in found] == [
        (None, thumb, True, 0.5),
        ("m", overlap, None, 0.0),
        ("m", thumb, False, 0.5),
    ]


def test_a_request_that_comes_again_gets_its_answer(store: Store) -> None:
    def find(workspace_id: str, key: str, request_hash: str) -> object:
        return read(store, workspace_id, lambda reading: answers.find(reading, key, request_hash))

    store.write("kate", lambda writing: answers.keep(writing, "k", "h", {"ids": ["a"]}))
    kept = read(store, "kate", lambda reading: answers.find(reading, "k", "h"))
    assert kept is not None
    assert (kept.response, kept.expires_at) == ({"ids": ["a"]}, START + answers.KEPT)
    assert find("kate", "other", "h") is None
    assert find("tom", "k", "h") is None
    with pytest.raises(IdempotencyConflictError, match="key 'k' was used for another request"):
        find("kate", "k", "other")
