"""Find memories: filters beside a slow oracle, pages, counts, texts that are there already."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_rows import START, add, current, ids, read, row

from mba_integrations import MemoryTier
from mba_integrations.core.errors import InputError
from mba_integrations.services.store.errors import UnknownMemoryError
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import finding, memories
from mba_integrations.services.store.store import Store

DAY = timedelta(days=1)
NONE: frozenset[Any] = frozenset()
ROWS = (
    row("plain"),
    row("Tagged", tags=("x", "y"), subject="kate", author="user"),
    row("dated", created_at=START - DAY, event_at=START + DAY, tags=("x",)),
    row("used", tier="working", last_accessed_at=START - 2 * DAY, created_at=START - 3 * DAY),
    row("ends", tier="rag", expires_at=START, source="doc", group="g", held=True),
    row("kept", tier="rag", expires_at=START + DAY, source="doc", pinned=True, session_id="s"),
    row("meta", "Kate's ÄPFEL 100% _", metadata={"k": "v", "n": 3, "f": 0.5, "t": True, "o": None}),
    row("other", "kate", metadata={"k": "w", "n": 4, "t": False, "a.b": "v"}),
    row("gone"),
    row("old", subject="kate"),
)
FILTERS = [
    pytest.param({}, id="nothing-given"),
    pytest.param({"states": None}, id="any-state"),
    pytest.param({"states": frozenset({MemoryState.FORGOTTEN})}, id="forgotten"),
    pytest.param({"memory_ids": frozenset({"plain", "gone", "no"})}, id="ids"),
    pytest.param({"memory_ids": NONE}, id="no-ids"),
    pytest.param({"tiers": frozenset({MemoryTier.RAG, MemoryTier.WORKING})}, id="tiers"),
    pytest.param({"subjects": frozenset({"kate"}), "states": None}, id="subject"),
    pytest.param({"sources": frozenset({"doc"})}, id="source"),
    pytest.param({"groups": frozenset({"g"})}, id="group"),
    pytest.param({"session_ids": frozenset({"s"})}, id="session"),
    pytest.param({"authors": frozenset({"user"})}, id="author"),
    pytest.param({"tags": frozenset({"x"})}, id="tag"),
    pytest.param({"tags": frozenset({"x", "y"})}, id="both-tags"),
    pytest.param({"metadata": {"k": "v"}}, id="metadata-text"),
    pytest.param({"metadata": {"n": 3}}, id="metadata-whole-number"),
    pytest.param({"metadata": {"f": 0.5}}, id="metadata-number"),
    pytest.param({"metadata": {"t": True}}, id="metadata-true"),
    pytest.param({"metadata": {"t": False}}, id="metadata-false"),
    pytest.param({"metadata": {"a.b": "v"}}, id="metadata-key-with-a-dot"),
    pytest.param({"metadata": {"k": "v", "n": 4}}, id="metadata-of-two-rows"),
    pytest.param({"pinned": True}, id="pinned"),
    pytest.param({"pinned": False}, id="not-pinned"),
    pytest.param({"held": True}, id="held"),
    pytest.param({"contains": "100% _"}, id="contains-signs-of-patterns"),
    pytest.param({"contains": "Kate"}, id="contains-upper-case"),
    pytest.param({"contains": "ÄPFEL"}, id="contains-more-than-ascii"),
    pytest.param({"created_from": START - DAY}, id="created-from"),
    pytest.param({"created_before": START - DAY}, id="created-before"),
    pytest.param({"event_from": START + DAY, "event_before": START + 2 * DAY}, id="event"),
    pytest.param({"stored_from": START, "stored_before": START}, id="stored-in-no-time"),
    pytest.param({"idle_since": START - DAY}, id="idle"),
    pytest.param({"alive_at": START}, id="alive"),
    pytest.param({"expired_at": START}, id="expired"),
    pytest.param({"tiers": frozenset({MemoryTier.RAG}), "alive_at": START}, id="two-conditions"),
]


def lets_through(wanted: MemoryFilter, one: MemoryRow) -> bool:
    """The filter again, as slow Python."""

    def is_in(names: frozenset[Any] | None, value: object) -> bool:
        return names is None or value in names

    def within(value: Any, first: Any, end: Any) -> bool:
        if first is None and end is None:
            return True
        return (
            value is not None and (first is None or value >= first) and (end is None or value < end)
        )

    def entry(key: str, value: object) -> bool:
        found = one.metadata.get(key)
        return found == value and isinstance(found, bool) == isinstance(value, bool)

    used = one.last_accessed_at or one.created_at or one.stored_at
    return (
        is_in(wanted.states, one.state)
        and is_in(wanted.memory_ids, one.memory_id)
        and is_in(wanted.tiers, one.tier)
        and is_in(wanted.subjects, one.subject)
        and is_in(wanted.sources, one.source)
        and is_in(wanted.groups, one.group)
        and is_in(wanted.session_ids, one.session_id)
        and is_in(wanted.authors, one.author)
        and wanted.tags <= set(one.tags)
        and all(entry(*pair) for pair in wanted.metadata.items())
        and wanted.pinned in (None, one.pinned)
        and wanted.held in (None, one.held)
        and (wanted.contains is None or wanted.contains in one.content)
        and within(one.created_at, wanted.created_from, wanted.created_before)
        and within(one.event_at, wanted.event_from, wanted.event_before)
        and within(one.stored_at, wanted.stored_from, wanted.stored_before)
        and (wanted.idle_since is None or (used is not None and used < wanted.idle_since))
        and (wanted.alive_at is None or one.expires_at is None or one.expires_at > wanted.alive_at)
        and (
            wanted.expired_at is None
            or (one.expires_at is not None and one.expires_at <= wanted.expired_at)
        )
    )


@pytest.fixture
def filled(store: Store) -> Store:
    """The store with `ROWS` in the workspace of Kate, one forgotten and one superseded."""
    add(store, "kate", *ROWS)
    add(store, "tom", *ROWS)
    store.write("kate", lambda writing: memories.forget(writing, ["gone"]))
    store.write("kate", lambda writing: memories.supersede(writing, {"old": row("new")}))
    return store


@pytest.mark.parametrize("fields", FILTERS)
def test_a_filter_lets_through_what_a_slow_one_does(filled: Store, fields: dict[str, Any]) -> None:
    wanted = MemoryFilter(**fields)
    whole = read(filled, "kate", finding.in_any_state)
    expected = [one for one in whole if lets_through(wanted, one)]
    page = read(filled, "kate", lambda reading: finding.listed(reading, wanted, newest_first=False))
    assert list(page.rows) == expected
    assert read(filled, "kate", lambda reading: finding.ids(reading, wanted)) == tuple(
        one.memory_id for one in expected
    )
    counted = read(filled, "kate", lambda reading: finding.count(reading, wanted))
    assert counted == {tier: sum(one.tier is tier for one in expected) for tier in MemoryTier}


def pages(store: Store, *, limit: int, newest_first: bool) -> Iterator[list[str]]:
    after: int | None = None
    while True:
        page = read(
            store,
            "kate",
            lambda reading, place=after: finding.listed(  # type: ignore[misc]
                reading, after=place, limit=limit, newest_first=newest_first
            ),
        )
        yield ids(page.rows)
        if page.after is None:
            return
        after = page.after


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_have_each_memory_once(store: Store, limit: int) -> None:
    add(store, "kate", *"abcd")
    forth = list(pages(store, limit=limit, newest_first=False))
    back = list(pages(store, limit=limit, newest_first=True))
    assert [one for page in forth for one in page] == list("abcd")
    assert [one for page in back for one in page] == list("dcba")
    assert all(len(page) <= limit for page in forth)
    assert len(forth) == -(-4 // limit)


def test_what_is_added_or_deleted_between_pages_moves_nothing(store: Store) -> None:
    add(store, "kate", *"abcdef")
    walk = pages(store, limit=2, newest_first=False)
    assert next(walk) == ["a", "b"]
    store.write("kate", lambda writing: memories.forget(writing, ["a", "d"]))
    add(store, "kate", "g")
    assert list(walk) == [["c", "e"], ["f", "g"]]


def test_a_page_has_at_least_one_memory(store: Store) -> None:
    with pytest.raises(InputError, match="limit must be an integer >= 1, got 0"):
        read(store, "kate", lambda reading: finding.listed(reading, limit=0))


def test_known_memories_come_in_the_order_of_their_ids(filled: Store) -> None:
    found = read(filled, "kate", lambda reading: finding.known(reading, ["old", "plain", "old"]))
    assert ids(tuple(found)) == ["old", "plain", "old"]
    with pytest.raises(UnknownMemoryError, match="no memory 'a', 'b', 'c', 'd', 'e' and 2 more"):
        read(filled, "kate", lambda reading: finding.known(reading, list("abcdefg")))


def test_more_names_than_a_statement_takes_parameters_are_looked_up_at_once(store: Store) -> None:
    add(store, "kate", "a")
    many = [f"x{number}" for number in range(70_000)]
    assert list(read(store, "kate", lambda reading: finding.find(reading, [*many, "a"]))) == ["a"]


def test_a_text_is_repeated_within_tier_and_source_and_subject(store: Store) -> None:
    add(store, "kate", row("a", "Hi"), row("b", "Hi", source="s"), row("gone", "Bye"))
    add(store, "kate", row("c", "Hi", subject="zoe"))
    add(store, "tom", row("t", "Other"))
    store.write("kate", lambda writing: memories.forget(writing, ["gone"]))
    asked = [
        row("same", "Hi"),
        row("a", "Hi"),
        row("with-source", "Hi", source="s"),
        row("other-source", "Hi", source="z"),
        row("about-zoe", "Hi", subject="zoe"),
        row("about-tom", "Hi", subject="tom"),
        row("other-tier", "Hi", tier="rag"),
        row("forgotten", "Bye"),
        row("foreign", "Other"),
    ]
    found = read(store, "kate", lambda reading: finding.repeated(reading, asked))
    assert found == {"same": "a", "with-source": "b", "about-zoe": "c"}


@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_any_text_comes_back_byte_for_byte(store: Store, texts: list[str]) -> None:
    def there_and_back(writing: Writing) -> None:
        memories.add(writing, [row(str(place), text) for place, text in enumerate(texts)])
        raise Undo([one.content for one in finding.current(writing)])

    with pytest.raises(Undo) as undone:
        store.write("kate", there_and_back)
    assert undone.value.args[0] == texts


class Undo(Exception):  # noqa: N818 - it is no error
    """Ends a write without a trace."""


def test_times_of_any_zone_come_back_in_utc(store: Store) -> None:
    stored = add(store, "kate", row("a", created_at=START.astimezone()))
    assert current(store) == stored
    assert str(current(store)[0].created_at) == str(START)
