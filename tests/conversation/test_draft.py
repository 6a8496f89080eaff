"""A whole prompt: what every one keeps to, and what comes in first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from counters import COUNTERS
from hypothesis import given
from hypothesis import strategies as st
from talk import (
    CHOOSER,
    FRAME,
    Said,
    ai,
    chooser,
    conversation,
    planned,
    problems,
    result,
    shown,
    system,
    talks,
    user,
)

from mba_integrations import PinnedOverBudgetError
from mba_integrations.conversation.draft import Draft, Planned, Request
from mba_integrations.core.dialogue.roles import Role

CHOOSERS = {name: chooser(counter) for name, counter in COUNTERS.items()}
REQUESTS = st.builds(
    Request,
    budget_tokens=st.integers(0, 700),
    frame_tokens=st.sampled_from([0, 3]),
    query=st.sampled_from([None, "", "oslo"]),
    recent_share=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    waits=st.booleans(),
    calls_may_wait=st.booleans(),
)


def sent_or_refused(messages: list[Said], request: Request, counter: str) -> Planned | None:
    made = conversation(messages, COUNTERS[counter])
    try:
        return Draft(made, request, CHOOSERS[counter]).finish()
    except PinnedOverBudgetError:
        return None


@pytest.mark.parametrize("counter", COUNTERS)
@given(messages=talks(), request=REQUESTS)
def test_every_prompt_keeps_the_guarantees(
    counter: str, messages: list[Said], request: Request
) -> None:
    before = [replace(one) for one in messages]
    plan = sent_or_refused(messages, request, counter)
    assert messages == before
    if plan is None:
        return
    texts = shown(messages, plan)
    sent = [
        replace(messages[place], text=text) for place, text in zip(plan.places, texts, strict=True)
    ]
    assert not problems(sent, calls_may_wait=request.waits and request.calls_may_wait)
    cost = sum(FRAME + COUNTERS[counter].count(one.text) for one in sent)
    assert plan.tokens == (cost + request.frame_tokens if sent else 0) <= request.budget_tokens
    systems = {place for place, one in enumerate(messages) if one.role is Role.SYSTEM}
    assert systems <= set(plan.places)
    questions = [p for p, one in enumerate(messages) if one.role is Role.USER and not one.answers]
    assert not (request.waits and questions) or questions[-1] in plan.places
    assert len(set(plan.places)) == len(plan.places)
    assert set(plan.texts) <= set(plan.places)


@given(talks(), talks(6), REQUESTS)
def test_what_was_sent_before_makes_no_difference(
    first: list[Said], fresh: list[Said], request: Request
) -> None:
    kept = conversation(first)
    for messages in (first, first[: len(first) // 2], [*first[:-3], *fresh], [*first, *fresh]):
        kept.update(messages)
        try:
            seen: object = Draft(kept, request, CHOOSER).finish()
        except PinnedOverBudgetError as error:
            seen = str(error)
        anew = sent_or_refused(messages, request, "characters")
        assert isinstance(seen, str) if anew is None else _outcome(seen) == _outcome(anew)


def _outcome(plan: object) -> object:
    assert isinstance(plan, Planned)
    return replace(plan, allocation=None)


TALK = [
    one
    for n, topic in enumerate(["oslo", "tram", "boat", "snow", "cake", "lamp"])
    for one in (user(f"u{n} {topic}"), ai(f"a{n} {topic}"))
]
ASKED = [*TALK, user("what of oslo?")]
EACH = 2 * FRAME + 14


def names(plan: Planned, messages: list[Said] = ASKED) -> list[str]:
    return [text.split()[0] for text in shown(messages, plan)[:-1]]


def test_messages_disappear_in_this_order() -> None:
    question = FRAME + 13
    seen = [names(planned(ASKED, question + n * EACH)) for n in range(7)]
    assert seen[6] == [f"{who}{n}" for n in range(6) for who in "ua"]
    assert seen[5] == ["u0", "a0", "u1", "a1", "u2", "a2", "u4", "a4", "u5", "a5"]
    assert seen[2] == ["u0", "a0", "u5", "a5"]
    assert seen[1] == ["u0", "a0"]
    assert seen[0] == []


def test_the_share_for_the_newest_decides_between_them_and_the_useful() -> None:
    budget = FRAME + 13 + 3 * EACH
    assert names(planned(ASKED, budget, recent_share=1.0)) == ["u3", "a3", "u4", "a4", "u5", "a5"]
    assert names(planned(ASKED, budget, recent_share=0.0))[:2] == ["u0", "a0"]


def test_a_round_of_older_talk_comes_in_only_with_its_question() -> None:
    rounds = [
        one for n in range(3) for one in (ai("", f"c{n}"), result(f"c{n}", f"tram {n} " * 30))
    ]
    messages = [user("harbour"), *rounds, ai("ok"), user("a"), ai("b"), user("tram 1")]
    counts = set()
    for budget in range(20, 900, 7):
        places = set(planned(messages, budget, recent_share=0.0).places)
        found = [place for place in (1, 3, 5) if place in places]
        assert not found or {0, 7} <= places
        counts.add(len(found))
    assert counts >= {0, 1, 2, 3}


def test_a_question_and_its_answer_come_in_where_the_rounds_are_too_large() -> None:
    messages = [user("where is kate?"), *(one for n in range(40) for one in _round(n))]
    messages += [ai("kate is in oslo"), *TALK[2:], user("where is kate now?")]
    texts = shown(messages, planned(messages, 300))
    assert {"where is kate?", "kate is in oslo"} <= set(texts)
    assert sum(text.startswith("zzz") for text in texts) < 3


def _round(n: int) -> tuple[Said, Said]:
    return ai("", f"c{n}"), result(f"c{n}", "zzz " * 30)


def test_a_system_message_within_the_open_round_is_sent_before_it() -> None:
    messages = [user("look it up"), ai("", "c"), system("be brief"), result("c", "forty two")]
    assert planned(messages, 1000).places == (0, 2, 1, 3)


def test_what_is_left_goes_to_shortened_results_the_newest_first() -> None:
    long = [one for n in range(2) for one in (user(f"u{n}"), *_long(n), ai(f"a{n}"))]
    messages = [*long, user("and?")]
    whole = planned(messages, 10_000).tokens
    plan = planned(messages, whole - 100)
    assert list(plan.texts) == [2]
    assert whole - 120 <= plan.tokens <= whole - 100


def _long(n: int) -> tuple[Said, Said]:
    return ai("", f"c{n}"), result(f"c{n}", f"w{n} " * 100)


def test_what_is_sent_besides_has_its_share_and_what_the_conversation_leaves() -> None:
    request = Request(budget_tokens=1000, conversation_share=0.6)
    small = Draft(conversation(ASKED[-1:]), request, CHOOSER)
    assert small.room_besides() == small.room_tokens == 1000 - FRAME - 13
    full = Draft(conversation([*TALK * 20, user("and?")]), request, CHOOSER)
    assert full.room_besides() == 400
    left = full.fill(400)
    plan = full.finish(400)
    assert 0 <= left < EACH
    assert 1000 - EACH < plan.tokens <= 1000
    tight = Draft(conversation([user("q" * 700), *TALK * 20]), request, CHOOSER)
    assert tight.room_besides() >= 0


def test_vectors_find_what_shares_no_word_with_the_question() -> None:
    class Topics:
        def __call__(self, texts: list[str]) -> object:
            return np.array([[float("kitten" in one or "cat" in one), 1.0] for one in texts])

    messages = [user("my kitten"), ai("ok"), user("my train"), ai("ok"), user("my lamp"), ai("ok")]
    found = chooser()
    found.allocator.embedder = Topics()  # type: ignore[attr-defined]
    assert planned([*messages, user("cat?")], 60, recent_share=0.0).places[-1] == 6


def test_a_conversation_without_messages_sends_none() -> None:
    plan = planned([], 100, frame_tokens=3)
    assert (plan.places, plan.tokens, plan.question) == ((), 0, None)
