"""What answers to past recalls used: judged by origin, kept in the log, erased with memories."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from memory_services import on_both

from mba_integrations import MemoryItem
from mba_integrations.core.errors import InputError, UnknownWorkspaceError
from mba_integrations.core.search.words.overlap import overlaps
from mba_integrations.services.memory.errors import UnknownAllocationError
from mba_integrations.services.memory.feedback.judging import by_citations, by_overlap
from mba_integrations.services.memory.once import AnsweredBeforeError, Once
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.erasure import pruning
from mba_integrations.services.store.errors import IdempotencyConflictError

QUERY = "Where does Kate live?"
ANSWER = "In Oslo; she takes a bus there."
TEXTS = {
    "oslo": "Kate lives in Oslo.",
    "tram": "Kate takes the tram.",
    "bread": "Bread needs salt.",
}
Said = dict[tuple[str | None, str], tuple[bool | None, float]]


@pytest.fixture
def asked(service: MemoryService) -> str:
    """A recall of `kate` whose prompt has the three texts."""
    service.remember("kate", [MemoryItem(name, text, "rag") for name, text in TEXTS.items()])
    reply = service.recall("kate", QUERY)
    assert {one.id for one in reply.selected} == TEXTS.keys()
    return reply.allocation_id


def said(service: MemoryService, allocation_id: str, workspace_id: str = "kate") -> Said:
    """What is kept, by memory and origin."""
    return {
        (one.memory_id, one.origin.value): (one.useful, one.weight)
        for one in service.allocations.feedback(workspace_id, allocation_id)
    }


@on_both
def test_each_origin_has_its_own_say(service: MemoryService, asked: str) -> None:
    seq = service.list("kate").rows[0].added_seq
    reply = service.feedback(
        **{"workspace_id": "kate", "allocation_id": asked, "query": QUERY, "thumb": "up"},
        **{"cited": ["oslo", "atlantis"], "answer": ANSWER, "thumbs": {"bread": "down"}},
    )
    assert said(service, asked) == {
        (None, "thumb"): (True, 1.0),
        ("oslo", "cited"): (True, 1.0),
        ("tram", "cited"): (False, 0.5),
        ("bread", "cited"): (False, 0.5),
        ("oslo", "overlap"): (True, 0.5),
        ("tram", "overlap"): (None, 0.0),
        ("bread", "overlap"): (False, 0.5),
        ("bread", "thumb"): (False, 1.0),
    }
    assert set(reply.rows) == set(service.allocations.feedback("kate", asked))
    assert (reply.not_in_prompt, reply.notes) == (("atlantis",), ())
    assert service.list("kate").rows[0].added_seq == seq


@pytest.mark.parametrize(
    ("answer", "useful"),
    [
        pytest.param(ANSWER, {"oslo": True, "tram": None, "bread": False}, id="one-is-used"),
        pytest.param("I do not know.", dict.fromkeys(TEXTS), id="none-has-enough"),
        pytest.param("She takes it.", dict.fromkeys(TEXTS), id="one-has-a-word"),
        pytest.param("", dict.fromkeys(TEXTS), id="an-answer-of-nothing"),
    ],
)
def test_words_tell_what_an_answer_used(answer: str, useful: dict[str, bool | None]) -> None:
    found = by_overlap(TEXTS, answer, QUERY)
    assert {one.memory_id: one.useful for one in found} == useful
    for one, strength in zip(found, overlaps(answer, QUERY, list(TEXTS.values())), strict=True):
        weights = {True: strength / (1.0 + strength), False: 0.5, None: 0.0}
        assert one.weight == weights[one.useful]


def test_an_answer_that_names_none_of_the_prompt_says_nothing_of_it() -> None:
    assert by_citations(["a", "b"], ["c"]) == by_citations(["a"], []) == []


def test_what_the_model_never_saw_is_not_judged(service: MemoryService, asked: str) -> None:
    reply = service.feedback(
        "kate", asked, cited=["oslo", "tram"], answer=ANSWER, query=QUERY, seen=["oslo", "bread"]
    )
    assert {name for name, _ in said(service, asked)} == {"oslo", "bread"}
    assert reply.not_in_prompt == ("tram",)


def test_the_last_word_of_an_origin_takes_the_place_of_all_it_said(
    service: MemoryService, asked: str
) -> None:
    service.feedback("kate", asked, cited=["oslo"], thumb="up")
    service.feedback("kate", asked, cited=["tram"], thumb="down")
    assert said(service, asked) == {
        (None, "thumb"): (False, 1.0),
        ("oslo", "cited"): (False, 0.5),
        ("tram", "cited"): (True, 1.0),
        ("bread", "cited"): (False, 0.5),
    }


def test_the_logged_question_is_used_where_there_is_one(service: MemoryService) -> None:
    service.workspaces.change("kate", logging={"include_text": True})
    service.remember("kate", MemoryItem("oslo", "Kate lives in Oslo.", "rag"))
    allocation_id = service.recall("kate", QUERY).allocation_id
    service.feedback("kate", allocation_id, answer="In Oslo.")
    assert said(service, allocation_id) == {("oslo", "overlap"): (True, 0.5)}


@on_both
def test_the_answer_is_nowhere_in_the_store(service: MemoryService, asked: str, where: str) -> None:
    service.feedback("kate", asked, answer="Oslo, said the canary.", query=QUERY)
    with service._equipment.store.read("kate") as reading:
        tables = ("feedback", "allocation", "answer")
        kept = [reading.connection.exec_driver_sql(f"SELECT * FROM {one}").all() for one in tables]
    assert "oslo" in repr(kept)
    assert "canary" not in repr(kept)
    assert where.startswith("postgres") or b"canary" not in Path(where).read_bytes()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        pytest.param({}, "says nothing. Give cited, answer, thumb or thumbs", id="nothing"),
        pytest.param({"answer": ANSWER}, "has no text of allocation", id="no-question"),
        pytest.param({"answer": "x", "query": "Who?"}, "is not what allocation", id="another-one"),
        pytest.param({"answer": 7}, "answer must be", id="answer-is-no-text"),
        pytest.param({"answer": "x" * 262_145}, "answer has 262,145 bytes", id="long-answer"),
        pytest.param({"cited": "oslo"}, "cited must be a list of ids", id="cited-is-a-text"),
        pytest.param({"cited": [""]}, "one of cited", id="cited-has-no-id"),
        pytest.param({"cited": list(map(str, range(1_001)))}, "cited has 1,001 ids", id="many"),
        pytest.param({"thumb": "sideways"}, "thumb must be one of", id="no-thumb"),
        pytest.param({"thumbs": ["oslo"]}, "thumbs must be a mapping", id="thumbs-are-a-list"),
        pytest.param({"thumbs": {"oslo": 1}}, "thumb of 'oslo' must be", id="no-thumb-of-memory"),
        pytest.param({"thumbs": {"x": "up"}}, "'x' was not in the prompt", id="not-in-the-prompt"),
    ],
)
def test_what_cannot_be_said_is_refused_and_nothing_is_kept(
    service: MemoryService, asked: str, given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        service.feedback("kate", asked, **given)
    assert said(service, asked) == {}


@on_both
def test_recalls_of_others_are_not_there(service: MemoryService, asked: str) -> None:
    service.create_workspace("tom")
    for workspace_id, error in (("tom", UnknownAllocationError), ("x", UnknownWorkspaceError)):
        with pytest.raises(error):
            service.feedback(workspace_id, asked, thumb="up")
        with pytest.raises(error):
            service.allocations.feedback(workspace_id, asked)
    assert said(service, asked) == {}


def test_items_of_the_caller_have_no_text_to_judge(service: MemoryService, asked: str) -> None:
    given = [MemoryItem("hit", "Kate's house in Oslo is red.", "rag")]
    allocation_id = service.recall("kate", QUERY, items=given).allocation_id
    reply = service.feedback("kate", allocation_id, answer=ANSWER, query=QUERY, cited=["hit"])
    assert ("hit", "cited") in said(service, allocation_id)
    assert ("hit", "overlap") not in said(service, allocation_id)
    assert reply.notes == ("The store has no text of 1 of the prompt's 4 memories.",)


@on_both
def test_what_is_erased_takes_its_feedback_along(service: MemoryService, asked: str) -> None:
    service.feedback("kate", asked, cited=["oslo"], thumb="up")
    receipt = service.erasures.erase("kate", memory_ids="oslo")
    assert receipt.counts["feedback"] == 1
    assert set(said(service, asked)) == {(None, "thumb"), ("tram", "cited"), ("bread", "cited")}


def test_an_erasure_between_reading_and_writing_is_not_undone(
    service: MemoryService, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    equipment = service._equipment
    write = type(equipment).write

    def erased_first(self: Any, *given: Any, **more: Any) -> Any:
        monkeypatch.setattr(type(equipment), "write", write)
        service.erasures.erase("kate", memory_ids="oslo")
        return write(self, *given, **more)

    monkeypatch.setattr(type(equipment), "write", erased_first)
    service.feedback("kate", asked, cited=["oslo"])
    assert set(said(service, asked)) == {("tram", "cited"), ("bread", "cited")}


def test_feedback_goes_with_its_row_of_the_log(service: MemoryService, asked: str) -> None:
    service.feedback("kate", asked, thumb="up")
    store = service._equipment.store
    store.write("kate", lambda writing: pruning.remove_allocations(writing, [asked]))
    with store.read("kate") as reading:
        assert reading.connection.exec_driver_sql("SELECT * FROM feedback").all() == []


def test_a_log_without_items_takes_a_thumb_on_the_whole_alone(
    service: MemoryService, asked: str
) -> None:
    service.feedback("kate", asked, thumb="up")
    store = service._equipment.store
    store.write(
        "kate", lambda writing: pruning.remove_allocations(writing, [asked], items_alone=True)
    )
    service.feedback("kate", asked, thumb="down")
    with pytest.raises(InputError, match="has not kept what was in the prompt"):
        service.feedback("kate", asked, cited=["oslo"])
    assert set(said(service, asked)) == {(None, "thumb")}


@on_both
def test_a_request_that_comes_again_is_answered_as_before(
    service: MemoryService, asked: str
) -> None:
    counted = itertools.count()

    def once(digest: str) -> Once:
        return Once(name="n", digest=digest, written=lambda reply: {"count": next(counted)})

    service.feedback("kate", asked, thumb="up", once=once("d"))
    with pytest.raises(AnsweredBeforeError) as again:
        service.feedback("kate", asked, thumb="up", once=once("d"))
    assert again.value.answer == {"count": 0}
    with pytest.raises(IdempotencyConflictError):
        service.feedback("kate", asked, thumb="down", once=once("e"))
    assert said(service, asked) == {(None, "thumb"): (True, 1.0)}
