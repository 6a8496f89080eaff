"""Questions with known answers: decided as recalls are, labelled with what they need, not kept."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from memory_services import Opened, on_both

from mba_integrations import MemoryItem
from mba_integrations.core.errors import InputError, UnknownWorkspaceError
from mba_integrations.learning.own.traffic import own_settings
from mba_integrations.learning.questions.labels import needed_by
from mba_integrations.learning.questions.question import Question
from mba_integrations.learning.replay.comparison import compared
from mba_integrations.learning.replay.executors import Processes
from mba_integrations.learning.replay.files.reading import read_records
from mba_integrations.learning.replay.files.writing import write_records
from mba_integrations.learning.replay.numbers.making import without_texts
from mba_integrations.learning.replay.replay import Again, replay
from mba_integrations.learning.replay.settings import config_of_then
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock, WordCounter, WordEmbedder

_numbers = itertools.count()
QUERIES = ("Where does Kate live?", "Who paid invoice 3?", "What is red?", "And on Friday?")
MEMORIES = (
    MemoryItem("home", "Kate lives in Lisbon, near the harbour.", "long_term"),
    MemoryItem("door", "The garden door is red.", "project"),
    *(MemoryItem(f"i{n}", f"Ben paid invoice {n} on Friday in cash.", "rag") for n in range(12)),
)
asked = st.builds(
    Question,
    query=st.sampled_from(QUERIES),
    needed=st.lists(st.sampled_from([one.id for one in MEMORIES]), min_size=1, max_size=3),
    session_id=st.sampled_from([None, "s1", "s2"]),
    budget_tokens=st.sampled_from([None, 30, 60]),
)


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    return opened(embedder=WordEmbedder(), embedding_model="words")


def made(service: MemoryService, name: str = "w", **changes: Any) -> str:
    service.create_workspace(name, **{"max_total_tokens": 60, **changes})
    service.remember(name, MEMORIES)
    service.jobs.run()  # vectors
    return name


def recalled(service: MemoryService, name: str, questions: Sequence[Question]) -> list[Any]:
    """Allocations of recalls that ask the same, each session under a name of its own."""
    own = next(_numbers)
    return [
        service.recall(
            *(name, one.query),
            budget_tokens=one.budget_tokens,
            session_id=None if one.session_id is None else f"{one.session_id}-{own}",
            record_access=False,
        ).allocation
        for one in questions
    ]


@on_both
@given(questions=st.lists(asked, min_size=1, max_size=5))
@settings(
    max_examples=6,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_questions_are_decided_as_recalls_are(
    service: MemoryService, questions: list[Question]
) -> None:
    name = made(service, f"w{next(_numbers)}")
    records = list(service.questions.records(name, questions))
    prompts = recalled(service, name, questions)
    again = list(replay(records, token_counter=WordCounter()))
    for record, prompt, replayed in zip(records, prompts, again, strict=True):
        assert record.selected_ids == prompt.selected_ids
        assert record.decided.tokens == {one.id: one.tokens for one in prompt.selected}
        assert record.decided.used_tokens == prompt.used_tokens
        assert record.decided.counter_id == prompt.counter_id
        assert record.budget_tokens == prompt.budget_tokens
        assert replayed.is_as_then(record)
        assert replayed.stable_prefix_tokens == prompt.stable_prefix_tokens


@on_both
@given(questions=st.lists(asked, min_size=1, max_size=5), price=st.sampled_from([0.0, 0.01, 0.05]))
@settings(
    max_examples=6,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_figures_are_those_of_recalls_under_these_settings(
    service: MemoryService, questions: list[Question], price: float
) -> None:
    name = made(service, f"w{next(_numbers)}", token_price=0.0)
    found = service.questions.evaluate(name, questions, {"token_price": price}).evaluated
    sides = [found.now]
    prompts = [recalled(service, name, questions)]
    assert found.tried is not None
    service.workspaces.change(name, token_price=price)
    sides.append(found.tried)
    prompts.append(recalled(service, name, questions))
    for side, made_so in zip(sides, prompts, strict=True):
        pairs = [*zip(questions, made_so, strict=True)]
        kept = [set(one.needed) & set(prompt.selected_ids) for one, prompt in pairs]
        needed = sum(len(one.needed) for one in questions)
        assert side.evidence.value == pytest.approx(sum(map(len, kept)) / needed)
        assert side.whole == sum(
            had == set(one.needed) for had, one in zip(kept, questions, strict=True)
        )
        used = sum(prompt.used_tokens for prompt in made_so)
        assert side.figures.mean_used_tokens == pytest.approx(used / len(questions))
        for told, (one, prompt) in zip(side.prompts, pairs, strict=True):
            assert told.missing == {
                memory_id: prompt.decision(memory_id).reason.value
                for memory_id in one.needed
                if memory_id not in prompt.selected_ids
            }


@on_both
def test_nothing_is_kept_of_questions(service: MemoryService) -> None:
    name = made(service, logging={"include_text": True})
    before = service.changes_since(name, 0)
    questions = [Question(query=one, needed="home", session_id="s") for one in QUERIES]
    service.questions.evaluate(name, questions, {"token_price": 0.01})
    assert not service.allocations.list(name).rows
    assert service.statistics(name).allocation_count == 0
    assert service.changes_since(name, 0) == before
    assert service.get(name, "home").access_count == 0
    assert service.recall(name, QUERIES[0], session_id="s").allocation.stable_prefix_tokens == 0
    assert len(service.allocations.list(name).rows) == 1


def test_a_label_says_all_that_is_needed(service: MemoryService) -> None:
    name = made(service)
    [record] = service.questions.records(
        name, [Question(query=QUERIES[0], needed=["home", "door"], budget_tokens=20)]
    )
    assert needed_by(record) == ("home", "door")
    said = {one.memory_id: one.useful for one in record.feedback}
    others = set(record.selected_ids) - {"home", "door"}
    assert "door" not in record.selected_ids
    assert said == {"home": True, "door": True, **dict.fromkeys(others, False)}
    assert {(one.origin, one.weight) for one in record.feedback} == {("label", 1.0)}


@on_both
def test_pieces_of_text_name_all_that_have_them(service: MemoryService, clock: Clock) -> None:
    name = made(service)
    service.remember(name, [MemoryItem("old", "invoice 11 is void", "rag")])
    service.forget(name, ["old"])
    questions = [
        Question(query="a", needed_text=["invoice 1", "garden door"]),
        Question(query="b", needed="home", needed_text="Kate lives"),
        Question(query="c", needed_text="kate lives"),
    ]
    found = service.questions.records(name, questions)
    assert [needed_by(one) for one in found] == [("i1", "i10", "i11", "door"), ("home",)]
    assert [one.named for one in found.not_there] == [("kate lives",)]


@on_both
def test_what_is_not_there_is_told_apart(service: MemoryService, clock: Clock) -> None:
    name = made(service)
    soon = clock() + timedelta(hours=1)
    nap = MemoryItem("nap", "Kate naps.", "working")
    service.remember(name, [NewMemory(item=nap, expires_at=soon)])
    clock.pass_seconds(7_200)
    service.forget(name, ["door"])
    questions = [
        Question(query="What is red?", needed=["door", "typo"]),
        Question(query=QUERIES[0], needed=["home", "nap"]),
        Question(query=QUERIES[0], needed=["home"]),
    ]
    found = service.questions.evaluate(name, questions)
    assert [(one.question_id, one.named, one.is_asked) for one in found.not_there] == [
        ("question-000001", ("door", "typo"), False),
        ("question-000002", ("nap",), True),
    ]
    told = found.evaluated.now.prompts
    assert [(one.question_id, one.needed) for one in told] == [
        ("question-000002", 1),
        ("question-000003", 1),
    ]


def test_nothing_that_is_needed_there_is_refused_with_its_names(service: MemoryService) -> None:
    name = made(service)
    with pytest.raises(InputError, match=r"workspace 'w' has nothing .* need: 'no1', 'no2'\. Give"):
        service.questions.evaluate(name, [Question(query="a", needed=["no1", "no2"])])
    with pytest.raises(InputError, match=r"has nothing that the questions need\. Give"):
        service.questions.evaluate(name, [])


def test_ages_are_counted_from_when_it_is_asked(opened: Opened, clock: Clock) -> None:
    service = opened()
    service.create_workspace(
        "w", scoring_method="weighted_sum", half_life_days=1.0, max_total_tokens=60
    )
    days = [clock() - timedelta(days=one) for one in (10, 5)]
    for number, day in enumerate(days):
        service.remember("w", [MemoryItem(f"m{number}", f"Walk {number}.", "rag", created_at=day)])
    questions = [Question(query="Walk?", needed="m0", at=day) for day in (None, days[1], days[0])]
    records = list(service.questions.records("w", questions))
    assert [one.at for one in records] == [clock(), days[1], days[0]]
    again = Again(token_counter=WordCounter())
    fresh = [
        again.allocation(one, config_of_then(one.settings)).decision("m0").freshness
        for one in records
    ]
    assert fresh[0] < 0.01 < fresh[1] < fresh[2] == 1.0
    assert all(again.decided(one).is_as_then(one) for one in records)


def test_a_session_that_was_idle_too_long_begins_anew(service: MemoryService, clock: Clock) -> None:
    name = made(service, performance={"session_idle_seconds": 60})
    times = [clock() - timedelta(seconds=one) for one in (200, 150, 80)]
    questions = [Question(query="Kate?", needed="home", session_id="s", at=one) for one in times]
    followed = [one.previous is not None for one in service.questions.records(name, questions)]
    assert followed == [False, True, False]


def test_a_question_without_a_record_is_followed_all_the_same(service: MemoryService) -> None:
    name = made(service)
    questions = [
        Question(query=QUERIES[0], needed="typo", session_id="s"),
        Question(query=QUERIES[1], needed="i3", session_id="s"),
    ]
    [record] = service.questions.records(name, questions)
    [_, second] = recalled(service, name, questions)
    assert record.previous is not None
    assert record.selected_ids == second.selected_ids


@pytest.mark.parametrize(
    ("questions", "message"),
    [
        pytest.param(
            [
                Question(query="a", needed="m", session_id="s", at=Clock()() - timedelta(days=one))
                for one in (1, 2)
            ],
            r"question-000002 is asked at .*, before question-000001 of its session",
            id="order",
        ),
        pytest.param(
            [Question(query="a", needed="m", at=Clock()() + timedelta(days=1))],
            r"question-000001: at lies in the future",
            id="future",
        ),
        pytest.param(
            [Question(query="a" * 70_000, needed="m")],
            "question-000001: query has 70,000",
            id="long",
        ),
        pytest.param([Question(query="a", needed="m" * 600)], "each of needed has 600", id="id"),
        pytest.param([Question(query="a", needed_text="\0")], "needed_text holds a NUL", id="nul"),
        pytest.param(["Where?"], "questions must be Questions, got 'Where", id="text"),
        pytest.param(3, "questions must be a list of questions", id="number"),
    ],
)
def test_what_cannot_be_asked_is_named(
    service: MemoryService, questions: Any, message: str
) -> None:
    name = made(service)
    with pytest.raises(InputError, match=message):
        service.questions.records(name, questions)


def test_an_unknown_workspace_is_refused(service: MemoryService) -> None:
    with pytest.raises(UnknownWorkspaceError):
        service.questions.records("nobody", [])


def test_pins_that_do_not_fit_are_told(service: MemoryService) -> None:
    name = made(service)
    service.pin(name, ["home"])
    questions = [
        Question(query=QUERIES[0], needed=["home", "door"], budget_tokens=5, session_id="s"),
        Question(query=QUERIES[0], needed="home", session_id="s"),
    ]
    found = service.questions.evaluate(name, questions).evaluated.now
    first, second = found.prompts
    assert first.missing == {"home": "no_prompt", "door": "no_prompt"}
    assert "pinned" in str(first.problem)
    assert (second.missing, found.figures.unfit, found.whole) == ({}, 1, 1)
    records = list(service.questions.records(name, questions))
    again = list(replay(records, token_counter=WordCounter()))
    assert all(map(lambda one, record: one.is_as_then(record), again, records))
    assert records[1].previous is None


def test_records_are_replayed_compared_and_kept_in_files(opened: Opened, tmp_path: Path) -> None:
    service = opened(token_counter=None)
    name = made(service)
    questions = [Question(query=one, needed=["home", "i3"], session_id="s") for one in QUERIES]
    records = list(service.questions.records(name, questions))
    found = compared(records, {"token_price": 1000.0}, Processes(1))
    kept = sum(len({"home", "i3"} & set(one.selected_ids)) for one in records)
    assert (found.records, found.useful, found.useful_kept.before) == (4, 8, kept)
    assert found.useful_kept.after == 0
    assert found.used_tokens.after < found.used_tokens.before
    for ending in ("jsonl", "parquet"):
        path = tmp_path / f"questions.{ending}"
        assert write_records(records, path) == 4
        assert list(read_records(path)) == records
    assert own_settings(records).recalls == 4
    numbers = [without_texts(one) for one in records]
    assert all(again.is_as_then(one) for one, again in zip(numbers, replay(numbers), strict=True))
    assert [one.feedback for one in numbers] == [one.feedback for one in records]


on_postgres = pytest.mark.parametrize("where", ["postgres"], indirect=True)


@on_postgres
def test_of_a_workspace_beyond_memory_what_is_not_looked_at_is_missing(opened: Opened) -> None:
    service = opened(pool_memories=5)
    name = made(service)
    questions = [
        Question(query="Where does Kate live?", needed="home", session_id="s"),
        Question(query="Which door is red?", needed=["door", "home", "i11"], session_id="s"),
    ]
    prompts = recalled(service, name, questions)
    records = list(service.questions.records(name, questions))
    assert [one.selected_ids for one in records] == [one.selected_ids for one in prompts]
    looked_at = {one.id for one in records[1].candidates}
    assert "home" in looked_at  # it was in the prompt before
    assert "i11" not in looked_at
    found = service.questions.evaluate(name, questions).evaluated.now
    assert found.prompts[1].missing == {"i11": "not_considered"}
    assert found.evidence.value == 0.75
