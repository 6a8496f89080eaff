"""What `remember` keeps, what it gives back, and what a second write of the same does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from memory_services import Opened, on_both, texts

from mba_integrations import MemoryItem, MemoryTier, UnknownWorkspaceError
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.errors import IdempotencyConflictError, MemoryExistsError
from mba_integrations.services.store.rows.memories import MemoryState
from mba_integrations.testing import Clock

pytestmark = on_both

SKIS = MemoryItem("m1", "Kate likes skiing.", "project", importance=0.9)


def test_texts_items_and_memories_are_kept_in_their_order(service: MemoryService) -> None:
    reply = service.remember(
        "kate", ["Kate moved.", SKIS, NewMemory(item=MemoryItem("m2", "Oslo is cold.", "rag"))]
    )
    assert texts(service) == ["Kate moved.", "Kate likes skiing.", "Oslo is cold."]
    assert [one.created for one in reply.results] == [True] * 3
    assert reply.memory_ids[1:] == ("m1", "m2")
    assert reply.change_seq == 3


def test_a_memory_comes_back_as_it_was_given(service: MemoryService, clock: Clock) -> None:
    memory = NewMemory(
        item=MemoryItem(
            "m1",
            "Kate skis.",
            "project",
            importance=0.75,
            created_at=clock() - timedelta(days=3),
            source="chat-7",
            position=4.5,
            group="g",
            pinned=True,
            metadata={"speaker": "Kate", "deep": {"list": [1, None]}},
        ),
        subject="kate",
        event_at=clock() + timedelta(days=9),
        expires_at=clock() + timedelta(days=30),
        tags=("sport", "alps"),
        author="agent",
        client="cli",
        session_id="s1",
    )
    service.remember("kate", memory)
    row = service.get("kate", "m1")
    for name in ("content", "tier", "importance", "created_at", "source", "position", "group"):
        assert getattr(row, name) == getattr(memory.item, name)
    for name in ("subject", "event_at", "expires_at", "author", "client", "session_id"):
        assert getattr(row, name) == getattr(memory, name)
    assert (row.pinned, row.metadata) == (True, memory.item.metadata)
    assert row.tags == ("alps", "sport")


def test_what_a_memory_does_not_say_is_that_of_the_call(service: MemoryService) -> None:
    own = NewMemory(item=SKIS, subject="zoe", tags=("sport",))
    service.remember(
        "kate", ["Kate moved.", own], tier="project", subject="kate", source="mail", tags=["new"]
    )
    text, item = service.list("kate", newest_first=False).rows
    assert (text.tier, text.subject, text.source, text.tags) == (
        MemoryTier.PROJECT,
        "kate",
        "mail",
        ("new",),
    )
    assert (item.subject, item.source, item.tags) == ("zoe", "mail", ("new", "sport"))


def test_a_text_is_long_term_memory_of_the_moment(service: MemoryService, clock: Clock) -> None:
    service.remember("kate", "Kate moved.")
    [row] = service.list("kate").rows
    assert (row.tier, row.created_at) == (MemoryTier.LONG_TERM, clock())


def test_messages_are_working_memory_of_their_session(service: MemoryService) -> None:
    call = {"id": "c1", "function": {"name": "weather", "arguments": "{}"}}
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Snow."},
    ]
    reply = service.remember("kate", messages, session_id="chat-7")
    rows = service.list("kate", newest_first=False).rows
    assert [row.author for row in rows] == ["user", "assistant", "tool"]
    assert {row.tier for row in rows} == {MemoryTier.WORKING}
    assert {(row.source, row.session_id) for row in rows} == {("chat-7", "chat-7")}
    assert rows[0].group is None
    assert rows[1].group == rows[2].group is not None
    assert not any(row.pinned for row in rows)
    assert "1 system messages" in reply.notes[0]


def test_later_messages_of_a_session_stand_behind_the_earlier(
    service: MemoryService, clock: Clock
) -> None:
    said = [{"role": "user", "content": word} for word in ("one", "two", "three", "four")]
    service.remember("kate", said[:2], session_id="s")
    clock.pass_seconds(1)
    service.remember("kate", said[2:], session_id="s")
    rows = service.list("kate").rows
    in_place = sorted(rows, key=lambda row: row.position or 0.0)
    assert [row.content for row in in_place] == ["one", "two", "three", "four"]


def test_the_same_text_in_the_same_place_is_kept_once(service: MemoryService) -> None:
    first = service.remember("kate", ["Kate skis.", "Kate skis."])
    again = service.remember("kate", "Kate skis.")
    [known] = set(first.memory_ids)
    assert [one.created for one in first.results] == [True, False]
    assert again.results[0].duplicate_of == known
    assert again.change_seq == first.change_seq
    elsewhere = service.remember("kate", "Kate skis.", tier="project")
    assert elsewhere.created == 1


def test_the_same_text_about_two_persons_is_two_memories(service: MemoryService) -> None:
    """What is erased of one is still known of the other."""
    about = [service.remember("kate", "Likes tea.", subject=name) for name in ("zoe", "tom", "zoe")]
    assert [reply.created for reply in about] == [1, 1, 0]
    items = [MemoryItem(name, "Skis.", "project") for name in ("a", "b", "c")]
    both = [NewMemory(item=one, subject=name) for one, name in zip(items, "xyx", strict=True)]
    assert [one.created for one in service.remember("kate", both).results] == [True, True, False]
    service.erasures.erase("kate", subjects="zoe")
    assert [row.subject for row in service.list("kate").rows if row.content == "Likes tea."] == [
        "tom"
    ]


def test_an_id_that_is_there_with_the_same_text_is_no_news(service: MemoryService) -> None:
    service.remember("kate", SKIS)
    reply = service.remember("kate", SKIS)
    assert (reply.created, reply.results[0].duplicate_of) == (0, "m1")


def test_an_id_that_is_there_with_another_text_is_refused(service: MemoryService) -> None:
    service.remember("kate", SKIS)
    other = MemoryItem("m1", "Kate likes sailing.", "project")
    with pytest.raises(MemoryExistsError, match=r"^memory 1 of 2: memory 'm1'.*revise\(\)"):
        service.remember("kate", ["Oslo is cold.", other])
    assert texts(service) == ["Kate likes skiing."]


def test_a_forgotten_memory_that_is_remembered_again_is_there_again(
    service: MemoryService,
) -> None:
    service.remember("kate", SKIS)
    service.forget("kate", "m1")
    assert service.remember("kate", SKIS).created == 1
    assert service.get("kate", "m1").state is MemoryState.ACTIVE
    assert "skiing" in service.recall("kate", "skiing?").prompt_text


def test_a_request_made_again_under_its_key_is_answered_and_not_done(
    service: MemoryService, clock: Clock
) -> None:
    first = service.remember("kate", ["Kate skis."], key="k1")
    service.forget("kate", first.memory_ids)
    clock.pass_seconds(23 * 3600)
    again = service.remember("kate", ["Kate skis."], key="k1")
    assert again.replayed
    assert again.results == first.results
    assert texts(service) == []


@pytest.mark.parametrize(
    ("memories", "options"),
    [
        pytest.param(["Kate sails."], {}, id="other-text"),
        pytest.param(["Kate skis."], {"tier": "rag"}, id="other-tier"),
        pytest.param(["Kate skis.", "More."], {}, id="one-more"),
    ],
)
def test_a_key_that_comes_with_another_request_is_refused(
    service: MemoryService, memories: list[str], options: dict[str, Any]
) -> None:
    service.remember("kate", ["Kate skis."], key="k1")
    with pytest.raises(IdempotencyConflictError, match="'k1' was used for another request"):
        service.remember("kate", memories, key="k1", **options)
    assert texts(service) == ["Kate skis."]


def test_a_key_is_free_again_after_a_day(service: MemoryService, clock: Clock) -> None:
    service.remember("kate", ["Kate skis."], key="k1")
    clock.pass_seconds(25 * 3600)
    assert not service.remember("kate", ["Kate skis."], key="k1").replayed


BAD: list[Any] = ["Kate skis.", "", MemoryItem("x", "y\0", "rag"), 3, "Oslo."]


def test_one_bad_memory_refuses_all(service: MemoryService) -> None:
    with pytest.raises(InputError, match=r"^memory 1 of 5: .*empty.*2 more are refused"):
        service.remember("kate", BAD)
    assert texts(service) == []


def test_bad_memories_can_be_skipped_with_the_reason_of_each(service: MemoryService) -> None:
    reply = service.remember("kate", BAD, on_error="skip")
    assert texts(service) == ["Kate skis.", "Oslo."]
    reasons = [one.error or "" for one in reply.results]
    assert [bool(reason) for reason in reasons] == [False, True, True, True, False]
    assert "NUL" in reasons[2]


@pytest.mark.parametrize(
    ("memories", "options", "said"),
    [
        pytest.param([], {}, "1 to 1,000 at once, got 0", id="none"),
        pytest.param(["x"] * 1_001, {}, "got 1,001", id="too-many"),
        pytest.param(3, {}, "must be texts, items or messages, got int", id="number"),
        pytest.param("x", {"tier": "nearby"}, "tier must be one of working", id="tier"),
        pytest.param("x", {"on_error": "ignore"}, "on_error must be raise or skip", id="on-error"),
        pytest.param("x", {"subject": ""}, "subject must be a text", id="subject"),
        pytest.param([{"role": "king", "content": "x"}], {}, "role must be one of", id="role"),
        pytest.param(SKIS, {"key": ""}, "key must be a text", id="key"),
    ],
)
def test_a_call_that_cannot_be_is_refused(
    service: MemoryService, memories: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        service.remember("kate", memories, **options)
    assert texts(service) == []


def test_a_workspace_that_is_not_there_is_named_with_the_near_ones(
    service: MemoryService,
) -> None:
    with pytest.raises(UnknownWorkspaceError, match=r"no workspace 'kat'\. Did you mean 'kate'"):
        service.remember("kat", "Kate skis.")


def with_vector(name: str, *numbers: float) -> MemoryItem:
    return MemoryItem(name, name, "rag", embedding=np.array(numbers))


@pytest.mark.parametrize(
    ("second", "said"),
    [
        pytest.param(with_vector("b", 1, 2, 3), "has 3 numbers, those of model 'm' have 2"),
        pytest.param(with_vector("b", 1, np.nan), "must be finite", id="nan"),
        pytest.param(with_vector("b"), "at least one", id="empty"),
    ],
)
def test_a_vector_of_another_length_is_refused_when_it_is_written(
    opened: Opened, second: MemoryItem, said: str
) -> None:
    service = opened(embedding_model="m")
    service.create_workspace("kate")
    service.remember("kate", with_vector("a", 1, 2))
    with pytest.raises(InputError, match=said):
        service.remember("kate", second)
    assert texts(service) == ["a"]


def test_a_vector_of_no_known_model_is_refused(service: MemoryService) -> None:
    with pytest.raises(InputError, match="Give open\\(\\) an embedding_model"):
        service.remember("kate", with_vector("a", 1, 2))
