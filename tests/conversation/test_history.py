"""A conversation that is kept between calls: what is read again, and that nothing differs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from fakes import CharCounter
from hostile_values import INCOMPARABLE
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict
from talk import Said, TalkReader, ai, result, system, talks, user

from mba_integrations.conversation.history import History, Place
from mba_integrations.conversation.message import Message
from mba_integrations.core.dialogue.roles import Role

TALK = [user("u0"), ai("", "c"), result("c", "long " * 20), ai("a0"), user("u1"), ai("a1")]


def state(history: History[Said]) -> tuple[object, ...]:
    """All that can be seen of a history, by value."""
    seen = [(one.role, one.text, one.tokens) for one in history.messages]
    costs = history.costs
    return (
        seen,
        history.exchanges,
        *(column.tolist() for column in (costs.full, costs.least)),
        [Place(code) for code in costs.kind],
    )


def made_anew(messages: list[Said], **options: bool) -> History[Said]:
    made: History[Said] = History(TalkReader(), **options)
    made.update(messages)
    return made


def edited(messages: list[Said], draw: random.Random, fresh: list[Said]) -> list[Said]:
    """Another list: longer, shorter, with one message exchanged, moved or taken out."""
    now = list(messages)
    for _ in range(draw.randint(1, 3)):
        place = draw.randrange(len(now) + 1)
        kind = draw.randrange(5)
        if kind == 0:
            now += fresh[:3]
        elif kind == 1:
            del now[place : place + 2]
        elif kind == 2:
            now[place : place + 1] = fresh[:1]
        elif kind == 3:
            now = now[:place]
        else:
            now[place:place] = fresh[-2:]
    return now


@given(talks(), st.lists(talks(4), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_a_kept_history_equals_one_made_anew(
    first: list[Said], later: list[list[Said]], draw: random.Random
) -> None:
    kept = made_anew(first)
    messages = first
    for fresh in later:
        messages = edited(messages, draw, fresh)
        kept.update(messages)
        assert state(kept) == state(made_anew(messages))


@given(talks(), talks(6), st.randoms(use_true_random=False))
def test_up_to_the_place_that_is_told_every_exchange_is_as_it_was(
    first: list[Said], fresh: list[Said], draw: random.Random
) -> None:
    kept = made_anew(first)
    before, last = list(kept.exchanges), kept.last
    place = kept.update(edited(first, draw, fresh))
    stayed = [exchange for exchange in kept.exchanges if exchange.end <= place]
    assert stayed == before[: len(stayed)]
    assert place in [*(exchange.start for exchange in kept.exchanges), len(kept.messages)]
    # The parts of the last exchange come in one by one, those of others together.
    assert last not in stayed or kept.last == last


def test_only_new_messages_are_read() -> None:
    reader = TalkReader()
    kept: History[Said] = History(reader)
    for end in range(len(TALK) + 1):
        kept.update(TALK[:end])
    assert reader.read_texts == [one.text for one in TALK]


def test_equal_messages_that_are_other_objects_are_not_read_again() -> None:
    reader = TalkReader()
    kept: History[Said] = History(reader)
    kept.update(TALK)
    again = [Said(one.role, one.text, one.call_ids, one.answers) for one in TALK]
    assert kept.update(again) == len(TALK)
    assert len(reader.read_texts) == len(TALK)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param(lambda now: setattr(now[5], "text", "other"), 4, id="in-place"),
        pytest.param(lambda now: now.__setitem__(2, result("c", "new")), 0, id="a-result"),
        pytest.param(lambda now: now.pop(1), 0, id="a-call"),
        pytest.param(lambda now: now.append(ai("more")), 4, id="the-last-exchange-grows"),
        pytest.param(lambda now: now.append(user("u2")), 4, id="the-last-is-it-no-longer"),
        pytest.param(lambda now: now.__delitem__(slice(4, 6)), 0, id="it-is-the-last-again"),
        pytest.param(lambda now: None, 6, id="nothing"),
    ],
)
def test_what_changed_is_told_from_the_start_of_its_exchange(
    change: Callable[[list[Said]], object], place: int
) -> None:
    now = [Said(one.role, one.text, one.call_ids, one.answers) for one in TALK]
    kept = made_anew(now)
    change(now)
    assert kept.update(now) == place


@pytest.mark.parametrize("make", INCOMPARABLE.values(), ids=INCOMPARABLE)
def test_what_cannot_be_compared_counts_as_another(make: Callable[[], object]) -> None:
    class OddReader(TalkReader):
        def marks(self, messages: Sequence[Said]) -> list[object]:
            return [make() for _ in messages]

    kept: History[Said] = History(OddReader())
    kept.update(TALK)
    assert kept.update(TALK) == 0


class Line(BaseModel):
    """A message of a framework whose fields are not all that it has."""

    model_config = ConfigDict(extra="allow")

    text: str


@pytest.mark.parametrize(
    ("now", "read"),
    [
        pytest.param(Line(text="a"), 1, id="the-same-fields"),
        pytest.param(Line(text="a", by="kate"), 1, id="more-beside-the-fields"),  # type: ignore[call-arg]
        pytest.param(Line(text="b"), 2, id="another-field"),
        pytest.param(Said(Role.USER, "a"), 2, id="of-another-type"),
    ],
)
def test_a_message_of_a_framework_is_the_same_by_its_fields(now: object, read: int) -> None:
    reader = LineReader()
    kept: History[object] = History(reader)
    kept.update([Line(text="a")])
    kept.update([now])
    assert reader.times_read == read


class LineReader:
    """Reads anything as a user's message."""

    counter = CharCounter()
    times_read = 0

    def marks(self, messages: Sequence[object]) -> list[object]:
        return [None for _ in messages]

    def read(self, messages: Sequence[object]) -> list[Message]:
        self.times_read += len(messages)
        return [Message(role=Role.USER, text="a", tokens=1) for _ in messages]


@pytest.mark.parametrize(
    ("messages", "question_first", "kinds"),
    [
        pytest.param([ai(), user()], False, [2, 0], id="before-the-first-question"),
        pytest.param([ai()], False, [0], id="no-question-at-all"),
        pytest.param([ai()], True, [2], id="no-question-where-one-is-needed"),
        pytest.param([system(), ai(), user()], True, [1, 2, 0], id="system-stays"),
        pytest.param([user(), ai("", "c")], False, [0, 2], id="a-call-that-waits"),
        pytest.param([user(), result("c")], False, [0, 2], id="a-stray"),
    ],
)
def test_what_may_become_of_messages(
    messages: list[Said], question_first: bool, kinds: list[int]
) -> None:
    assert made_anew(messages, question_first=question_first).costs.kind.tolist() == kinds


def test_results_can_be_shortened_to_their_placeholder_if_that_is_shorter() -> None:
    messages = [user(), ai("", "a", "b"), result("a", "x" * 90), result("b", "y" * 9)]
    costs = made_anew(messages).costs
    assert costs.full.tolist() == [5, 4, 94, 13]
    assert costs.least.tolist() == [
        5,
        4,
        4 + len("[result of tool call a: 94 tokens, left out]"),
        13,
    ]
    assert costs.limited(60).tolist() == [5, 4, 60, 13]
    assert costs.limited(10).tolist() == [5, 4, 48, 13]
