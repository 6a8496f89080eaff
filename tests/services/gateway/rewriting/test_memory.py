"""What is recalled for a request, and what of it stays from turn to turn."""

from __future__ import annotations

import json
from typing import Any

import pytest
from memory_services import Opened, texts

from mba_integrations import MemoryItem
from mba_integrations.core.errors import InputError, PinnedOverBudgetError
from mba_integrations.services.gateway.rewriting.block import MemoryBlock, marked
from mba_integrations.services.gateway.rewriting.held import Held
from mba_integrations.services.gateway.rewriting.memory import Recalled, recalled
from mba_integrations.services.gateway.rewriting.remembering import remember_turns
from mba_integrations.services.gateway.wire.reading import Read, read
from mba_integrations.services.gateway.wire.replies import Reply
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.memories import MemoryRow
from mba_integrations.testing import WordCounter

FACTS = {
    "ski": "Kate skis in Norway in winter.",
    "boat": "Kate has a boat in Bergen harbour.",
    "cat": "Kate feeds the cat of a neighbour.",
    "train": "Kate takes the train to Oslo on Mondays.",
}


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    service = opened()
    service.create_workspace("kate", max_total_tokens=1_000)
    service.remember("kate", [MemoryItem(one, said, "long_term") for one, said in FACTS.items()])
    return service


def asked(*said: str) -> Read:
    roles = ["user", "assistant"] * len(said)
    messages = [{"role": role, "content": one} for role, one in zip(roles, said, strict=False)]
    found = read("chat", json.dumps({"messages": messages}))
    assert isinstance(found, Read)
    return found


def recall(
    service: MemoryService, query: str, held: Held | None = None, **options: Any
) -> Recalled:
    given = {"memory_tokens": 30, "history_tokens": 1_000, "session_id": "s", **options}
    found = recalled(service, "kate", asked(query), held=held, **given)
    assert found is not None
    return found


def held_ids(found: Recalled) -> list[str]:
    return [one for one, _ in found.held.items]


def test_both_parts_are_within_what_memory_may_have(service: MemoryService) -> None:
    for memory_tokens in (1, 5, 12, 17, 25, 40, 60):
        block = recall(service, "Where is the boat?", memory_tokens=memory_tokens).block
        parts = [marked(part) for part in (block.stable, block.changing)]
        assert sum(map(WordCounter().count, parts)) <= memory_tokens


def test_what_is_held_stays_whatever_is_asked(service: MemoryService) -> None:
    first = recall(service, "Does Kate ski in winter?")
    assert held_ids(first) == ["ski"]
    second = recall(service, "Where is the boat of Kate?", first.held)
    assert second.block.stable == first.block.stable
    assert "boat" in second.block.changing
    assert "skis" not in second.block.changing


def test_what_is_held_and_forgotten_is_no_longer_sent(service: MemoryService) -> None:
    first = recall(service, "Does Kate ski in winter?")
    service.forget("kate", "ski")
    second = recall(service, "Where is the boat of Kate?", first.held)
    assert "skis" not in second.block.whole
    assert held_ids(second) != ["ski"]


def test_a_memory_that_says_something_else_is_held_anew(service: MemoryService) -> None:
    first = recall(service, "Does Kate ski in winter?")
    held = Held(items=(("ski", "0" * 24),), asked="another")
    assert recall(service, "Does Kate ski in winter?", held).held.items == first.held.items


def test_what_comes_again_and_again_is_held_once_that_pays(service: MemoryService) -> None:
    held = recall(service, "Does Kate ski in winter?").held
    resent = []
    for number in range(4):
        found = recall(service, f"Where is boat {number} in Bergen?", held, history_tokens=20)
        resent.append(found.held.resent_tokens)
        held = found.held
    assert held_ids(found) == ["boat"]
    assert resent[0] == 0 < resent[1] < 20
    assert 0 in resent[2:]


def test_the_same_question_gets_the_same_block(service: MemoryService) -> None:
    first = recall(service, "Where is the boat?", recall(service, "Does Kate ski?").held)
    again = recall(service, "Where is the boat?", first.held, history_tokens=1)
    assert again.block.whole == first.block.whole
    assert again.block.stable == first.block.stable


def test_a_session_goes_on_after_a_restart(service: MemoryService, opened: Opened) -> None:
    first = recall(service, "Does Kate ski in winter?")
    expected = recall(service, "Where is the boat of Kate?", first.held).block
    kept = json.loads(json.dumps(first.held.to_dict()))
    assert not set(FACTS.values()) & set(map(str, kept["items"]))
    service.close()
    block = recall(opened(), "Where is the boat of Kate?", Held.from_dict(kept)).block
    assert (block.stable, block.changing) == (expected.stable, expected.changing)


@pytest.mark.parametrize("query", ["", "  \n"])
def test_where_nothing_is_asked_nothing_is_recalled(service: MemoryService, query: str) -> None:
    assert recalled(service, "kate", asked(query), memory_tokens=100) is None
    assert recalled(service, "kate", asked("Boat?"), memory_tokens=0) is None


def test_a_query_of_any_size_and_any_characters_is_asked(service: MemoryService) -> None:
    assert recall(service, "boat \ud83d " * 50_000).block.whole


def test_the_running_conversation_is_not_recalled(service: MemoryService) -> None:
    request = asked("Where is the boat of Kate?")
    remember_turns(service, "kate", request, Reply(text="The boat is red."), session_id="s")
    assert "red" not in recall(service, "Where is the boat of Kate?", memory_tokens=200).block.whole


def test_pinned_memories_are_held_first_and_refused_where_they_do_not_fit(
    service: MemoryService,
) -> None:
    service.remember("kate", MemoryItem("rule", "Never call at night.", "project", pinned=True))
    assert held_ids(recall(service, "Where is the boat of Kate?"))[0] == "rule"
    with pytest.raises(PinnedOverBudgetError):
        recall(service, "Where is the boat of Kate?", memory_tokens=5)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"items": [["a"]], "behind": [], "resent_tokens": 0},
        {"items": [], "behind": [3], "resent_tokens": 0},
        {"items": [], "behind": [], "resent_tokens": -1},
    ],
)
def test_another_form_of_what_was_held_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Held.from_dict(given)


def test_no_memory_closes_the_marks_around_it() -> None:
    said = marked("- a </memory> < / MEMORY> <memory x> <memories>\n")
    assert said.count("</memory>") == 1
    assert "<memories>" in said
    assert marked(" \n") == ""
    assert MemoryBlock(stable="a", changing="b").whole == "ab"


def rows(service: MemoryService) -> list[MemoryRow]:
    found = service.list("kate", newest_first=False).rows
    return [row for row in found if row.session_id == "s"]


def test_new_turns_are_remembered_once_with_their_session_and_place(service: MemoryService) -> None:
    request = asked("hi", "hello", "Where is the boat?")
    for _ in range(2):
        remember_turns(service, "kate", request, Reply(text="In Bergen."), session_id="s")
    kept = [(row.content, row.author, row.source, row.position) for row in rows(service)]
    assert kept == [
        ("Where is the boat?", "user", "s", 2.0),
        ("In Bergen.", "assistant", "s", 3.0),
    ]
    assert {row.tier.value for row in rows(service)} == {"working"}


@pytest.mark.parametrize(
    ("query", "reply", "expected"),
    [
        pytest.param("Where?", Reply(text="I look.", calls=True), ["Where?"], id="calls-a-tool"),
        pytest.param("Where?", None, ["Where?"], id="no-reply"),
        pytest.param(" ", Reply(text=" "), [], id="nothing-said"),
        pytest.param("a\x00b \ud83d", Reply(text="so"), ["so"], id="what-cannot-be-stored"),
    ],
)
def test_what_is_no_answer_yet_and_what_says_nothing_is_not_remembered(
    service: MemoryService, query: str, reply: Reply | None, expected: list[str]
) -> None:
    remember_turns(service, "kate", asked(query), reply, session_id="s")
    assert texts(service)[len(FACTS) :] == expected
