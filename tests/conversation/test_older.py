"""The messages before the window: their groups, what the core chooses, rounds with questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from talk import CHOOSER, FRAME, Said, ai, conversation, result, talks, user

from mba_integrations import WorkspaceConfig
from mba_integrations.conversation.history import Place
from mba_integrations.conversation.older import OlderMessages, conversation_workspace
from mba_integrations.conversation.window import Window
from mba_integrations.core.dialogue.exchanges import Exchange

LIMIT = 40


def window(sent: Sequence[int], older: Sequence[int]) -> Window:
    return Window(
        recent=np.zeros(0, dtype=np.int64),
        older=np.array(older, dtype=np.int64),
        sent=np.array(sent, dtype=np.int64),
        recent_tokens=0,
    )


def held(
    messages: list[Said], older: Sequence[int] | None = None, *, waits: bool = False
) -> tuple[OlderMessages, list[Exchange]]:
    """All that is usable of *messages*, or some places, to choose from; and their exchanges."""
    history = conversation(messages).history
    free = np.flatnonzero(history.costs.kind == Place.FREE).tolist()
    made = OlderMessages()
    places = free if older is None else older
    divided = window(history.costs.full.tolist(), places)
    made.update(history.messages, history.exchanges, divided, LIMIT, waits=waits)
    return made, history.exchanges


def chosen(made: OlderMessages, query: str, budget: int) -> list[int]:
    allocation = made.choose(CHOOSER, query, budget)
    return [] if allocation is None else made.places_of(allocation)


TALK = [user("oslo"), ai("fjord"), user("tram"), ai("blue"), user("boat"), ai("long")]
PAIR = 2 * FRAME + 9


@pytest.mark.parametrize(
    ("query", "budget", "places"),
    [
        pytest.param("oslo", PAIR, [0, 1], id="an-exchange-comes-in-whole"),
        pytest.param("blue", PAIR, [2, 3], id="found-by-its-answer"),
        pytest.param("oslo", PAIR - 1, [2, 3], id="one-token-too-few-for-it"),
        pytest.param("oslo", 99, [0, 1, 2, 3, 4, 5], id="room-for-all"),
        pytest.param("oslo", 0, [], id="no-room"),
    ],
)
def test_exchanges_are_chosen_for_the_question(query: str, budget: int, places: list[int]) -> None:
    made, _ = held(TALK)
    assert chosen(made, query, budget) == places


def test_where_nothing_is_held_nothing_is_chosen() -> None:
    assert OlderMessages().choose(CHOOSER, "oslo", 99) is None


LONG = [user("oslo"), ai("", "c"), result("c", "tram " * 9), ai("blue")]
ROUND = FRAME + FRAME + 45
ASKED = FRAME + 4 + FRAME + 4


def test_of_a_long_exchange_the_talk_and_each_round_come_in_apart() -> None:
    made, _ = held(LONG)
    assert chosen(made, "oslo", ASKED) == [0, 3]
    assert chosen(made, "tram", ROUND) == [1, 2]


@pytest.mark.parametrize(
    ("budget", "places"),
    [
        pytest.param(ROUND + ASKED, [0, 1, 2, 3], id="room-for-its-question"),
        pytest.param(ROUND + ASKED - 1, [], id="one-token-too-few"),
    ],
)
def test_a_round_comes_in_with_its_question_or_not_at_all(budget: int, places: list[int]) -> None:
    made, exchanges = held(LONG)
    assert made.with_questions(exchanges, [1, 2], budget) == places


def test_a_round_whose_question_is_sent_anyway_needs_none() -> None:
    made, exchanges = held(LONG, [1, 2])
    assert made.with_questions(exchanges, [1, 2], ROUND) == [1, 2]


def test_of_the_exchange_that_waits_every_part_comes_in_alone() -> None:
    made, _ = held(TALK[:2], waits=True)
    assert chosen(made, "fjord", FRAME + 5) == [1]
    together, _ = held(TALK[:2])
    assert chosen(together, "fjord", FRAME + 5) == []


def test_what_is_forgotten_is_not_chosen_and_comes_back_changed() -> None:
    made, _ = held(TALK)
    made.forget_from(2)
    assert chosen(made, "tram", 99) == [0, 1]
    now = [*TALK[:2], user("snow"), ai("white")]
    history = conversation(now).history
    divided = window(history.costs.full.tolist(), [0, 1, 2, 3])
    made.update(history.messages, history.exchanges, divided, LIMIT, waits=False)
    assert chosen(made, "snow", 2 * FRAME + 9) == [2, 3]


@given(talks(), st.integers(0, 300), st.sampled_from(["", "oslo", "tram"]), st.booleans())
def test_choices_are_within_the_budget_and_rounds_never_without_their_question(
    messages: list[Said], budget: int, query: str, waits: bool
) -> None:
    made, exchanges = held(messages, waits=waits)
    picked = made.with_questions(exchanges, chosen(made, query, budget), budget)
    assert sum(FRAME + len(messages[place].text) for place in picked) <= budget
    assert picked == sorted(set(picked))
    for exchange in exchanges:
        of_exchange = set(picked) & set(exchange.places)
        if exchange.has_question and of_exchange:
            assert exchange.start in picked
        for one in exchange.rounds:
            assert len(of_exchange & set(one.places)) in (0, len(one.places))


@settings(max_examples=40)  # each example chooses six times
@given(talks(), st.data())
def test_a_pool_that_was_kept_chooses_as_one_made_anew(
    messages: list[Said], data: st.DataObject
) -> None:
    history = conversation(messages).history
    free = np.flatnonzero(history.costs.kind == Place.FREE).tolist()
    sent = history.costs.full.tolist()
    kept = OlderMessages()
    for _ in range(3):
        count = data.draw(st.integers(0, len(free)))
        divided = window(sent, free[:count])
        kept.update(history.messages, history.exchanges, divided, LIMIT, waits=False)
        anew = OlderMessages()
        anew.update(history.messages, history.exchanges, divided, LIMIT, waits=False)
        assert chosen(kept, "oslo", 120) == chosen(anew, "oslo", 120)


def test_settings_for_messages_give_all_to_them_and_leave_every_message_whole() -> None:
    given_ = WorkspaceConfig(
        workspace_id="w", tier_floor_tokens={"rag": 10}, duplicate_threshold=0.9, min_score=0.1
    )
    made = conversation_workspace(given_)
    assert made.workspace_id == "w:conversation"
    assert made.working_memory_pct == 1.0
    assert made.rag_memory_pct == made.project_memory_pct == made.long_term_memory_pct == 0.0
    assert (made.tier_floor_tokens, made.tier_cap_tokens) == ({}, {})
    assert (made.duplicate_threshold, made.passage_min_tokens) == (None, None)
    assert made.min_score == given_.min_score
    assert made.borrowing
